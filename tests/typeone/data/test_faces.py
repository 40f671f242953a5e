"""Tables of faces: what is written part by part is read back, and images stay on disk."""

import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from typeone.data.faces import FaceTable, FaceWriter
from typeone.data.shapes import FACE_SHAPE
from typeone.runtime.artifacts import read_parquet, write_parquet
from typeone.runtime.errors import InputError

BYTES = int(np.prod(FACE_SHAPE))


def some_faces(count, start=0):
    rng = np.random.default_rng(start)
    images = rng.integers(0, 256, (count, *FACE_SHAPE), dtype=np.uint8)
    return np.arange(start, start + count), images, np.arange(count) % 2, np.arange(count) // 3


@pytest.fixture
def table(tmp_path):
    """A table of 7 + 5 faces, and what was written."""
    parts = [some_faces(7), some_faces(5, start=7)]
    with FaceWriter(tmp_path / "faces.parquet") as writer:
        for part in parts:
            writer.write(*part)
        writer.metadata = {"source": "drawn"}
    assert writer.count == 12
    return tmp_path / "faces.parquet", [np.concatenate(c) for c in zip(*parts, strict=True)]


def test_parts_are_read_back_as_one_table(table):
    path, (index, images, labels, identities) = table
    faces = FaceTable(path)
    assert len(faces) == 12
    for found, written in [
        (faces.index, index),
        (faces.images, images),
        (faces.labels, labels),
        (faces.identities, identities),
    ]:
        np.testing.assert_array_equal(found, written)
    assert faces.metadata["source"] == "drawn"


def test_any_rows_come_as_floats_in_their_order(table):
    path, (_, images, _, _) = table
    faces = FaceTable(path)
    expected = images[[11, 0, 7]].astype(np.float32) / 255
    for rows in (torch.tensor([11, 0, 7]), np.array([11, 0, 7])):
        np.testing.assert_array_equal(faces.faces(rows).numpy(), expected)
    assert faces.faces(slice(0, 2)).dtype == torch.float32


def test_a_limit_cuts_inside_a_part(table):
    path, (_, images, labels, _) = table
    faces = FaceTable(path, limit=9)
    np.testing.assert_array_equal(faces.images, images[:9])
    np.testing.assert_array_equal(faces.labels, labels[:9])
    assert len(FaceTable(path, limit=100)) == 12


def test_it_is_an_artifact_like_any_other(table):
    path, (_, images, labels, _) = table
    rows = read_parquet(path, shapes={"image": FACE_SHAPE})
    np.testing.assert_array_equal(rows["image"], images)
    np.testing.assert_array_equal(rows["label"], labels)


def test_the_same_faces_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        with FaceWriter(tmp_path / name) as writer:
            writer.write(*some_faces(4))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


GROWTH = """
import resource, sys
import numpy as np
from typeone.data.faces import FaceTable, FaceWriter
from typeone.data.shapes import FACE_SHAPE

def peak(parts):
    with FaceWriter(sys.argv[1]) as writer:
        for start in range(parts):
            rows = np.arange(256)
            images = np.random.default_rng(start).integers(0, 256, (256, *FACE_SHAPE), np.uint8)
            writer.write(rows, images, rows % 2, rows)
    faces = FaceTable(sys.argv[1])
    faces.faces(slice(0, 256))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

print(-peak(8) + peak(64))
"""


def test_memory_holds_a_part_and_not_the_table(tmp_path):
    command = [sys.executable, "-c", GROWTH, tmp_path / "faces.parquet"]
    grown = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert grown < 0.25 * (64 - 8) * 256 * BYTES  # allocators keep some of what they gave


def test_an_error_leaves_no_file(tmp_path):
    def break_off():
        with FaceWriter(tmp_path / "faces.parquet") as writer:
            writer.write(*some_faces(3))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        break_off()
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_table_of_faces_is_named(tmp_path):
    with pytest.raises(InputError, match="does not exist; run the rule"):
        FaceTable(tmp_path / "absent.parquet")
    (tmp_path / "text").write_text("faces")
    with pytest.raises(InputError, match="not a readable Parquet file"):
        FaceTable(tmp_path / "text")
    write_parquet(tmp_path / "digits.parquet", {"label": np.arange(3)})
    with pytest.raises(InputError, match=r"not a table of faces \(its columns are label\)"):
        FaceTable(tmp_path / "digits.parquet")
    with FaceWriter(tmp_path / "empty.parquet"):
        pass
    with pytest.raises(InputError, match="contains no faces"):
        FaceTable(tmp_path / "empty.parquet")


def test_a_flipped_byte_is_found(table):
    path, _ = table
    start = pq.ParquetFile(path).metadata.row_group(0).column(1).data_page_offset
    damaged = bytearray(path.read_bytes())
    damaged[start + 500] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(InputError, match="not a readable Parquet file"):
        FaceTable(path)
