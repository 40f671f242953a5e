"""An audit of a recognizer is its attacks, judged, beside plain pairs; the network stays."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from typeone.attacks.criteria import identity_criterion
from typeone.attacks.shards import attack_shard
from typeone.attacks.svae_settings import SvaeAttackSettings
from typeone.data.images import from_uint8
from typeone.evaluation.audit.face_kit import FaceKit
from typeone.evaluation.audit.kit import Kit, load_kit, read_kit, save_kit
from typeone.evaluation.audit.recognizers import measure_recognizer
from typeone.runtime.errors import InputError

from ..audits import small_kit
from ..face_audits import COUNT, WALK, Embeds, small_face_kit

THRESHOLD = 0.6


@pytest.fixture(scope="module")
def kit():
    return small_face_kit()


@pytest.fixture(scope="module")
def findings(kit):
    return measure_recognizer(Embeds(), kit, threshold=THRESHOLD, who="mine")


def test_a_kit_read_is_the_kit_written(kit, tmp_path):
    path = tmp_path / "kit.safetensors"
    save_kit(path, kit)
    again = read_kit(path, FaceKit)
    assert again.note == kit.note
    ours, theirs = kit.state_dict(), again.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert not any(module.training for module in again.modules())
    assert again.judges == ["plain"]
    assert all(torch.equal(*pair) for pair in zip(again.clean, kit.clean, strict=True))


def test_a_kit_of_before_there_were_limits_is_refused_before_an_attack(kit):
    older = FaceKit({k: v for k, v in kit.note.items() if k != "limits"})
    with pytest.raises(InputError, match="no `limits` of clean faces; make it again"):
        measure_recognizer(Embeds(), older, threshold=THRESHOLD, who="mine")


def test_a_kit_of_the_other_kind_is_named(kit, tmp_path):
    save_kit(tmp_path / "faces", kit)
    save_kit(tmp_path / "digits", small_kit())
    with pytest.raises(InputError, match=r"faces is a kit for recognizers .*; needs a kit for cl"):
        load_kit(tmp_path / "faces")
    with pytest.raises(InputError, match=r"digits is a kit for classifiers .*; needs a kit for re"):
        read_kit(tmp_path / "digits", FaceKit)
    assert isinstance(read_kit(tmp_path / "digits", Kit), Kit)


def test_plain_pairs_are_counted_at_the_threshold(kit, findings):
    with torch.no_grad():
        found = Embeds()(kit.faces("cpu")[0])
    apart = torch.cdist(found, found).numpy() <= THRESHOLD
    people, gender = kit.identities.numpy(), kit.labels.numpy()
    upper = np.triu(np.ones((COUNT, COUNT), bool), 1)
    kinds = {
        "same": upper & (people[:, None] == people),
        "different": upper & (people[:, None] != people),
        "opposite": upper & (gender[:, None] != gender),
    }
    assert list(findings.accepted) == list(kinds)
    for kind, pairs in kinds.items():
        rate = findings.accepted[kind]
        assert rate.n == pairs.sum()  # so few that each is drawn
        assert rate.value == pytest.approx(apart[pairs].mean()), kind


def test_the_walk_is_that_of_the_workflow_with_a_scaled_aim(kit, findings):
    images, labels = kit.faces("cpu")
    settings = WALK | {"target_loss": WALK["target_loss"] * THRESHOLD / 1.2}
    wanted, _ = attack_shard(
        kit.svae,
        images[:6],
        labels[:6],
        SvaeAttackSettings(**settings),
        keep=identity_criterion(Embeds(), THRESHOLD),
        classes=2,
        chunk=32,
    )
    rows = findings.examples["ours"]
    np.testing.assert_array_equal(rows["adversarial_image"], wanted["adversarial_image"])
    before, after = (Embeds()(from_uint8(rows[k], "cpu")) for k in ("image", "adversarial_image"))
    distance = (before - after).norm(dim=1)
    assert rows["distance"] == pytest.approx(distance.detach().numpy(), abs=1e-5)
    np.testing.assert_array_equal(rows["kept"], rows["distance"] <= THRESHOLD)


def test_an_attack_of_a_kit_asks_its_attackers():
    """The walk moves the face otherwise than without them; a kit without them is refused."""
    asking = {"name": "ours", "kind": "svae", "label": "", "settings": WALK | {"image_weight": 3.0}}
    kit = small_face_kit([asking])
    images, labels = kit.faces("cpu")
    settings = asking["settings"] | {"target_loss": WALK["target_loss"] * THRESHOLD / 1.2}
    wanted, _ = attack_shard(
        kit.svae,
        images[:6],
        labels[:6],
        SvaeAttackSettings(**settings),
        keep=identity_criterion(Embeds(), THRESHOLD),
        classes=2,
        attackers=list(kit.attackers),
        chunk=32,
    )
    how = {"threshold": THRESHOLD, "who": "mine"}
    found = measure_recognizer(Embeds(), kit, **how).examples["ours"]["adversarial_image"]
    np.testing.assert_array_equal(found, wanted["adversarial_image"])
    plain = measure_recognizer(Embeds(), small_face_kit(), **how).examples["ours"]
    assert (found != plain["adversarial_image"]).any()
    older = copy.deepcopy(kit)
    older.attackers = nn.ModuleList()
    with pytest.raises(InputError, match=r"`image_weight` is 3\.0 without attackers"):
        measure_recognizer(Embeds(), older, **how)


def test_a_caller_can_follow_each_attack(kit, findings):
    shares = {}
    measure_recognizer(
        Embeds(),
        kit,
        threshold=THRESHOLD,
        who="mine",
        watch=lambda name, share: shares.setdefault(name, []).append(share),
    )
    assert list(shares) == list(findings.examples)
    assert all((found[0], found[-1]) == (0.0, 1.0) for found in shares.values())
    assert len(set(shares["ours"])) > WALK["steps"] / 2


def test_noise_stays_in_its_ball_and_follows_the_seed(kit, findings):
    rows = findings.examples["pgd"]
    moved = rows["adversarial_image"].astype(int) - rows["image"]
    assert np.abs(moved).max() == round(0.08 * 255)
    again, other = (
        measure_recognizer(Embeds(), kit, threshold=THRESHOLD, who="mine", seed=seed)
        for seed in (0, 1)
    )
    np.testing.assert_array_equal(
        rows["adversarial_image"], again.examples["pgd"]["adversarial_image"]
    )
    assert (rows["adversarial_image"] != other.examples["pgd"]["adversarial_image"]).any()


def test_the_network_is_left_as_it_was(kit):
    network = Embeds().train()
    before = copy.deepcopy(network.state_dict())
    found = measure_recognizer(network, kit, threshold=THRESHOLD, who="mine", count=2)
    assert network.training
    assert all(p.requires_grad and p.grad is None for p in network.parameters())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert found.warnings[0].startswith("The network was in training mode")


class Long(Embeds):
    def forward(self, images):
        return 3 * super().forward(images)


class Broken(nn.Module):
    """NaN for images brighter than the first four of the kit."""

    def __init__(self, kit):
        super().__init__()
        self.limit = kit.faces("cpu")[0][:4].mean(dim=(1, 2, 3)).max()

    def forward(self, images):
        mean = images.mean(dim=(1, 2, 3))
        lost = mean > self.limit + 1e-6
        return torch.stack([mean, torch.where(lost, math.nan, mean)], dim=1)


def test_embeddings_of_another_length_and_a_lax_threshold_are_told(kit):
    found = measure_recognizer(Long(), kit, threshold=6.0, who="mine", count=2)
    said = "\n".join(found.warnings)
    assert "Embeddings have lengths of 3 to 3, not 1" in said
    assert "At this threshold 100% of plain pairs of different people are one person" in said


def test_a_network_that_fails_on_some_faces(kit):
    with pytest.raises(InputError, match="mine, which returns NaN or infinity on clean faces"):
        measure_recognizer(Broken(kit).eval(), kit, threshold=THRESHOLD, who="mine")


@pytest.mark.parametrize(
    ("network", "how", "message"),
    [
        (Embeds(), {"threshold": 0.0}, "`threshold` is 0.0; needs a distance above 0"),
        (Embeds(), {"threshold": math.nan}, "`threshold` is nan; needs a distance above 0"),
        (Embeds(), {"count": 41}, "`count` is 41, but the kit has 40 faces; needs 1 to 40"),
        (Embeds(), {"count": 0}, "`count` is 0, but the kit has 40 faces"),
        (nn.Flatten(2), {}, r"mine, which returns \(4, 3, 4096\); needs embeddings"),
        (len, {}, "mine, which is no torch.nn.Module; needs one"),
    ],
)
def test_what_cannot_be_audited(kit, network, how, message):
    with pytest.raises(InputError, match=message):
        measure_recognizer(network, kit, **{"threshold": THRESHOLD, "who": "mine"} | how)
