"""IDX files, and the folder of four that is a data set."""

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from typeone.data.idx import parse_idx
from typeone.data.idx_sets import IDX_FILES, accept_any, read_folder, read_idx

from .damage import BYTES, damaged, files, one_line


def head(sizes):
    return bytes([0, 0, 8, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes)


def idx(array):
    return head(array.shape) + array.tobytes()


IMAGES = np.arange(12 * 28 * 28).reshape(12, 28, 28).astype(np.uint8)
LABELS = (np.arange(12) % 10).astype(np.uint8)
TESTED = IMAGES[:, ::-1]  # no test image is a training image
WHOLE = dict(zip(IDX_FILES, map(idx, (IMAGES, LABELS, TESTED, LABELS)), strict=True))
SIZES = st.one_of(
    st.lists(st.one_of(st.integers(0, 3), st.integers(0, 2**32 - 1)), max_size=8),
    st.integers(0, 255).map(lambda axes: [1] * axes),
)


HEADS = st.builds(lambda sizes, rest: head(sizes) + rest, SIZES, st.binary(max_size=3))


@given(st.one_of(HEADS, files(idx(LABELS))))
def test_idx(data):
    with one_line():
        parse_idx(data, "a.idx")


@given(st.lists(st.integers(0, 4), max_size=4), st.randoms(use_true_random=False))
def test_idx_round_trip(shape, random):
    array = np.array([random.randrange(256) for _ in range(int(np.prod(shape)))], np.uint8)
    array = array.reshape(shape)
    for data in (idx(array), gzip.compress(idx(array), mtime=0)):
        found, _ = read_idx("a", data, "a.idx", accept_any)
        assert (found.shape, found.dtype) == (array.shape, np.uint8)
        np.testing.assert_array_equal(found, array)


@given(damaged(gzip.compress(WHOLE[IDX_FILES[1]], mtime=0)))
def test_gzipped_idx(data):
    with one_line():
        read_idx("a", data, "a.idx.gz", accept_any)


@given(st.sampled_from(IDX_FILES), st.one_of(BYTES, HEADS, damaged(idx(LABELS))))
def test_a_folder_of_digits(folder, name, data):
    for other, whole in WHOLE.items():
        (folder / other).write_bytes(data if other == name else whole)
    with one_line():
        read_folder(folder, key="datasets.mine.path")


def test_the_whole_folder_is_read(folder):
    for other, whole in WHOLE.items():
        (folder / other).write_bytes(whole)
    assert len(read_folder(folder, key="datasets.mine.path").test_labels) == 12


@pytest.mark.parametrize(
    "data",
    [head([1] * 65) + b"x", head([0, *[2**32 - 1] * 3])],
    ids=["65 axes", "nothing along one axis, too much along others"],
)
def test_shapes_that_numpy_has_not(data):
    with one_line():
        parse_idx(data, "a.idx")
