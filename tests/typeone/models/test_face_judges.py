"""Judges of faces: what a panel makes of its members, and what is no face."""

import gzip
import io
import json
import tarfile

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from typeone.data import face_variations
from typeone.data.face_sources import SyntheticFaces
from typeone.data.face_variations import HELD_OUT_NONFACES, TRAINED_NONFACES, vary_faces
from typeone.data.faces import FaceTable, FaceWriter
from typeone.evaluation.panels import Panel
from typeone.models import age_gender
from typeone.models.age_gender import AgeGender, fetch_age_gender, from_tensorflow, read_weights
from typeone.models.classifiers import reset_parameters
from typeone.models.face_judges import ARCHITECTURES, NO_FACE, build_face_judge, load_face_judge
from typeone.runtime.artifacts import save_model
from typeone.runtime.devices import seeded
from typeone.runtime.errors import InputError
from typeone.training.objectives import faces as objectives
from typeone.training.objectives.faces import face_judging

COUNTS = {"train": 2, "judge": 6, "validation": 2, "test": 2}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Twenty-four faces of six people."""
    source = SyntheticFaces(seed=2, identities=COUNTS, images=dict.fromkeys(COUNTS, 4))
    path = tmp_path_factory.mktemp("faces") / "judge.parquet"
    with FaceWriter(path) as writer:
        for part in source.parts("judge", limit=None):
            writer.write(*part)
    return FaceTable(path)


@pytest.fixture(scope="module")
def images(table):
    return table.faces(slice(None))


class Says(nn.Module):
    """A judge that gives each image the probabilities of its row."""

    def __init__(self, *rows):
        super().__init__()
        self.logits = torch.tensor(rows).log()
        self.asked = 0

    def forward(self, images):
        start, self.asked = self.asked, self.asked + len(images)
        return self.logits[start : start + len(images)]


def verdict(*judges, clear=0.8, batch=256):
    n = len(judges[0].logits)
    panel = Panel(judges, classes=NO_FACE, batch=batch)
    return panel.verdict(torch.zeros(n, 3, 64, 64), clear_confidence=clear)


# the panel


def test_the_panel_by_hand():
    """Two judges: given a face, (0.9, 0.1) and (0.6, 0.4); no face 0.2 and 0."""
    found = verdict(Says([0.72, 0.08, 0.2]), Says([0.6, 0.4, 0.0]))
    assert found.label.tolist() == [0]
    assert found.confidence.item() == pytest.approx(0.75, abs=1e-6)
    # the second has -inf as its logit, so that only the first knows what is no face
    assert found.shows_confidence.item() == pytest.approx(0.8, abs=1e-6)
    assert found.member_labels.tolist() == [[0], [0]]
    assert found.shows_class.tolist() == [True]
    assert found.clear.tolist() == [False]  # 0.75 is below 0.8


def test_what_most_judges_take_for_no_face_is_none():
    none, face = [0.01, 0.09, 0.9], [0.1, 0.6, 0.3]
    found = verdict(Says(none, face, none), Says(none, none, face))
    assert found.shows_class.tolist() == [False, False, False]
    assert found.shows_confidence.tolist() == pytest.approx([0.1, 0.4, 0.4], abs=1e-6)
    assert found.label.tolist() == [1, 1, 1]  # whom they would see if it were one
    assert not found.clear.any()


def test_clear_needs_agreement_a_sure_gender_and_a_sure_face():
    sure = [0.9, 0.05, 0.05]
    found = verdict(
        Says(sure, sure, sure, sure),
        Says(sure, [0.1, 0.85, 0.05], [0.55, 0.4, 0.05], [0.5, 0.05, 0.45]),
    )
    assert found.clear.tolist() == [True, False, False, False]


def test_a_judge_without_no_face_votes_on_gender_alone():
    found = verdict(Says([0.02, 0.08, 0.9]), Says([1.0, 0.0, 0.0]), Says([0.9, 0.1, 0.0]))
    assert found.shows_confidence.item() == pytest.approx(0.1, abs=1e-6)
    # (0.2 + 1 + 0.9) / 3
    assert found.confidence.item() == pytest.approx(0.7, abs=1e-6)
    alone = verdict(Says([1.0, 0.0, 0.0]))
    assert alone.shows_confidence.tolist() == [1.0]
    assert alone.clear.tolist() == [True]


def test_a_panel_in_batches_is_the_panel_at_once():
    rows = torch.rand(7, 3, generator=seeded(0))
    rows = (rows / rows.sum(dim=1, keepdim=True)).tolist()
    for one, other in zip(verdict(Says(*rows)), verdict(Says(*rows), batch=3), strict=True):
        assert torch.equal(one, other)


# networks


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_judge_comes_back_from_its_file_frozen(architecture, images, tmp_path):
    judge = build_face_judge(architecture)
    reset_parameters(judge, seeded(1))
    save_model(tmp_path / "judge", judge, metadata={"architecture": architecture})
    loaded = load_face_judge(tmp_path / "judge")
    with torch.no_grad():
        logits = judge(images)
    assert logits.shape == (24, 3)
    assert torch.equal(loaded(images), logits)
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())


def test_the_two_judges_differ_and_have_three_answers():
    sizes = {sum(p.numel() for p in build_face_judge(a).parameters()) for a in ("plain", "wide")}
    assert len(sizes) == 2


def test_an_unknown_judge_is_refused():
    with pytest.raises(InputError, match="architecture is 'deep'; needs one of plain, wide, age_"):
        build_face_judge("deep")


def test_a_judge_learns_a_handful_of_faces(table):
    """Loss and error of gender fall on the faces it learns from."""
    judge = build_face_judge("wide").train()
    reset_parameters(judge, seeded(0))
    objective = face_judging(judge, table, seeded(0), "cpu")
    optimizer = torch.optim.Adam(judge.parameters(), lr=3e-3)
    rows = torch.arange(16)
    losses = []
    for _ in range(12):
        values = objective(rows, 0.0)
        optimizer.zero_grad()
        values["loss"].mean().backward()
        optimizer.step()
        losses.append(values["loss"].mean().item())
    assert values["loss"].shape == values["train_error"].shape == (24,)  # and half as many spoilt
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_last_batch_may_be_too_small_for_every_kind_of_non_face(table, count):
    judge = build_face_judge("wide").train()
    values = face_judging(judge, table, seeded(0), "cpu")(torch.arange(count), 0.0)
    assert values["loss"].shape == (count + (count + 1) // 2,)
    assert values["loss"].isfinite().all()


# pictures that are no faces


@pytest.mark.parametrize("vary", [vary_faces, *TRAINED_NONFACES, *HELD_OUT_NONFACES])
def test_a_picture_stays_one_and_follows_its_seed(vary, images):
    pictures = vary(images, seeded(3))
    assert pictures.shape == images.shape
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    assert torch.equal(pictures, vary(images, seeded(3)))
    assert (pictures - images).abs().mean(dim=(1, 2, 3)).min() > 0.005


def test_mixed_faces_keep_their_detail_and_get_the_shading_of_others(images):
    """What differs from the face is coarse: hardly any of it is left after a Laplacian."""
    mixed = face_variations.mix_faces(images, seeded(1), 0.8)
    difference = mixed - images
    changed = difference.abs().mean(dim=(1, 2, 3)) > 0.005
    assert changed.any()
    kernel = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]).expand(3, 1, 3, 3)

    def fine(x):
        return F.conv2d(x, kernel, groups=3).abs()

    coarse = torch.tensor([fine(d[None]).mean() < 0.1 * d.abs().mean() for d in difference])
    assert (coarse & changed).sum() >= changed.sum() // 2  # the others are blurred


def test_a_share_of_the_faces_is_mixed_the_same_with_one_seed(images):
    many = images[:1].expand(400, -1, -1, -1) * torch.linspace(0.5, 1, 400).view(-1, 1, 1, 1)
    mixed = face_variations.mix_faces(many, seeded(2), 0.4)
    assert torch.equal(mixed, face_variations.mix_faces(many, seeded(2), 0.4))
    changed = (mixed != many).flatten(1).any(dim=1).float().mean()
    assert 0.4 < changed < 0.6  # 0.4 mixed and 0.1 blurred; four standard errors are 0.1
    assert mixed.min() >= 0
    assert mixed.max() <= 1
    assert face_variations.mix_faces(many, seeded(2), 0.0) is many


def test_attackers_see_mixed_faces_and_unmixed_non_faces(table, monkeypatch):
    seen = []

    class Spy(nn.Module):
        def forward(self, images):
            seen.append(images)
            return images.mean(dim=(1, 2, 3))[:, None].expand(-1, 3)

    monkeypatch.setattr(objectives, "mix_faces", lambda x, _generator, share: x * 0 + share)
    monkeypatch.setattr(objectives, "vary_faces", lambda x, _generator: x)
    face_judging(Spy(), table, seeded(0), "cpu", mixed=0.75)(torch.arange(24), 0.0)
    (pictures,) = seen
    assert (pictures[:24] == 0.75).all()
    assert (pictures[24:] != 0.75).any()


def test_no_kind_that_is_held_out_is_trained_with():
    assert not set(TRAINED_NONFACES) & set(HELD_OUT_NONFACES)


@pytest.mark.parametrize("name", ["patches", "strips", "rolled", "pixels"])
def test_shuffling_moves_pixels_and_keeps_them(name, images):
    pictures = getattr(face_variations, name)(images, seeded(1))
    for before, after in zip(images.flatten(2), pictures.flatten(2), strict=True):
        assert torch.equal(before.sort(dim=1).values, after.sort(dim=1).values)


def test_patches_stay_whole():
    """Sixteen squares of one grey each are the same squares elsewhere."""
    grey = torch.arange(16.0).view(4, 4).repeat_interleave(16, 0).repeat_interleave(16, 1) / 16
    picture = face_variations.patches(grey.expand(1, 3, 64, 64), seeded(0))[0, 0]
    squares = picture.view(4, 16, 4, 16).transpose(1, 2).reshape(16, 256)
    assert torch.equal(squares.amin(dim=1), squares.amax(dim=1))
    assert squares[:, 0].sort().values.tolist() == [i / 16 for i in range(16)]
    assert squares[:, 0].tolist() != [i / 16 for i in range(16)]


def test_strips_stay_whole():
    rows = torch.arange(8.0).repeat_interleave(8).view(1, 1, 64, 1).expand(1, 3, 64, 64) / 8
    picture = face_variations.strips(rows, seeded(0))[0, 0]
    assert picture[::8, 0].sort().values.tolist() == [i / 8 for i in range(8)]
    assert torch.equal(picture[::8], picture[7::8])


def test_a_blank_face_keeps_its_rim_and_loses_its_middle(images):
    pictures = face_variations.blank(images, seeded(0))
    assert (pictures - images)[:, :, :, :4].abs().max() < 0.01
    middle = (slice(None), slice(None), slice(24, 48), slice(20, 44))
    assert pictures[middle].std() < images[middle].std()
    rough = [(x[middle][..., 1:] - x[middle][..., :-1]).abs().mean() for x in (pictures, images)]
    assert rough[0] < 0.5 * rough[1]


def test_some_varied_faces_are_mirrored_and_some_blurred(images):
    same = images[:1].expand(200, -1, -1, -1)
    varied = vary_faces(same, seeded(5))
    rough = (varied[..., 1:] - varied[..., :-1]).abs().mean(dim=(1, 2, 3))
    assert rough.max() > 1.5 * rough.min()
    upright = torch.cdist(varied.flatten(1), images[:1].flatten(1))
    mirrored = torch.cdist(varied.flatten(1), images[:1].flip(-1).flatten(1))
    # half of 200; a standard error of 0.035, four of them and faces that are nearly symmetric
    assert (mirrored < upright).double().mean().item() == pytest.approx(0.5, abs=0.2)


# the published network


def tensorflow_weights():
    """Random weights under TensorFlow's names, and those in PyTorch's layout by name."""
    rng = np.random.default_rng(0)
    theirs, ours = {"fc/age/weights": np.zeros((512, 1)), "fc/age/bias": np.zeros(1)}, {}
    for name, value in AgeGender().state_dict().items():
        *path, last, kind = name.split(".")
        values = rng.normal(0, 0.2, value.shape).astype(np.float32)
        ours[name] = values
        if last == "gender":
            key = f"fc/gender/{'weights' if kind == 'weight' else 'bias'}"
            theirs[key] = values.T
        elif last in ("depthwise", "pointwise"):
            key = "/".join([*path, "bias" if kind == "bias" else f"{last}_filter"])
            axes = (2, 3, 0, 1) if last == "depthwise" else (2, 3, 1, 0)
            theirs[key] = values if kind == "bias" else values.transpose(axes)
        else:
            key = "/".join([*path, last, "bias" if kind == "bias" else "filters"])
            theirs[key] = values if kind == "bias" else values.transpose(2, 3, 1, 0)
    return theirs, ours


def test_weights_of_tensorflow_find_their_place():
    theirs, ours = tensorflow_weights()
    state = from_tensorflow(theirs).state_dict()
    assert state.keys() == ours.keys()
    for name, values in ours.items():
        np.testing.assert_array_equal(state[name].numpy(), values)


def test_the_published_network_sees_its_crop_and_never_no_face(images):
    network = from_tensorflow(tensorflow_weights()[0])
    elsewhere = images.clone()
    elsewhere[:, :, :16] = 0
    elsewhere[:, :, :, :8] = 0
    elsewhere[:, :, :, 56:] = 0
    with torch.no_grad():
        logits = network(images)
        assert torch.equal(logits, network(elsewhere))
    assert (logits[:, NO_FACE] == -torch.inf).all()
    assert torch.isfinite(logits[:, :NO_FACE]).all()


def test_same_padding_is_tensorflows():
    """An even image, stride 2, kernel 3: nothing above and left, one pixel below and right."""
    padded = age_gender._same(torch.ones(1, 1, 6, 6), 3, 2)
    assert padded.shape == (1, 1, 7, 7)
    assert padded[0, 0, :6, :6].min() == 1
    assert padded[0, 0, 6].max() == padded[0, 0, :, 6].max() == 0


def manifest(*weights):
    return json.dumps([{"weights": list(weights), "paths": ["weights.bin"]}]).encode()


PACKED = {
    **{"name": "a", "shape": [2, 2], "dtype": "float32"},
    "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1.0},
}
PLAIN = {"name": "b", "shape": [2], "dtype": "float32"}


def test_packed_weights_by_hand():
    data = bytes([0, 1, 2, 255]) + np.array([1.5, -2.5], "<f4").tobytes()
    found = read_weights(manifest(PACKED, PLAIN), data)
    np.testing.assert_array_equal(found["a"], [[-1.0, -0.5], [0.0, 126.5]])
    np.testing.assert_array_equal(found["b"], [1.5, -2.5])


@pytest.mark.parametrize(
    ("data", "message"),
    [(bytes(3), "has 3 bytes, fewer than its"), (bytes(5), "has 5 bytes, its manifest needs 4")],
)
def test_weights_of_another_length_are_refused(data, message):
    with pytest.raises(InputError, match=message):
        read_weights(manifest(PACKED), data)


@pytest.fixture
def published(tmp_path):
    """A folder with two files of the right names, and a package that holds them."""
    files = {age_gender.MANIFEST: b"[]", age_gender.WEIGHTS: b""}
    folder = tmp_path / "model"
    folder.mkdir()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as package:
        for name, data in files.items():
            (folder / name).write_bytes(data)
            member = tarfile.TarInfo(f"package/model/{name}")
            member.size = len(data)
            package.addfile(member, io.BytesIO(data))
    (tmp_path / "package.tgz").write_bytes(gzip.compress(packed.getvalue()))
    return tmp_path


def test_another_file_is_refused(published):
    for path in (published / "model", published / "package.tgz"):
        with pytest.raises(InputError, match=r"expected 74b60bf3.*: it is a different file; set"):
            fetch_age_gender(source="path", path=path)


def test_a_path_that_is_not_set_is_named():
    with pytest.raises(InputError, match=r"`face_judges.age_gender.path` is null; .* needs the"):
        fetch_age_gender(source="path", path=None)


def test_a_missing_file_is_named(published):
    (published / "model" / age_gender.WEIGHTS).unlink()
    with pytest.raises(
        InputError, match=r"lacks age_gender_model.bin; set `face_judges.age_gender"
    ):
        fetch_age_gender(source="path", path=published / "model")
    with pytest.raises(InputError, match=r"cannot be read .*; set `face_judges.age_gender.source"):
        fetch_age_gender(source="path", path=published / "nothing.tgz")
