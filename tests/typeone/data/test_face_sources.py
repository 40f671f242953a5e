"""Every source gives four splits without a common person, part by part."""

import numpy as np
import pytest
import torch

from typeone.data import face_sources, photographs
from typeone.data.face_sources import (
    SPLITS,
    GeneratedFaces,
    SyntheticFaces,
    open_faces,
    write_faces,
)
from typeone.data.faces import FaceTable, FaceWriter
from typeone.data.generated_faces import Count, generate_faces
from typeone.runtime.errors import InputError

IDENTITIES = {"train": 6, "judge": 4, "validation": 4, "test": 4}
IMAGES = {"train": 3, "judge": 2, "validation": 2, "test": 5}
NO_LIMIT = dict.fromkeys(SPLITS)


def synthetic(**changes):
    return SyntheticFaces(**{"seed": 9, "identities": IDENTITIES, "images": IMAGES} | changes)


def split_of(source, split, limit=None):
    parts = list(source.parts(split, limit=limit))
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


@pytest.fixture(scope="module")
def drawn():
    return {split: split_of(synthetic(), split) for split in SPLITS}


def test_numbers_and_people_follow_from_the_counts(drawn):
    """18 faces of people 0-5, 8 of 6-9, 8 of 10-13, 20 of 14-17; each person's in a row."""
    first_face, first_person = 0, 0
    for split, (index, images, labels, identities) in drawn.items():
        people, each = IDENTITIES[split], IMAGES[split]
        assert sorted(index) == list(range(first_face, first_face + people * each))
        np.testing.assert_array_equal(identities - first_person, (index - first_face) // each)
        np.testing.assert_array_equal(labels, (identities - first_person) % 2)
        assert images.shape == (people * each, 3, 64, 64)
        assert images.dtype == np.uint8
        first_face, first_person = first_face + people * each, first_person + people
    assert not (np.diff(drawn["train"][0]) > 0).all()  # shuffled


def test_a_limit_leaves_the_first_faces_as_they_are(drawn):
    for whole, some in zip(drawn["train"], split_of(synthetic(), "train", 5), strict=True):
        np.testing.assert_array_equal(whole[:5], some)


def test_a_split_does_not_depend_on_the_size_of_another(drawn):
    more = synthetic(identities=IDENTITIES | {"train": 9})
    np.testing.assert_array_equal(split_of(more, "test")[1], drawn["test"][1])


def test_parts_do_not_change_the_faces(drawn, monkeypatch):
    monkeypatch.setattr(face_sources, "PART", 7)
    np.testing.assert_array_equal(split_of(synthetic(), "test")[1], drawn["test"][1])


def test_another_seed_gives_other_people(drawn):
    other = split_of(synthetic(seed=10), "test")
    assert (other[1] != drawn["test"][1]).mean() > 0.5


@pytest.fixture
def outputs(tmp_path):
    return {split: tmp_path / f"{split}.parquet" for split in SPLITS}


def test_tables_hold_what_the_source_gives(drawn, outputs):
    write_faces(synthetic(), outputs, limit=NO_LIMIT, metadata={"source": "synthetic"})
    for split, (index, images, labels, identities) in drawn.items():
        table = FaceTable(outputs[split])
        np.testing.assert_array_equal(table.index, index)
        np.testing.assert_array_equal(table.images, images)
        np.testing.assert_array_equal(table.labels, labels)
        np.testing.assert_array_equal(table.identities, identities)
        assert table.metadata["split"] == split
        assert table.metadata["source"] == "synthetic"
        assert table.metadata["seed"] == 9


def test_the_same_settings_give_the_same_bytes(outputs):
    written = []
    for _ in range(2):
        write_faces(synthetic(), outputs, limit=NO_LIMIT, metadata={"source": "synthetic"})
        written.append([path.read_bytes() for path in outputs.values()])
    assert written[0] == written[1]


def test_a_table_is_written_as_its_parts_come(outputs, monkeypatch):
    """When a part is asked for, those before it are in the file already."""
    sizes = []
    write = FaceWriter.write

    def watched(self, *part):
        write(self, *part)
        [file] = outputs["train"].parent.glob(".train*.part")
        sizes.append(file.stat().st_size)

    monkeypatch.setattr(face_sources, "PART", 4)
    monkeypatch.setattr(FaceWriter, "write", watched)

    class Train(SyntheticFaces):
        def parts(self, split, *, limit):
            if split == "judge":  # far enough
                raise InputError("enough")
            yield from super().parts(split, limit=limit)

    train = Train(seed=9, identities=IDENTITIES, images=IMAGES)
    with pytest.raises(InputError, match="enough"):
        write_faces(train, outputs, limit=NO_LIMIT, metadata={"source": "synthetic"})
    assert len(sizes) == 5  # 18 faces, 4 at a time
    assert min(np.diff(sizes)) > 4 * 1000  # bytes; a face compresses to some 10 kB


class Nobody:
    def parts(self, split, *, limit):
        if split == "train":
            yield from synthetic().parts("train", limit=2)

    def notes(self):
        return {}


def test_an_empty_split_stops_and_leaves_no_file(outputs):
    with pytest.raises(InputError, match=r"`faces.source` folder leaves the split judge empty; ne"):
        write_faces(Nobody(), outputs, limit=NO_LIMIT, metadata={"source": "folder"})
    assert outputs["train"].exists()
    assert not outputs["judge"].exists()


def test_an_unknown_source_is_refused():
    with pytest.raises(InputError, match=r"`faces.source` is 'web'; needs one of synthetic, cele"):
        open_faces("web", {})


# generated faces


def paint(latent):
    """A picture of 128 pixels, as grey as the first number of its latent says."""
    grey = latent[:, 0].sigmoid().view(-1, 1, 1, 1)
    return grey.expand(-1, 3, 128, 128)


class Brightness(torch.nn.Module):
    """Bright is male, dark is female; sure away from the middle, at probability 0.9."""

    def forward(self, images):
        light = images.mean(dim=(1, 2, 3)) - 0.5
        return torch.stack([-20 * light, 20 * light, torch.full_like(light, -torch.inf)], dim=1)


def generated(batch, count=60):
    tally = Count()
    parts = generate_faces(
        *(paint, Brightness()),
        **{"latent_dim": 4, "count": count, "seed": 3, "batch": batch, "device": "cpu"},
        sure=0.9,
        tally=tally,
    )
    return [np.concatenate(column) for column in zip(*parts, strict=True)], tally


def test_generated_faces_have_the_gender_that_the_judge_is_sure_of():
    (index, images, labels, identities), tally = generated(8)
    light = images.mean(axis=(1, 2, 3)) / 255 - 0.5
    # 0.9 of a softmax over -20 l and 20 l: |l| above ln(9) / 40
    assert (np.abs(light) >= np.log(9) / 40 - 1e-6).all()
    np.testing.assert_array_equal(labels, light > 0)
    np.testing.assert_array_equal(index, identities)
    assert len(set(identities)) == len(index)
    assert tally.drawn == 60
    assert tally.unsure == 60 - len(index) > 0


def test_a_generated_face_does_not_depend_on_the_batch():
    for one, other in zip(generated(8)[0], generated(7)[0], strict=True):
        np.testing.assert_array_equal(one, other)


def test_generated_faces_are_parted_60_15_10_15(tmp_path):
    (index, images, labels, identities), tally = generated(8, count=120)
    with FaceWriter(tmp_path / "faces.parquet") as table:
        table.write(index, images, labels, identities)
        table.metadata = {"seed": 3, "drawn": tally.drawn, "unsure": tally.unsure}
    source = GeneratedFaces(tmp_path / "faces.parquet")
    parts = [split_of(source, split)[0] for split in SPLITS]
    np.testing.assert_array_equal(np.concatenate(parts), index)
    for part, share in zip(parts, photographs.SHARES, strict=True):
        assert abs(len(part) - share * len(index)) <= 1
    assert source.notes() == {"seed": 3, "drawn": 120, "unsure": tally.unsure}
    assert len(split_of(source, "train", limit=3)[0]) == 3
