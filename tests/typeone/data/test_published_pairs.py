"""The authors' pairs are read as they named them, and anything else in the folder is refused."""

import numpy as np
import pytest
from PIL import Image

from typeone.data.published_pairs import read_published_pairs
from typeone.runtime.errors import InputError

NAMES = (
    "[10]1_to_0_attack_dist[1.0482].jpg",
    "[2]0_to_1_attack_dist[0.56210285].jpg",
    "[0]0_to_1_attack_dist[9.5e-05].jpg",
)


def save(folder, name, size=(128, 64), colour=(0, 0, 0)):
    folder.mkdir(exist_ok=True)
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    picture[:, : size[0] // 2] = 255  # the original is white
    picture[:, size[0] // 2 :] = colour
    Image.fromarray(picture).save(folder / name, format="PNG")  # read by content, without loss


@pytest.fixture
def folder(tmp_path):
    for level, name in enumerate(NAMES):
        save(tmp_path / "pairs", name, colour=(level, 50, 60))
    (tmp_path / "pairs" / "[00]read_me.txt").write_text("what the names mean")
    return tmp_path / "pairs"


def test_a_pair_is_its_halves_and_what_its_name_says(folder):
    pairs = read_published_pairs(folder)
    assert pairs.number.tolist() == [0, 2, 10]  # in the order of their numbers
    assert pairs.label.tolist() == [0, 0, 1]
    assert pairs.distance.tolist() == [9.5e-05, 0.56210285, 1.0482]
    assert pairs.originals.shape == pairs.attacked.shape == (3, 3, 64, 64)
    assert (pairs.originals == 255).all()
    assert pairs.attacked[:, :, 5, 5].tolist() == [[2, 50, 60], [1, 50, 60], [0, 50, 60]]
    assert (pairs.attacked == pairs.attacked[:, :, :1, :1]).all()


@pytest.mark.parametrize(
    "name",
    [
        "[3]0_to_0_attack_dist[0.5].jpg",
        "[3]0_to_2_attack_dist[0.5].jpg",
        "[3]0_to_1_attack_dist[2.5].jpg",
        "[3]0_to_1_attack_dist[nan].jpg",
        "[3]0_to_1_attack_dist[].jpg",
        "[٣]0_to_1_attack_dist[0.5].jpg",
        "holiday.jpeg",
    ],
)
def test_a_file_with_another_name_is_refused(folder, name):
    save(folder, name)
    with pytest.raises(
        InputError, match=r"is not named like a pair; needs \[NUMBER\]0_to_1_attack"
    ):
        read_published_pairs(folder)


def test_two_files_of_one_number(folder):
    save(folder, "[2]1_to_0_attack_dist[0.7].jpg")
    with pytest.raises(InputError, match=r"has the number of \[2\]0_to_1.*; needs one file per"):
        read_published_pairs(folder)


def test_an_image_of_another_size(folder):
    save(folder, "[3]0_to_1_attack_dist[0.5].jpg", size=(128, 128))
    with pytest.raises(InputError, match=r"has 128x128 pixels; needs 128x64: the original and"):
        read_published_pairs(folder)


def test_a_damaged_file(folder):
    file = folder / NAMES[1]
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(InputError, match=r"\[2\].* cannot be read: .*; fetch it again"):
        read_published_pairs(folder)


def test_a_folder_without_pairs(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError, match="which contains no pair; needs the folder with the"):
            read_published_pairs(path)
