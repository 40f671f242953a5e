"""Data sets of small grey images in four IDX files like MNIST's, and their splits."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import numpy as np

from typeone.data.idx import parse_idx
from typeone.data.images import require_bytes
from typeone.runtime.errors import InputError
from typeone.runtime.logs import logger

IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
CLASSES = 10  # classes of the digit networks
SIDE = 28  # pixels
MAX_BYTES = 1 << 30  # largest size of a raw file
MOST_IN_BOTH = 0.01  # largest share of test images that are training images too

Check = Callable[[str, str, str], None]
"""(name of an IDX file, SHA-256 of its raw bytes, its name in errors); raises to refuse it."""


@dataclass(frozen=True)
class IdxSet:
    """The four raw files as read-only uint8 arrays, and their source.

    Images are ``(N, 28, 28)`` in [0, 255], labels ``(N,)`` in [0, 9]. ``source`` is path, npm or
    mirror; ``sha256`` contains one hash for each raw file.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    source: str
    sha256: Mapping[str, str]


@dataclass(frozen=True)
class Split:
    """One split of a data set.

    ``index`` ``(N,)`` int32 is the position in the raw file (train and validation share one),
    ``images`` ``(N, 1, 28, 28)`` uint8 in [0, 255], ``labels`` ``(N,)`` int64; ``sha256`` are the
    hashes of the raw files of the split.
    """

    index: np.ndarray
    images: np.ndarray
    labels: np.ndarray
    sha256: Mapping[str, str]


def accept_any(name: str, got: str, where: str) -> None:
    """Accept any file: the check of a data set without known hashes."""


def read_folder(
    path: str | os.PathLike[str], *, key: str, check: Check = accept_any, remedy: str = ""
) -> IdxSet:
    """Read the set in a folder of four files, raw or .gz, with ``-`` or ``.`` before ``idx``.

    Args:
        path: the folder.
        key: the setting of the path, for error messages.
        check: check of each raw file.
        remedy: end of error messages.

    Raises:
        InputError: a file is missing, damaged, or refused by ``check``; images are not 28 x 28;
            labels are not in 0 to 9, or a class has no training image.
    """
    folder = Path(path).expanduser()
    remedy = remedy or f"needs a folder with {', '.join(IDX_FILES)}; raw or .gz"
    if not folder.is_dir():
        raise InputError(f"`{key}` is {str(folder)!r}, which is not a folder; {remedy}")
    files: dict[str, Path] = {}
    for name in IDX_FILES:
        names = [n + end for end in ("", ".gz") for n in (name, name.replace("-idx", ".idx"))]
        file = next((folder / n for n in names if (folder / n).is_file()), None)
        if file is not None:
            files[name] = file
    if missing := [name for name in IDX_FILES if name not in files]:
        raise InputError(f"`{key}` {folder} lacks {', '.join(missing)}; {remedy}")
    arrays, sums = {}, {}
    for name, file in reversed(files.items()):  # small files first: a bad folder fails early
        try:
            with file.open("rb") as stream:
                data = _read(stream, str(file))
        except OSError as error:
            raise InputError(f"{file} cannot be read ({error.strerror}); {remedy}") from error
        arrays[name], sums[name] = read_idx(name, data, str(file), check)
    return assemble(arrays, "path", sums, key=key)


def read_idx(name: str, data: bytes, where: str, check: Check) -> tuple[np.ndarray, str]:
    """Parse ``data``, raw or gzipped; return the array and the SHA-256 of the raw bytes.

    ``where``: name of the file in error messages.

    Raises:
        InputError: the data are damaged, not an IDX file, or refused by ``check``.
    """
    if data[:2] == b"\x1f\x8b":  # by content: browsers and servers unpack .gz but keep the name
        try:
            data = _read(gzip.GzipFile(fileobj=io.BytesIO(data)), where)
        except (EOFError, OSError, zlib.error) as error:
            raise InputError(f"{where} is a damaged gzip file ({error}); fetch it again") from error
    array, got = parse_idx(data, where), sha256(data).hexdigest()
    check(name, got, where)
    return array, got


def _read(file: BinaryIO | gzip.GzipFile, where: str) -> bytes:
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InputError(f"{where} has more than {MAX_BYTES} bytes, too many for such a data set")
    return data


