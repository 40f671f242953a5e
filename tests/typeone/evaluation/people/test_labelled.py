"""Images that people labelled before are read as they are, or refused; agreement is counted."""

import hashlib
import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from typeone.evaluation.panels import Verdict
from typeone.evaluation.people.labelled import (
    LabelledImages,
    agreement,
    agreement_with_people,
    read_labelled,
)
from typeone.runtime.errors import InputError

GOOD = {
    "image": np.arange(3 * 784, dtype=np.uint8).reshape(3, 28, 28),
    "people": np.array([1, 7, 0]),
    "test_index": np.array([0, 9999, 5]),
}


def saved(folder, **arrays):
    np.savez(folder / "set.npz", **arrays)
    return folder / "set.npz"


def read(path, sha256=None):
    return read_labelled(path, key="people.l0.path", sha256=sha256)


def test_a_set_is_read_as_it_is(tmp_path):
    path = saved(tmp_path, **GOOD, other=np.zeros(1))
    found = read(path, hashlib.sha256(path.read_bytes()).hexdigest())
    for name, values in zip(("image", "people", "test_index"), found_arrays(found), strict=True):
        np.testing.assert_array_equal(values, GOOD[name])


def found_arrays(found):
    return found.images, found.people, found.test_index


def bomb():
    """An archive whose members say that they unpack to more than is allowed."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("image.npy", bytes((1 << 28) + 1))
    return data.getvalue()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"people": None}, "lacks people (it has image, test_index); needs arrays image, people,"),
        ({"image": GOOD["image"] / 255}, "image is float64 (3, 28, 28); needs uint8 (N, 28, 28)"),
        ({"image": GOOD["image"] // 255}, "image has pixels from 0 to 1; needs 0 to 255: multiply"),
        ({"image": GOOD["image"][:, :27]}, "image is uint8 (3, 27, 28); needs uint8"),
        ({"image": GOOD["image"][:0]}, "image is uint8 (0, 28, 28); needs uint8"),
        ({"people": np.array([1, 7])}, "people is int64 (2,); needs 3 integers"),
        ({"people": np.array([1.0, 7, np.nan])}, "people is float64 (3,); needs 3 integers"),
        ({"people": np.array([1, 10, 0])}, "people has 10; needs integers in [0, 9]"),
        ({"test_index": np.array([0, -1, 2])}, "test_index has -1; needs integers in [0, 9999]"),
        ({"people": np.array([1, None, 0])}, "is not an .npz file of plain arrays"),
    ],
)
def test_another_content_is_refused_with_one_line(tmp_path, change, message):
    arrays = {name: values for name, values in (GOOD | change).items() if values is not None}
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        read(saved(tmp_path, **arrays))
    assert str(caught.value).startswith("`people.l0.path` ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"no archive", np.zeros(3).tobytes()])
def test_another_file_is_refused(tmp_path, data):
    (tmp_path / "set.npz").write_bytes(data)
    with pytest.raises(InputError, match=r"is not an \.npz file of plain arrays"):
        read(tmp_path / "set.npz")


def test_a_truncated_file_is_refused(tmp_path):
    path = saved(tmp_path, **GOOD)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"is not an \.npz file"):
        read(path)


def test_an_array_that_would_fill_the_memory_is_refused(tmp_path):
    (tmp_path / "set.npz").write_bytes(bomb())
    with pytest.raises(InputError, match="bytes of arrays; needs at most 268435456"):
        read(tmp_path / "set.npz")


def test_another_hash_is_refused(tmp_path):
    with pytest.raises(InputError, match=f"expected {'0' * 64}: it is a different file"):
        read(saved(tmp_path, **GOOD), "0" * 64)


def test_agreement_by_hand():
    label, clear = torch.tensor([1, 2, 3, 4, 5]), torch.tensor([True, False, True, True, False])
    ones = torch.ones(5)
    verdict = Verdict(label, ones, ones, label[None], ones > 0, clear)
    people = np.array([1, 2, 0, 4, 0])
    labelled = LabelledImages(np.zeros((5, 28, 28), np.uint8), people, np.arange(5))
    original = np.array([9, 2, 9, 9, -1])  # the last one is not in a limited test set
    rows = agreement("l0", labelled, verdict, original, seed=7)
    found = {row["id"].removeprefix("beyond.oracle.labelled.l0."): row for row in rows}
    assert {name: (row["value"], row["n"]) for name, row in found.items()} == {
        "agreement": (3 / 5, 5),
        "clear": (3 / 5, 5),
        "agreement_clear": (2 / 3, 3),
        "agreement_changed": (2 / 3, 3),
        "clear_changed": (2 / 3, 3),
    }
    assert all(row["low"] < row["value"] < row["high"] and row["seed"] == 7 for row in rows)


def test_a_share_of_no_image_is_no_row():
    ones = torch.ones(1)
    verdict = Verdict(torch.tensor([1]), ones, ones, ones[None], ones > 0, ones < 0)
    labelled = LabelledImages(np.zeros((1, 28, 28), np.uint8), np.array([1]), np.array([0]))
    rows = agreement("l0", labelled, verdict, np.array([-1]), seed=1)
    assert [row["id"].rsplit(".", 1)[1] for row in rows] == ["agreement", "clear"]


def test_sets_are_judged_by_name_and_originals_found_by_number(tmp_path):
    path = saved(tmp_path, **GOOD)
    seen = []

    def judge(images):
        seen.append(images)
        ones = torch.ones(3)
        return Verdict(torch.tensor([1, 7, 3]), ones, ones, ones[None], ones > 0, ones > 0)

    sets = {"l0": {"path": str(path), "sha256": None}}
    rows = agreement_with_people(sets, judge, {0: 1, 9999: 3}, seed=1)  # 5 is not in the test set
    assert {row["id"].rsplit(".", 1)[1]: (row["value"], row["n"]) for row in rows} == {
        **{"agreement": (2 / 3, 3), "clear": (1, 3), "agreement_clear": (2 / 3, 3)},
        **{"agreement_changed": (1, 1), "clear_changed": (1, 1)},
    }
    (images,) = seen
    assert images.shape == (3, 1, 28, 28)
    assert images.max() == 1
    assert agreement_with_people({}, judge, {}, seed=1) == []


SETS = Path(__file__).parents[5] / "shared" / "data" / "invariance"


@pytest.mark.skipif(not SETS.is_dir(), reason="no ../shared: the published sets are not here")
@pytest.mark.parametrize("name", ["l0", "linf_eps03"])
def test_the_published_sets_are_read(name):
    found = read(SETS / f"{name}.npz")
    assert found.images.shape == (100, 28, 28)
    assert len(np.unique(found.people)) >= 8
    assert len(np.unique(found.test_index)) == 100
