"""LFW's pairs are read as they are written, its images cut as is said, its accuracy is ten-fold."""

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from typeone.data.lfw import image_side, lfw_folder, read_faces, read_lfw
from typeone.evaluation.verification import far_by_fold, ten_fold
from typeone.runtime.errors import InputError

PAIRS = """2\t1
Ann_Lee\t1\t2
Ann_Lee\t1\tBo_Ek\t1
Bo_Ek\t1\t2
Bo_Ek\t2\tCy\t1
"""
FILES = ("Ann_Lee_0001", "Ann_Lee_0002", "Bo_Ek_0001", "Bo_Ek_0002", "Cy_0001")


@pytest.fixture
def lfw(tmp_path):
    (tmp_path / "pairs.txt").write_text(PAIRS)
    for i, name in enumerate(FILES):
        file = tmp_path / "lfw-deepfunneled" / name[:-5] / f"{name}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 64), (10 * i, 0, 255)).save(file)
    return tmp_path


def test_pairs_name_two_images_whether_they_are_one_person_and_a_fold(lfw):
    found = read_lfw(lfw)
    names = [file.stem for file in found.files]
    assert sorted(names) == list(FILES)
    pairs = [(names[a], names[b]) for a, b in zip(found.first, found.second, strict=True)]
    assert pairs == [
        ("Ann_Lee_0001", "Ann_Lee_0002"),
        ("Ann_Lee_0001", "Bo_Ek_0001"),
        ("Bo_Ek_0001", "Bo_Ek_0002"),
        ("Bo_Ek_0002", "Cy_0001"),
    ]
    assert found.same.tolist() == [True, False, True, False]
    assert found.fold.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "does not begin with the number of folds and pairs"),
        ("1100\nAnn_Lee\t1\t2\n", "does not begin with the number of folds and pairs"),
        (PAIRS.replace("2\t1\n", "3\t1\n", 1), r"contains 4 pairs, but its first line says 6"),
        (
            PAIRS.replace("Ann_Lee\t1\t2", "Ann_Lee\t1"),
            "line 2 is 'Ann_Lee 1', which does not name",
        ),
        ("²\t1\n", "does not begin with the number of folds and pairs"),
        (PAIRS.replace("Cy\t1", "Cy\t²"), "line 5 is 'Bo_Ek 2 Cy ²', which does not name a pair"),
        (PAIRS.replace("Cy\t1", "Cy\tx"), "line 5 is 'Bo_Ek 2 Cy x', which does not name a pair"),
        (PAIRS.replace("Cy\t1", "Cy\t2"), r"1 of LFW's 5 images are absent, .*Cy_0002\.jpg"),
    ],
)
def test_pairs_that_are_wrong(lfw, text, message):
    (lfw / "pairs.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        read_lfw(lfw)


def test_a_folder_without_lfw(tmp_path):
    with pytest.raises(
        InputError, match=r"`lfw\.path` '.*' does not contain LFW; needs lfw-deepfunneled,"
    ):
        read_lfw(tmp_path)


# images


def picture(tmp_path, side):
    """Red by row, green by column, saved without loss under a name that does not matter."""
    ramp = np.arange(side, dtype=np.uint8)
    pixels = np.zeros((side, side, 3), np.uint8)
    pixels[:, :, 0], pixels[:, :, 1] = ramp[:, None], ramp[None]
    Image.fromarray(pixels).save(tmp_path / f"{side}.png")
    return tmp_path / f"{side}.png"


def test_the_middle_160_pixels_are_taken_as_they_are(tmp_path):
    (found,) = read_faces([picture(tmp_path, 250)], 160)
    levels = (found * 255).round()
    assert levels[0, :, 0].tolist() == list(range(45, 205))
    assert levels[1, 0].tolist() == list(range(45, 205))
    assert levels[2].max() == 0


def test_the_middle_180_pixels_are_reduced_to_64(tmp_path):
    (found,) = read_faces([picture(tmp_path, 250)], 64)
    rows = found[0, :, 30] * 255
    # pixel i of 64 covers rows 35 + 180 i / 64 to 35 + 180 (i + 1) / 64
    expected = 35 - 0.5 + 180 * (torch.arange(64) + 0.5) / 64
    assert (rows - expected)[2:-2].abs().max() < 0.05
    assert found.shape == (3, 64, 64)


def test_faces_of_64_pixels_are_taken_as_they_are(tmp_path):
    file = picture(tmp_path, 64)
    (found,) = read_faces([file], 64)
    assert (found[0, :, 5] * 255).round().tolist() == list(range(64))
    assert image_side([file, file]) == 64


def test_images_of_another_size(tmp_path):
    with pytest.raises(InputError, match=r"100\.png has 100x100 pixels; needs the 250x250 of LFW"):
        image_side([picture(tmp_path, 100)])


@pytest.mark.parametrize("other", [160, 64])
def test_the_size_of_every_image_counts(tmp_path, other):
    files = [picture(tmp_path, 250), picture(tmp_path, 250), picture(tmp_path, other)]
    assert image_side(files[:2]) == 250
    message = rf"{other}\.png has {other}x{other} pixels; needs 250x250 like the first, .*250\.png;"
    with pytest.raises(InputError, match=message):
        image_side(files)


def test_an_image_is_read_as_those_of_other_sources(tmp_path):
    """Upright, for instance."""
    exif = Image.Exif()
    exif[0x0112] = 3
    with Image.open(picture(tmp_path, 64)) as file:
        file.save(tmp_path / "turned.png", exif=exif)
    (found,) = read_faces([tmp_path / "turned.png"], 64)
    assert (found[0, :, 5] * 255).round().tolist() == list(range(64))[::-1]


def test_pairs_may_have_a_byte_order_mark_and_windows_lines(lfw):
    (lfw / "pairs.txt").write_bytes(("\ufeff" + PAIRS.replace("\n", "\r\n")).encode())
    assert len(read_lfw(lfw).files) == 5
    (lfw / "pairs.txt").write_bytes(PAIRS.encode("utf-16"))
    with pytest.raises(InputError, match="does not begin with the number of folds and pairs"):
        read_lfw(lfw)


def test_an_image_that_is_none(tmp_path):
    (tmp_path / "a.jpg").write_text("<html>")
    with pytest.raises(InputError, match=r"a\.jpg is not a readable image"):
        read_faces([tmp_path / "a.jpg"], 64)


# scikit-learn


def test_scikit_learn_that_is_absent(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(InputError, match="scikit-learn is not installed here; install it, or set"):
        lfw_folder("sklearn", None)


def fake_sklearn(monkeypatch, fetch):
    module = ModuleType("sklearn.datasets")
    module.fetch_lfw_people = fetch
    module.get_data_home = lambda home: str(home)
    monkeypatch.setitem(sys.modules, "sklearn", ModuleType("sklearn"))
    monkeypatch.setitem(sys.modules, "sklearn.datasets", module)


def test_scikit_learn_fetches_into_its_data_home(monkeypatch, tmp_path):
    asked = []
    fake_sklearn(monkeypatch, lambda **settings: asked.append(settings))
    assert lfw_folder("sklearn", tmp_path) == tmp_path / "lfw_home"
    assert asked == [{"data_home": tmp_path, "min_faces_per_person": 530}]


def test_scikit_learn_without_a_network(monkeypatch, tmp_path):
    def fetch(**_):
        raise OSError("urlopen error\n[Errno -2]")

    fake_sklearn(monkeypatch, fetch)
    with pytest.raises(InputError, match=r"cannot fetch LFW \(urlopen error \[Errno -2\]\); set"):
        lfw_folder("sklearn", tmp_path)


def test_a_folder_is_taken_as_it_is():
    assert lfw_folder("folder", "/some/where") == Path("/some/where")


# ten-fold


def test_the_threshold_of_a_fold_is_chosen_on_the_others():
    # fold 0 would be parted by 1.5, fold 1 by 0.5: each is judged with the other's
    distances = np.array([1.0, 2.0, 0.4, 0.6])
    same = np.array([True, False, True, False])
    right, chosen = ten_fold(distances, same, np.array([0, 0, 1, 1]))
    assert chosen.tolist() == [0.4, 0.4, 1.0, 1.0]
    assert right.tolist() == [False, True, True, False]


def test_pairs_that_are_parted_alike_in_all_folds_are_all_right():
    rng = np.random.default_rng(0)
    same = np.tile([True, False], 50)
    distances = np.where(same, rng.uniform(0.2, 0.9, 100), rng.uniform(1.1, 1.6, 100))
    right, chosen = ten_fold(distances, same, np.repeat(np.arange(10), 10))
    # a fold's own farthest pair may lie beyond that of all others
    assert right.mean() >= 0.99
    assert ((chosen > 0.8) & (chosen < 0.9)).all()


def test_equal_distances_are_not_parted():
    distances = np.array([1.0, 1.0, 1.0, 2.0, 1.5, 1.6])
    same = np.array([False, True, True, False, True, False])
    _, chosen = ten_fold(distances, same, np.array([0, 0, 0, 0, 1, 1]))
    # on fold 0 all three at 1.0 are accepted together: two right of three, and 2.0 besides
    assert chosen[4] == 1.0


def test_a_share_of_false_accepts_is_fitted_on_the_other_folds():
    """Of 11 different pairs elsewhere at 1.0, 1.1 ... 2.0 one may lie within the threshold."""
    other = 1 + np.arange(11) / 10
    distances = np.concatenate([other, [0.1, 0.2, 0.3]])
    same = np.zeros(14, bool)
    same[-1] = True
    fold = np.array([0] * 11 + [1] * 3)
    chosen = far_by_fold(distances, same, fold, 0.1)
    assert np.ptp(chosen[fold == 1]) == 0
    assert 1.0 <= chosen[-1] < 1.1
    assert (chosen[fold == 0] < 0.2).all()  # the pair of the same person at 0.3 has no say
