"""Agreement of judges with people on images that people labelled before, of any source.

Tramèr et al. (ICML 2020, "Fundamental Tradeoffs between Invariance and Sensitivity to Adversarial
Perturbations") published such images: attacked MNIST digits with the label that people gave.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from typeone.data.idx_sets import CLASSES, SIDE
from typeone.data.images import from_uint8, require_bytes
from typeone.data.packages import file_bytes
from typeone.evaluation.intervals import rate
from typeone.evaluation.measurements import measurement
from typeone.evaluation.panels import Verdict
from typeone.runtime.errors import InputError
from typeone.runtime.logs import logger

MAX_BYTES = 1 << 28  # largest size of the unpacked arrays
TEST_COUNT = 10_000  # images of MNIST's test set


class LabelledImages(NamedTuple):
    """N images that people labelled.

    Attributes:
        images: uint8 ``(N, 28, 28)``.
        people: label that people gave, int64 ``(N,)`` in [0, 9].
        test_index: number of the original in the test set, int64 ``(N,)``.
    """

    images: np.ndarray
    people: np.ndarray
    test_index: np.ndarray


def read_labelled(path: str | os.PathLike[str], *, key: str, sha256: str | None) -> LabelledImages:
    """Read an .npz file with the arrays image, people and test_index.

    Args:
        key: the setting of this file, for error messages.
        sha256: expected hash of the file; None accepts any.

    Raises:
        InputError: the file cannot be read, lacks an array, or an array has other contents.
    """
    name = f"`{key}` {path}"
    arrays = _arrays(file_bytes(os.path.expanduser(path), sha256, name), name)
    images, people, index = arrays["image"], arrays["people"], arrays["test_index"]
    if images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE) or not len(images):
        raise InputError(
            f"{name}: image is {images.dtype} {images.shape}; needs uint8 (N, {SIDE}, {SIDE})"
        )
    require_bytes(images, f"{name}: image")
    for column, values, end in (("people", people, CLASSES), ("test_index", index, TEST_COUNT)):
        if values.dtype.kind not in "iu" or values.shape != images.shape[:1]:
            raise InputError(
                f"{name}: {column} is {values.dtype} {values.shape}; needs {len(images)} integers, "
                "one for each image"
            )
        outside = values[(values < 0) | (values >= end)]
        if len(outside):
            raise InputError(f"{name}: {column} has {outside[0]}; needs integers in [0, {end - 1}]")
    return LabelledImages(images, people.astype(np.int64), index.astype(np.int64))


def _arrays(data: bytes, name: str) -> dict[str, np.ndarray]:
    needed = ("image", "people", "test_index")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            size = sum(member.file_size for member in packed.infolist())
        if size > MAX_BYTES:
            raise InputError(f"{name} has {size} bytes of arrays; needs at most {MAX_BYTES}")
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            missing = [array for array in needed if array not in file.files]
            if missing:
                raise InputError(
                    f"{name} lacks {', '.join(missing)} (it has {', '.join(file.files)}); needs "
                    f"arrays {', '.join(needed)}"
                )
            return {array: file[array] for array in needed}
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{name} is not an .npz file of plain arrays ({reason})") from error


def agreement(
    name: str, labelled: LabelledImages, verdict: Verdict, original: np.ndarray, *, seed: int
) -> list[dict[str, Any]]:
    """Return rows of `measurement` on the panel's agreement with people; none without an image.

    Args:
        name: of the set, part of the ids.
        verdict: of the panel on ``labelled.images``.
        original: label of each original, int64 ``(N,)``; -1 where it is not known.
    """
    agrees = verdict.label.cpu().numpy() == labelled.people
    clear = verdict.clear.cpu().numpy()
    changed = (original >= 0) & (labelled.people != original)
    whole = np.ones_like(agrees)
    measures = {
        "agreement": (agrees, whole, "judges agree with people"),
        "clear": (clear, whole, "images clear to the judges"),
        "agreement_clear": (agrees, clear, "judges agree with people, images clear to the judges"),
        "agreement_changed": (
            *(agrees, changed),
            "judges agree with people, images that people call another digit than the original",
        ),
        "clear_changed": (
            *(clear & agrees, changed),
            "judges are clear about the digit that people see, images that people call another "
            "digit than the original",
        ),
    }
    return [
        measurement(
            f"beyond.oracle.labelled.{name}.{measure}",
            rate(flags[among]),
            seed=seed,
            description=f"{text} (set {name})",
        )
        for measure, (flags, among, text) in measures.items()
        if among.any()
    ]


def agreement_with_people(
    sets: Mapping[str, Mapping[str, Any]],
    judge: Callable[[Tensor], Verdict],
    labels: Mapping[int, int],
    *,
    seed: int,
) -> list[dict[str, Any]]:
    """Return the rows of `agreement` for each of ``sets``, path and sha256 by name.

    Args:
        judge: from images ``(N, 1, 28, 28)`` in [0, 1] to the verdict of a panel.
        labels: label of each image of the test set, by its number.
    """
    measured = []
    for name, entry in sets.items():
        labelled = read_labelled(entry["path"], key=f"people.{name}.path", sha256=entry["sha256"])
        original = np.array([labels.get(index, -1) for index in labelled.test_index.tolist()])
        verdict = judge(from_uint8(labelled.images[:, None]))
        rows = agreement(name, labelled, verdict, original, seed=seed)
        for row in rows:
            logger.info("%s: %.3f of %d", row["description"], row["value"], row["n"])
        measured += rows
    return measured
