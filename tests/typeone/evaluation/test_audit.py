"""Kits are what was put in, and an audit is its attacks, judged; the network stays as it was."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from typeone.attacks.criteria import runner_up
from typeone.data.images import from_uint8
from typeone.evaluation.audit.attacks import OwnAttack
from typeone.evaluation.audit.kit import SPLITS, file_sha256, load_kit, save_kit
from typeone.evaluation.audit.measure import measure
from typeone.models.predictions import predict
from typeone.runtime.artifacts import save_model
from typeone.runtime.errors import InputError

from ..audits import ATTACKS, COUNTS, attack, images, linear, of_each_class, small_kit

NUMBERED = ((30, "test"), (31, "validation"))


@pytest.fixture(scope="module")
def kit():
    return small_kit()


@pytest.fixture(scope="module")
def findings(kit):
    return measure(linear(), kit, who="mine")


def audit_of(network, kit, **how):
    return measure(network, kit, who="mine", **how)


# ------------------------------------------------------------------- kits


def test_a_kit_read_is_the_kit_written(kit, tmp_path):
    path = tmp_path / "kit.safetensors"
    save_kit(path, kit)
    again = load_kit(path, sha256=file_sha256(path))
    assert again.note == kit.note
    ours, theirs = kit.state_dict(), again.state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert not any(module.training for module in again.modules())
    assert not any(p.requires_grad for p in again.parameters())
    assert again.judges == ["plain", "wide"]
    given_images = {split: images(seed, COUNTS[split], linear()) for seed, split in NUMBERED}
    given_images["train"] = of_each_class(32, COUNTS["train"])
    for split in SPLITS:
        shown, labels = again.images(split, "cpu")
        given, classes = given_images[split]
        assert (shown - given).abs().max() <= 0.5 / 255 + 1e-6
        assert torch.equal(labels, classes)


def test_another_file_than_the_one_named_is_refused(kit, tmp_path):
    path = tmp_path / "kit.safetensors"
    save_kit(path, kit)
    with pytest.raises(InputError, match=rf"has the SHA-256 {file_sha256(path)}; needs 0{{64}}"):
        load_kit(path, sha256="0" * 64)
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(InputError, match="is damaged"):
        load_kit(path)


def test_another_checkpoint_is_no_kit(tmp_path):
    save_model(tmp_path / "a.safetensors", linear(), metadata={"architecture": "mlp"})
    with pytest.raises(InputError, match="is not a kit; needs a kit for classifiers"):
        load_kit(tmp_path / "a.safetensors")


# ------------------------------------------------------------------- what an audit measures


def test_each_attack_starts_from_the_first_images_that_the_network_gets_right(kit, findings):
    shown, labels = kit.images("test", "cpu")
    right = predict(linear(), shown).argmax(dim=1) == labels
    chosen = torch.nonzero(right).flatten()[:6]
    assert findings.error.value == pytest.approx(1 - right.double().mean().item())
    assert 0.15 < findings.error.value < 0.25
    assert list(findings.examples) == [a["name"] for a in ATTACKS]
    for rows in findings.examples.values():
        assert rows["label"].tolist() == labels[chosen].tolist()
        assert np.array_equal(from_uint8(rows["image"]), shown[chosen])
        assert rows["f1_label_before"].tolist() == labels[chosen].tolist()


def test_a_caller_can_follow_each_attack(kit):
    shares = {}
    audit_of(linear(), kit, watch=lambda name, share: shares.setdefault(name, []).append(share))
    assert list(shares) == [a["name"] for a in sorted(ATTACKS, key=lambda a: a["kind"] == "svae")]
    for entry in ATTACKS:
        found = shares[entry["name"]]
        assert (found[0], found[-1], found) == (0.0, 1.0, sorted(found))
        if entry["kind"] == "svae":
            assert len(set(found)) > entry["settings"]["steps"] / 2


def test_an_aim_is_that_of_the_kit(kit, findings):
    rows = findings.examples["ours"]
    before = from_uint8(rows["image"])
    labels = torch.from_numpy(rows["label"])
    assert rows["target_label"].tolist() == runner_up(linear(), before, labels).tolist()
    next_one = (findings.examples["paper"]["label"] + 1) % 10
    assert findings.examples["paper"]["target_label"].tolist() == next_one.tolist()


def test_the_threshold_rejects_its_share_of_clean_images(kit, findings):
    from typeone.detectors.squeezing import scores

    shown, labels = kit.images("validation", "cpu")
    right = predict(linear(), shown).argmax(dim=1) == labels
    seen = scores(linear(), shown[right], bits=1, median=2)["joint", "l2"]
    assert (seen >= findings.threshold).sum() <= 0.05 * len(seen)
    attacked = from_uint8(findings.examples["fgsm"]["adversarial_image"])
    again = scores(linear(), attacked, bits=1, median=2)["joint", "l2"]
    assert findings.examples["fgsm"]["score"] == pytest.approx(again, abs=1e-6)


def test_an_audit_does_not_depend_on_threads(kit, findings):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        again = audit_of(linear(), kit)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    for name, rows in findings.examples.items():
        change = np.abs(
            rows["adversarial_image"].astype(int) - again.examples[name]["adversarial_image"]
        )
        assert change.max() <= 1, name  # sums in another order


def test_the_network_stays_as_it_was(kit):
    network = linear().train()
    network.register_forward_hook(lambda *_: None)
    before = copy.deepcopy(network.state_dict())
    found = audit_of(network, kit, count=2)
    assert network.training
    assert all(p.requires_grad and p.grad is None for p in network.parameters())
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert found.warnings[0] == "The network was in training mode; it was audited in eval mode."


def test_sigmoids_are_audited_by_their_logits(kit, findings):
    """Taken for logits, the network would look more robust than it is."""
    found = audit_of(nn.Sequential(linear(), nn.Sigmoid()).eval(), kit)
    assert found.warnings[0].startswith("The network returns probabilities; log(p / (1 - p)), as")
    assert found.error == findings.error
    for name in ("fgsm", "paper"):
        again, rows = found.examples[name], findings.examples[name]
        assert again["f1_label_after"].tolist() == rows["f1_label_after"].tolist()


def test_probabilities_are_audited_by_their_logarithm(kit, findings):
    found = audit_of(nn.Sequential(linear(), nn.Softmax(dim=1)).eval(), kit)
    assert found.warnings[0].startswith("The network returns probabilities; their logarithm")
    assert found.error == findings.error
    for name in ("fgsm", "paper"):
        again, rows = found.examples[name], findings.examples[name]
        assert again["f1_label_after"].tolist() == rows["f1_label_after"].tolist()


class TorchvisionStyle(nn.Module):
    """Features, a pooling and a classifier, as torchvision's VGG."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
        self.avgpool = nn.AdaptiveAvgPool2d((3, 3))
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(36, 10))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class TimmStyle(nn.Module):
    """`forward_features`, `forward_head` and patches, as timm's vision transformers."""

    def __init__(self, num_classes=10, in_chans=1):
        super().__init__()
        self.patch_embed = nn.Conv2d(in_chans, 8, 7, stride=7)
        self.norm = nn.LayerNorm(8)
        self.attn = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, num_classes)

    def forward_features(self, x):
        x = self.norm(self.patch_embed(x).flatten(2).transpose(1, 2))
        return x + self.attn(x, x, x, need_weights=False)[0]

    def forward_head(self, x, pre_logits=False):
        x = x.mean(dim=1)
        return x if pre_logits else self.head(x)

    def forward(self, x):
        return self.forward_head(self.forward_features(x))


