"""People of LFW get the gender of the mean over their images; the unsure are left out."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from typeone.data.lfw_faces import gender_of_people, lfw_square, open_lfw
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.errors import InputError


class RedIsMale(nn.Module):
    """Sees a man with the probability of the mean red, whatever the rest."""

    def forward(self, images):
        red = images[:, 0].mean(dim=(1, 2)).clamp(1e-6, 1 - 1e-6)
        return torch.stack([(1 - red).log(), red.log(), torch.full_like(red, -torch.inf)], dim=1)


# red of each image: Ann 0.1 on average, Bo 0.95, Cy 0.5; Di has one image
PEOPLE = {"Ann": (0, 51), "Bo": (255, 229), "Cy": (0, 255), "Di": (12,)}


def save(folder, people, side=64):
    for name, reds in people.items():
        (folder / "lfw" / name).mkdir(parents=True, exist_ok=True)
        for number, red in enumerate(reds, start=1):
            picture = Image.new("RGB", (side, side), (red, 90, 90))
            picture.save(folder / "lfw" / name / f"{name}_{number:04d}.jpg", format="PNG")
    return folder


@pytest.fixture
def home(tmp_path):
    return save(tmp_path / "home", PEOPLE)


def labelled(home):
    return gender_of_people(RedIsMale(), home / "lfw", device="cpu")


def opened(home, table, sure=0.8, seed=3):
    write_parquet(table, labelled(home))
    return open_lfw(source="folder", path=str(home), sure=sure, seed=seed, table=table)


def test_the_gender_is_that_of_the_mean_over_a_persons_images(home):
    found = labelled(home)
    assert found["file"].tolist()[:3] == ["Ann/Ann_0001.jpg", "Ann/Ann_0002.jpg", "Bo/Bo_0001.jpg"]
    assert found["identity"].tolist() == ["Ann", "Ann", "Bo", "Bo", "Cy", "Cy", "Di"]
    expected = [0.1, 0.1, 0.95, 0.95, 0.5, 0.5, 0.05]
    assert found["male"].tolist() == pytest.approx(expected, abs=0.01)


def test_people_of_unsure_gender_are_left_out(home, tmp_path):
    faces = opened(home, tmp_path / "people.parquet")
    assert faces.notes()["unsure"] == 1
    of_person = dict(
        zip((f.split("/")[0] for f in faces.faces.files), faces.faces.labels, strict=True)
    )
    assert of_person == {"Ann": 0, "Bo": 1, "Di": 0}
    with pytest.raises(InputError, match=r"`faces\.lfw\.sure` is 0.99, and no person"):
        opened(home, tmp_path / "people.parquet", sure=0.99)


def test_splits_share_no_person_and_follow_the_seed(tmp_path):
    many = {f"P{i:03d}": (255 * (i % 2),) * (1 + i % 3) for i in range(200)}
    home = save(tmp_path / "home", many)
    faces = opened(home, tmp_path / "people.parquet")
    people = [{faces.faces.identities[row] for row in rows} for rows in faces.faces.rows.values()]
    assert sum(map(len, people)) == len(set().union(*people)) == 200
    assert [len(some) for some in people] == [120, 30, 20, 30]
    again = opened(home, tmp_path / "people.parquet")
    other = opened(home, tmp_path / "people.parquet", seed=4)
    for split, rows in faces.faces.rows.items():
        np.testing.assert_array_equal(rows, again.faces.rows[split])
        assert rows.tolist() != other.faces.rows[split].tolist()
    (part,) = faces.parts("test", limit=5)
    assert part.images.shape == (5, 3, 64, 64)
    assert (part.images[:, 0, 0, 0] == 255 * part.labels).all()


@pytest.mark.parametrize(("side", "box"), [(64, (0, 0, 64, 64)), (250, (35, 35, 215, 215))])
def test_the_crop(side, box):
    assert lfw_square(side, side) == box


def test_images_of_another_size(tmp_path):
    home = save(tmp_path / "home", PEOPLE, side=100)
    with pytest.raises(InputError, match=r"an image of `faces\.lfw` has 100x100 pixels; needs the"):
        labelled(home)


def test_a_damaged_image_is_skipped_and_many_are_refused(tmp_path):
    home = save(tmp_path / "home", {f"P{i:03d}": (255,) for i in range(100)})
    (home / "lfw/P099/P099_0001.jpg").write_bytes(b"nothing")  # the last person's only image
    assert len(labelled(home)["file"]) == 99
    (home / "lfw/P008/P008_0001.jpg").write_bytes(b"nothing")
    with pytest.raises(InputError, match="2 of 100 images cannot be read"):
        labelled(home)


def test_a_folder_without_lfw(tmp_path):
    (tmp_path / "lfw").mkdir()
    with pytest.raises(InputError, match="contains no image; unpack LFW again"):
        labelled(tmp_path)
    table = tmp_path / "people.parquet"
    with pytest.raises(InputError, match=r"`faces\.lfw\.path` '.*' does not contain LFW; needs"):
        open_lfw(source="folder", path=str(tmp_path / "lfw"), sure=0.8, seed=1, table=table)


def test_images_that_went_after_they_were_labelled(home, tmp_path):
    table = tmp_path / "people.parquet"
    write_parquet(table, labelled(home))
    (home / "lfw/Bo/Bo_0002.jpg").unlink()
    with pytest.raises(InputError, match=r"lacks 1 images, the first Bo/Bo_0002\.jpg"):
        open_lfw(source="folder", path=str(home), sure=0.8, seed=1, table=table)


def test_each_person_has_one_gender(home, tmp_path):
    faces = opened(home, tmp_path / "people.parquet", sure=0.6).faces
    assert len(set(zip(faces.identities, faces.labels, strict=True))) == len(set(faces.identities))