def assemble(
    arrays: Mapping[str, np.ndarray], source: str, sums: Mapping[str, str], *, key: str
) -> IdxSet:
    """Build the set from four arrays by file name; ``key`` as in `read_folder`.

    Raises:
        InputError: images or labels do not meet the requirements of `read_folder`.
    """
    logger.debug("%s from %s: %s", key, source, {name: a.shape for name, a in arrays.items()})
    for images, labels in (IDX_FILES[:2], IDX_FILES[2:]):
        shape, classes = arrays[images].shape, np.unique(arrays[labels])
        if len(shape) != 3 or shape[1:] != (SIDE, SIDE):
            got = "x".join(map(str, shape[1:]))
            raise InputError(f"`{key}`: {images} contains images of {got}, needs {SIDE}x{SIDE}")
        if not shape[0]:
            raise InputError(f"`{key}`: {images} contains no image; needs at least one")
        require_bytes(arrays[images], f"`{key}`: {images}")
        if arrays[labels].shape != shape[:1]:
            raise InputError(
                f"`{key}`: {images} contains {shape[0]} images, but {labels} "
                f"{arrays[labels].shape} labels; needs one label per image"
            )
        learnt = labels == IDX_FILES[1]
        if not set(classes) <= set(range(CLASSES)) or (learnt and len(classes) < CLASSES):
            raise InputError(
                f"`{key}`: {labels} contains the classes {', '.join(map(str, classes))}; needs "
                f"0 to {CLASSES - 1}, with training images of each"
            )
    train_images, train_labels, test_images, test_labels = (arrays[n] for n in IDX_FILES)
    known = {image.tobytes() for image in train_images}
    both = sum(image.tobytes() in known for image in test_images)
    if both > MOST_IN_BOTH * len(test_images):
        raise InputError(
            f"`{key}`: {both} of {len(test_images)} images of {IDX_FILES[2]} are in {IDX_FILES[0]} "
            f"too; needs at most {MOST_IN_BOTH:.0%}: test images that no network has learnt"
        )
    sums = {name: sums[name] for name in IDX_FILES}
    return IdxSet(train_images, train_labels, test_images, test_labels, source, sums)


def splits_of(
    images: IdxSet,
    *,
    train_size: int | None = None,
    limit: Mapping[str, int | None] | None = None,
) -> dict[str, Split]:
    """Split a set into disjoint train, validation and test splits, in the order of the raw files.

    Args:
        images: the set.
        train_size: images of the training file used for training; by default five of six, as in
            Section IV, 50,000 of MNIST's 60,000. The rest is for validation.
        limit: the maximum size by split; None or an absent name keeps all images.

    Raises:
        InputError: a limit is for an unknown split, or is outside 1 to the size of the split, or
            training or validation images lack a class.
    """
    # ASSUME: Section IV: "MNIST contains 60K ... Following the common split, we use 50K images for
    # training and rest for test". The common split has 10k separate test digits; we test on those
    # and use the last 10k of the 60k for validation.
    if train_size is None:
        train_size = len(images.train_labels) * 5 // 6
    cuts = {
        "train": ("train", slice(None, train_size)),
        "validation": ("train", slice(train_size, None)),
        "test": ("test", slice(None)),
    }
    limit = limit or {}
    if unknown := sorted(limit.keys() - cuts.keys()):
        raise InputError(f"`limit` names {', '.join(unknown)}; the splits are {', '.join(cuts)}")
    arrays = {
        "train": (images.train_images, images.train_labels),
        "test": (images.test_images, images.test_labels),
    }
    splits = {}
    for name, (part, cut) in cuts.items():
        pixels, labels = arrays[part]
        index = np.arange(len(labels), dtype=np.int32)[cut]
        first = limit.get(name)
        if first is not None and not 1 <= first <= len(index):
            raise InputError(f"`limit.{name}` is {first}; needs 1 to {len(index)}, or null for all")
        chosen = labels[cut][:first]
        if part == "train" and (missing := sorted({*range(CLASSES)} - {*chosen.tolist()})):
            raise InputError(
                f"the {len(chosen)} {name} images contain none of class "
                f"{', '.join(map(str, missing))}; needs images of each: raise `limit.{name}`, or "
                "shuffle a training file that is sorted by class"
            )
        raw = "t10k" if part == "test" else "train"
        splits[name] = Split(
            index[:first],
            pixels[cut][:first, None],
            labels[cut][:first].astype(np.int64),
            {file: sum_ for file, sum_ in images.sha256.items() if file.startswith(raw)},
        )
    return splits
