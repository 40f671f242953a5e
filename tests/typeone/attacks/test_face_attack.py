"""Algorithm 2 against a recognizer, on small untrained networks for faces."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from typeone.attacks.criteria import identity_criterion
from typeone.attacks.shards import attack_shard
from typeone.attacks.svae import attack
from typeone.models.recognizers import Recognizer
from typeone.models.svae import FaceSVAE
from typeone.runtime.errors import InputError

from ..algorithm2 import ALIKE, F64, SETTINGS, seeded

WALK = replace(SETTINGS, steps=12, lr=0.1, eta=1.0, target_loss=0.1, k_max=5.0, patience=None)


@pytest.fixture(scope="module")
def networks():
    """An SVAE that takes each image by its own statistics, and a recognizer; untrained."""
    svae = FaceSVAE(latent_dim=6, width=1 / 32, statistics="own")
    svae.reset_parameters(seeded(1))
    with torch.random.fork_rng():
        torch.manual_seed(2)
        recognizer = Recognizer(
            "face_cnn", preprocessing="fixed", settings={"channels": 2, "dim": 5}
        )
    return tuple(m.to(F64).eval().requires_grad_(False) for m in (svae, recognizer))


@pytest.fixture(scope="module")
def faces():
    return (
        torch.rand(4, 3, 64, 64, generator=seeded(3), dtype=F64),
        torch.tensor([0, 1, 1, 0]),
    )


def walk(networks, faces, rows, settings=WALK):
    (svae, recognizer), (images, labels) = networks, faces
    keep = identity_criterion(recognizer, 1.242)(images[rows], labels[rows])
    latent, _ = svae.encode(images[rows])
    return attack(svae, latent, 1 - labels[rows], settings, keep=keep)


def test_with_own_statistics_a_batch_is_attacked_as_its_singles(networks, faces):
    together = walk(networks, faces, slice(None))
    assert (together.k > 0).all()  # the recognizer is felt
    for i in range(4):
        alone = walk(networks, faces, slice(i, i + 1))
        torch.testing.assert_close(together.latent_end[i : i + 1], alone.latent_end, **ALIKE)
        torch.testing.assert_close(together.images[i : i + 1], alone.images, **ALIKE)
        torch.testing.assert_close(together.k[i : i + 1], alone.k, **ALIKE)


def test_k_is_the_sum_of_the_hinges_on_the_distance(networks, faces):
    """Eq. 10 by hand along the trace: the ratio leaves the hinge alone."""
    (svae, recognizer), (images, labels) = networks, faces
    latent, _ = svae.encode(images)
    settings = replace(WALK, eta=0.01)
    keep = identity_criterion(recognizer, 1.242)(images, labels)
    result = attack(svae, latent, 1 - labels, settings, keep=keep, follow=[2], follow_every=1)
    with torch.no_grad():
        start = (recognizer(svae.decode(latent)) - recognizer(images)).norm(dim=1)
    points = result.trace
    assert points[0].j1 == pytest.approx(start[2].item(), abs=1e-12)
    k = 0.0
    for point in points[1:]:
        k += 0.01 * max(point.j1 - 0.1, 0)
        assert point.k == pytest.approx(k, abs=1e-12)
    assert k > 0


def test_the_recognizer_pulls_the_face_back(networks, faces):
    def distance(settings):
        images = walk(networks, faces, slice(None), settings).images
        return (networks[1](images) - networks[1](faces[0])).norm(dim=1)

    settings = replace(WALK, steps=40, alpha=0.0, gamma=0.0)
    free, held = (distance(replace(settings, k_max=k, k_start=k)) for k in (0.0, 50.0))
    assert (held < free).all()


def test_rows_of_faces_aim_at_the_other_gender_and_start_at_the_face_itself(networks, faces):
    (svae, recognizer), (images, labels) = networks, faces
    rows, points = attack_shard(
        svae,
        images,
        labels,
        replace(WALK, steps=1),
        keep=identity_criterion(recognizer, 1.242),
        classes=2,
        chunk=3,
        follow=range(2),
    )
    assert rows["label"].tolist() == [0, 1, 1, 0]
    assert rows["target_label"].tolist() == [1, 0, 0, 1]
    start, _ = svae.encode(images)  # not binarised
    np.testing.assert_allclose(rows["latent_start"], start.numpy(), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(rows["image"], np.rint(images.numpy() * 255))
    assert {position for position, _ in points} == {0, 1}


ENDS = ("latent_start", "latent_end")
DETAIL = replace(WALK, steps=0, detail=1.0, offset_lr=0.0)


def detailed(networks, faces, settings, chunk=4):
    svae, recognizer = networks
    keep = identity_criterion(recognizer, 1.242)
    return attack_shard(svae, *faces, settings, keep=keep, classes=2, chunk=chunk)[0]


@pytest.mark.parametrize("detail", [0.0, 0.25, 1.0])
def test_detail_leads_from_the_reconstruction_to_the_face_itself(networks, faces, detail):
    svae, images = networks[0], faces[0]
    latent, _ = svae.encode(images)
    clamped = images.clamp(0.02, 0.98)
    blurred = svae.decode(latent).logit()
    expected = (blurred + detail * (clamped.logit() - blurred)).sigmoid()
    result = attack(
        svae, latent, 1 - faces[1], replace(DETAIL, detail=detail), keep=None, originals=images
    )
    torch.testing.assert_close(result.images, expected, **ALIKE)


def test_only_what_the_decoder_changes_departs_from_the_face(networks, faces):
    """A pixel moves by no more than the decoder's logits do."""
    rows = detailed(networks, faces, replace(DETAIL, steps=5))
    still = detailed(networks, faces, DETAIL)
    assert (rows["latent_end"] != rows["latent_start"]).any()
    moved = np.abs(rows["adversarial_image"].astype(float) - still["adversarial_image"])
    decoded = [networks[0].decode_logits(torch.from_numpy(rows[k])) for k in ENDS]
    change = (decoded[1] - decoded[0]).abs().numpy() * 255 / 4  # the largest slope of the sigmoid
    assert (moved <= change + 1).all()  # 1: both are rounded to 8 bits
    assert moved.max() > 1


def test_detail_stays_with_its_face_when_others_leave(networks, faces):
    settings = replace(DETAIL, steps=12, patience=2, check_every=1, target_loss=2.0)
    together = detailed(networks, faces, settings)
    assert len(set(together["steps"])) > 1  # some leave early
    alone = detailed(networks, faces, settings, chunk=1)
    np.testing.assert_array_equal(together["adversarial_image"], alone["adversarial_image"])


def test_detail_needs_the_originals(networks, faces):
    latent = torch.zeros(1, 6, dtype=F64)
    with pytest.raises(InputError, match=r"`detail` is 1.0 without `originals`; needs the images"):
        attack(networks[0], latent, faces[1][:1], DETAIL, keep=None)