class OwnNormalisation(nn.Module):
    """Statistics as buffers, applied in the forward."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor(0.1307))
        self.register_buffer("std", torch.tensor(0.3081))
        self.net = linear(9)

    def forward(self, x):
        return self.net((x - self.mean) / self.std)


class ReturnsDouble(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = linear()
        self.eval()

    def forward(self, x):
        return self.net(x).double()


def drawn(network):
    torch.manual_seed(3)
    return network().eval()


@pytest.mark.parametrize(
    "build",
    [
        lambda: drawn(TorchvisionStyle),
        lambda: drawn(TimmStyle),
        lambda: drawn(OwnNormalisation),
        lambda: torch.jit.script(drawn(TorchvisionStyle)),
        lambda: ReturnsDouble(),
    ],
    ids=["torchvision", "timm", "normalisation", "scripted", "float64 outputs"],
)
def test_networks_of_other_kinds_are_audited(build):
    found = audit_of(build(), small_kit(network=build().float()), count=2)
    assert all(len(rows["label"]) == 2 for rows in found.examples.values())
    assert found.examples["ours"]["f1_label_after"].shape == (2,)


def test_a_network_without_gradients_is_told(kit):
    class Rounds(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = linear()

        def forward(self, x):
            return self.net((x * 4).round() / 4 + 0 * x)

    network = Rounds().eval()
    found = audit_of(network, small_kit(network=network), count=3)
    assert "fgsm: the gradient of the network vanishes at 3 of 3 images" in " ".join(found.warnings)


# ------------------------------------------------------------------- own attacks


def brighten(model, inputs, labels, targets, *, generator):
    assert torch.equal(targets, (labels + 1) % 10)
    return (inputs + 0.25).clamp(0, 1)


def test_an_own_attack_is_judged_like_the_others(kit):
    found = audit_of(linear(), kit, own={"mine": OwnAttack.of(brighten)})
    rows = found.examples["mine"]
    assert found.kinds["mine"] == "own"
    expected = (from_uint8(rows["image"]) + 0.25).clamp(0, 1)
    assert (from_uint8(rows["adversarial_image"]) - expected).abs().max() <= 0.5 / 255 + 1e-6
    assert rows["type1_success_clean"].dtype == bool


def test_an_own_attack_needs_a_name_of_its_own(kit):
    with pytest.raises(InputError, match="an attack is named 'fgsm', as one of the kit"):
        audit_of(linear(), kit, own={"fgsm": OwnAttack.of(brighten)})


def test_a_wrong_attack_is_one_line(kit):
    def fails(model, inputs, labels, targets, *, generator):
        return inputs + 2

    with pytest.raises(InputError, match=r"fails'?.*returns pixels from 2 to .*needs \[0, 1\]"):
        audit_of(linear(), kit, own={"mine": OwnAttack.of(fails)})


# ------------------------------------------------------------------- errors


class NaNWhere(nn.Module):
    """Returns NaN where ``where`` holds for an image."""

    def __init__(self, where):
        super().__init__()
        self.net, self.where = linear(), where

    def forward(self, x):
        lost = self.where(x)[:, None]
        return torch.where(lost, torch.nan, self.net(x))


def test_a_network_that_is_not_finite_on_clean_images_is_refused(kit):
    shown, _ = kit.images("test", "cpu")
    level = shown.flatten(1).mean(dim=1).sort().values[-10]
    network = NaNWhere(lambda x: x.flatten(1).mean(dim=1) >= level).eval()
    with pytest.raises(InputError, match="returns NaN or infinity on 10 of 150 clean images"):
        audit_of(network, kit)


def test_where_a_network_is_not_finite_no_attack_succeeds(kit):
    """On noise of 0.3, but not on clean images or those of the SVAE."""
    clean, _ = kit.images("test", "cpu")
    more = torch.cat([clean, kit.images("validation", "cpu")[0]])
    most = (more - more.mean(dim=(1, 2, 3), keepdim=True)).square().mean(dim=(1, 2, 3)).max()
    network = NaNWhere(
        lambda x: (x - x.mean(dim=(1, 2, 3), keepdim=True)).square().mean(dim=(1, 2, 3)) > most
    ).eval()
    found = audit_of(network, kit)
    rows = found.examples["fgsm"]
    lost = rows["f1_label_after"] == -1
    assert lost.any()
    assert not (rows["found_stored"] | rows["type2_success_oracle"])[lost].any()
    assert f"fgsm: the network returns NaN or infinity on {lost.sum()} of 6" in str(found.warnings)


def test_a_network_of_another_data_set_is_refused(kit):
    with pytest.raises(InputError, match=r"gets \d+% of the clean test images of mnist"):
        audit_of(linear(8), kit)


def test_a_function_is_no_network(kit):
    with pytest.raises(InputError, match=r"mine, which is no torch\.nn\.Module"):
        audit_of(lambda x: x, kit)


def test_kits_of_other_code_are_one_line(kit, tmp_path):
    path = tmp_path / "kit.safetensors"
    for note, message in (
        ({"format": 2, **kit.note}, "is a kit of format 2, needs 1; make it again"),
        (kit.note, "is a kit of format None, needs 1"),
        ({"format": 1, **kit.note, "svae": {"width": 1}}, r"is a kit of other code \(TypeError"),
        ({"format": 1, "classes": 10}, r"is a kit of other code \(KeyError"),
    ):
        save_model(path, kit, metadata={"architecture": "audit-kit", **note})
        with pytest.raises(InputError, match=message):
            load_kit(path)
    with pytest.raises(InputError, match="does not exist"):
        load_kit(tmp_path / "none.safetensors")


def test_the_global_generator_stays_as_it_was(kit):
    network = linear()
    torch.manual_seed(5)
    before = torch.get_rng_state()
    audit_of(network, kit, count=2, own={"mine": OwnAttack.of(brighten)})
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (nn.Linear(3, 3), "mine, which fails on images"),
        (nn.Sequential(nn.Flatten(), nn.Linear(784, 7)), r"returns \(4, 7\); needs logits"),
    ],
)
def test_a_network_of_another_shape_is_one_line(kit, network, message):
    with pytest.raises(InputError, match=message):
        audit_of(network.eval(), kit)


@pytest.mark.parametrize("count", [0, -1, 120, 140])
def test_a_count_that_cannot_be_attacked_is_refused(kit, count):
    with pytest.raises(InputError, match=f"`count` is {count}, but of 150 .* 120 right; needs at"):
        audit_of(linear(), kit, count=count)


def test_an_attack_that_a_kit_cannot_describe_is_refused():
    wrong = small_kit([attack("a", "type2", method="fgsm", epsilon=None)])
    with pytest.raises(InputError, match="`epsilon` is None"):
        audit_of(linear(), wrong)
