"""A recognizer maps images to unit vectors, owns its standardisation, and loads as it was saved."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from typeone.data.augmentation import augment_faces
from typeone.models.recognizers import (
    THRESHOLDS,
    Recognizer,
    embed,
    load_recognizer,
    read_thresholds,
    save_recognizer,
    standardise,
)
from typeone.runtime.artifacts import save_model, write_parquet
from typeone.runtime.errors import InputError
from typeone.training.loop import TrainingSettings, train
from typeone.training.losses import margin_softmax
from typeone.training.objectives.faces import recognition

FLOAT32 = 1e-5  # sums of a few thousand terms of float32


def images(n=3, side=64, seed=0):
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(seed))


def small(preprocessing="fixed"):
    torch.manual_seed(0)
    settings = {"channels": 2, "dim": 8}
    return Recognizer("face_cnn", preprocessing=preprocessing, settings=settings).eval()


# standardisation


def test_fixed_maps_black_grey_and_white_to_the_ends_and_the_middle():
    found = standardise(torch.tensor([0, 0.5, 1]).view(1, 1, 1, 3), "fixed")
    assert found.flatten().tolist() == pytest.approx([-127.5 / 128, 0, 127.5 / 128])


def test_whitening_is_that_of_the_published_code():
    levels = (images(1) * 255).numpy()[0].astype(np.float64)
    expected = (levels - levels.mean()) / max(levels.std(), 1 / math.sqrt(levels.size))
    found = standardise(images(1), "whiten")[0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)  # float32 against float64


def test_whitening_of_a_plain_image_is_finite_and_so_is_its_gradient():
    plain = torch.full((1, 3, 8, 8), 0.3, requires_grad=True)
    white = standardise(plain, "whiten")
    assert white.abs().max() < 1e-2
    (gradient,) = torch.autograd.grad(white.square().sum(), plain)
    assert gradient.isfinite().all()


def test_each_image_is_whitened_by_itself():
    both = images(2)
    torch.testing.assert_close(standardise(both, "whiten")[:1], standardise(both[:1], "whiten"))


# embeddings


@pytest.mark.parametrize("preprocessing", ["fixed", "whiten"])
def test_embeddings_are_unit_vectors_along_the_prelogits(preprocessing):
    recognizer = small(preprocessing)
    found, raw = recognizer(images()), recognizer.prelogits(images())
    assert found.shape == (3, 8)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(found * raw.norm(dim=1, keepdim=True), raw)


def test_a_batch_is_what_its_images_are_alone():
    recognizer = small()
    alone = torch.cat([recognizer(image[None]) for image in images()])
    torch.testing.assert_close(recognizer(images()), alone, rtol=0, atol=FLOAT32)


@pytest.mark.parametrize("preprocessing", ["fixed", "whiten"])
def test_facenet_takes_64_pixels_and_has_gradients(preprocessing):
    recognizer = Recognizer("inception_resnet_v1", preprocessing=preprocessing).eval()
    seen = []
    recognizer.network.register_forward_hook(lambda _, given, __: seen.append(given[0].shape))
    x = images(2).requires_grad_(True)
    found = recognizer(x)
    assert seen == [(2, 3, 160, 160)]
    assert found.shape == (2, 512)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(2))
    (gradient,) = torch.autograd.grad((found[0] - found[1].detach()).norm(), x)
    assert gradient[0].isfinite().all()
    assert gradient[0].abs().sum() > 0


def test_a_large_image_is_averaged_over_not_sampled():
    recognizer = Recognizer("face_cnn", preprocessing="fixed", settings={"channels": 2, "dim": 8})
    seen = []
    recognizer.network.register_forward_hook(lambda _, given, __: seen.append(given[0]))
    stripes = torch.zeros(1, 3, 256, 256)
    stripes[..., ::2] = 1  # sampled, they would be black or white
    recognizer.eval()(stripes)
    assert seen[0].shape == (1, 3, 64, 64)
    assert seen[0][..., 1:-1, 1:-1].abs().max() < 0.05


def test_embedding_in_parts_is_embedding_at_once():
    recognizer, x = small(), images(7)
    found = embed(recognizer, 7, lambda part: x[part], batch=3)
    torch.testing.assert_close(found, recognizer(x).detach(), rtol=0, atol=FLOAT32)
    assert not found.requires_grad


# checkpoints


def test_a_recognizer_loads_as_it_was_saved(tmp_path):
    recognizer = small("whiten")
    save_recognizer(tmp_path / "model.safetensors", recognizer, metadata={"seed": 3})
    found = load_recognizer(tmp_path / "model.safetensors")
    assert torch.equal(found(images()), recognizer(images()))
    assert (found.architecture, found.preprocessing, found.side) == ("face_cnn", "whiten", 64)
    assert not found.training
    assert not any(p.requires_grad for p in found.parameters())


def test_preprocessing_can_be_asked_for(tmp_path):
    recognizer = small()
    save_recognizer(tmp_path / "model.safetensors", recognizer, metadata={})
    found = load_recognizer(tmp_path / "model.safetensors", preprocessing="whiten")
    recognizer.preprocessing = "whiten"
    assert torch.equal(found(images()), recognizer(images()))


def test_a_checkpoint_of_something_else(tmp_path):
    save_model(tmp_path / "a.safetensors", nn.Linear(2, 2), metadata={"architecture": "mlp"})
    expected = (
        r"a\.safetensors contains 'mlp', needs one of inception_resnet_v1, face_cnn; delete it"
    )
    with pytest.raises(InputError, match=expected):
        load_recognizer(tmp_path / "a.safetensors")


def test_a_checkpoint_of_other_sizes(tmp_path):
    note = {"architecture": "face_cnn", "preprocessing": "fixed", "side": 64}
    note["settings"] = {"channels": 4, "dim": 8}
    save_model(tmp_path / "a.safetensors", small().network, metadata=note)
    with pytest.raises(InputError, match=r"a\.safetensors contains another architecture"):
        load_recognizer(tmp_path / "a.safetensors")


def test_unknown_names():
    with pytest.raises(InputError, match="architecture is 'vgg'; needs one of inception_resnet_v1"):
        Recognizer("vgg", preprocessing="fixed")
    with pytest.raises(InputError, match="preprocessing is 'raw'; needs one of fixed, whiten"):
        small("raw")


# distances


def test_thresholds_are_the_printed_one_and_its_root(tmp_path):
    assert THRESHOLDS["paper"] == 1.242
    assert THRESHOLDS["squared"] == pytest.approx(1.1144505, abs=1e-7)
    table = {"name": ["paper", "far"], "distance": np.array([1.242, 0.9])}
    write_parquet(tmp_path / "thresholds.parquet", table)
    assert read_thresholds(tmp_path / "thresholds.parquet") == {"paper": 1.242, "far": 0.9}


# training


def test_the_margin_softmax_of_two_people_by_hand():
    # 2 (0.8 - 0.3) = 1 at the own person, 2 * 0.5 = 1 at the other: both alike
    cosines = torch.tensor([[0.8, 0.5], [0.5, 0.8]])
    labels = torch.tensor([0, 1])
    found = margin_softmax(cosines, labels, scale=2.0, margin=0.3)
    torch.testing.assert_close(found, torch.full((2,), math.log(2)))


def test_augmented_faces_stay_in_range_and_are_moved_by_whole_pixels():
    face = torch.zeros(200, 1, 9, 9)
    face[:, :, 4, 4] = 0.5
    found = augment_faces(face, torch.Generator().manual_seed(0), shift=2, light=0.2)
    assert ((found > 0).sum(dim=(1, 2, 3)) == 1).all()  # one pixel still, nothing between
    bright = found.amax(dim=(1, 2, 3))
    assert 0.4 <= bright.min() < 0.42 < 0.58 < bright.max() <= 0.6
    _, _, rows, columns = torch.nonzero(found, as_tuple=True)
    assert sorted(set(rows.tolist())) == sorted(set(columns.tolist())) == [2, 3, 4, 5, 6]


def test_half_of_the_faces_are_mirrored_and_the_border_is_drawn_out():
    ramp = torch.linspace(0, 1, 8).expand(400, 1, 8, 8)
    found = augment_faces(ramp, torch.Generator().manual_seed(0), shift=0, light=0.0)
    mirrored = (found == ramp.flip(3)).all(dim=3).all(dim=2).flatten()
    assert ((found == ramp).all(dim=3).all(dim=2).flatten() | mirrored).all()
    assert 160 < mirrored.sum() < 240  # four standard deviations
    moved = augment_faces(ramp, torch.Generator().manual_seed(0), shift=3, light=0.0)
    assert moved.amin(dim=(1, 2, 3)).max() < 0.5
    assert set(moved.unique().tolist()) == set(ramp.unique().tolist())


def test_training_brings_the_images_of_a_person_together():
    people = torch.arange(4).repeat_interleave(8)
    own = images(4, seed=1)[people]
    x = (0.7 * own + 0.3 * images(32, seed=2)).clamp(0, 1)
    model = nn.Module()
    model.recognizer = small().train()
    model.centres = nn.Parameter(torch.randn(4, 8, generator=torch.Generator().manual_seed(0)))
    objective = recognition(
        model.recognizer,
        model.centres,
        lambda rows: x[rows],
        people,
        **{"vary": lambda batch: batch, "scale": 8.0, "margin": 0.2},
    )
    curve = train(
        model,
        objective,
        **{"name": "test", "count": 32, "seed": 0, "generator": torch.Generator()},
        settings=TrainingSettings(epochs=15, batch_size=16, lr=0.01),
    )
    assert curve[-1]["train_error"] == 0
    with torch.no_grad():
        found = torch.cdist(model.recognizer(x), model.recognizer(x))
    same = people[:, None] == people[None]
    assert found[same].max() < found[~same].min()
