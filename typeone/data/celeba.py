"""Read CelebA in its official layout: files, gender, identities and splits (Section IV)."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from typeone.data.face_tables import SPLITS
from typeone.data.layouts import (
    CELEBA_ATTRIBUTES,
    CELEBA_IDENTITIES,
    CELEBA_LISTS,
    CELEBA_PARTITIONS,
    celeba_images,
)
from typeone.data.photographs import FaceFiles, FaceList, PhotographedFaces
from typeone.data.shapes import FEMALE, MALE
from typeone.runtime.errors import InputError
from typeone.runtime.logs import logger

CELEBA_SIZE = (178, 218)  # width and height of the aligned images
CELEBA_CROP = (15, 40, 163, 188)  # left, top, right, bottom; columns 15-163, rows 40-188
_CELEBA = (
    "it needs CelebA's official files: img_align_celeba/ or img_align_celeba.zip, "
    f"{', '.join(CELEBA_LISTS)} (from the project page of its authors, CelebA, Large-scale "
    "CelebFaces Attributes)"
)


def celeba_square(width: int, height: int) -> tuple[int, int, int, int]:
    """Return the crop of an aligned image in the authors' script: rows 40-188, columns 15-163.

    Raises:
        InputError: the image does not have the size of CelebA's aligned images.
    """
    if (width, height) != CELEBA_SIZE:
        raise InputError(
            f"an image of `faces.celeba.path` has {width}x{height} pixels; the aligned images of "
            f"CelebA have {CELEBA_SIZE[0]}x{CELEBA_SIZE[1]}: take img_align_celeba, or give other "
            "images as `faces.source: folder`"
        )
    return CELEBA_CROP


def open_celeba(*, path: str | os.PathLike[str]) -> PhotographedFaces:
    """Open CelebA's aligned faces in the folder ``path``.

    Raises:
        InputError: the folder or a file of the layout is missing, or a list is damaged.
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise InputError(f"`faces.celeba.path` is {str(path)!r}, which is not a folder; {_CELEBA}")
    images = celeba_images(folder)
    lacking = [name for name in CELEBA_LISTS if not (folder / name).is_file()]
    if not images.exists():
        lacking.insert(0, "img_align_celeba/ or img_align_celeba.zip")
    if lacking:
        raise InputError(f"`faces.celeba.path` {folder} lacks {', '.join(lacking)}; {_CELEBA}")
    faces = read_celeba_lists(folder)
    files = FaceFiles(images)
    if missing := files.missing(faces.files):
        raise InputError(
            f"`faces.celeba.path` {folder} lacks {len(missing)} of {len(faces.files)} images in "
            f"{images.relative_to(folder)}, the first {missing[0]}; fetch them again"
        )
    return PhotographedFaces(faces, files, celeba_square)


def read_celeba_lists(folder: Path) -> FaceList:
    """Read file names, gender, identities and splits of CelebA from its three lists.

    Raises:
        InputError: a list is damaged.
    """
    files, labels = _genders(folder / CELEBA_ATTRIBUTES)
    partitions = _second_column(folder / CELEBA_PARTITIONS, files, "0, 1 or 2", {"0", "1", "2"})
    people = _second_column(folder / CELEBA_IDENTITIES, files, "a whole number", None)
    identities = np.array([int(people[name]) for name in files])
    partition = np.array([int(partitions[name]) for name in files])
    # ASSUME: the paper attacks "the first 1000 images of the validation set" and its supplement
    # tests on it: the official validation partition (1) is our test split, the official test
    # partition (2) our validation split. A fifth of the people of the official train partition (0)
    # is for the judges, which must be independent of f2.
    taught = np.array([_drawn_share(identity) < 0.2 for identity in identities])
    splits = {
        "train": (partition == 0) & ~taught,
        "judge": (partition == 0) & taught,
        "validation": partition == 2,
        "test": partition == 1,
    }
    # splits are identity-disjoint; the test split keeps all of its faces
    kept = {}
    known = np.zeros(0, identities.dtype)
    for name in ("test", "validation", "train", "judge"):
        kept[name] = np.flatnonzero(splits[name] & ~np.isin(identities, known))
        known = np.union1d(known, identities[kept[name]])
    left_out = len(files) - sum(map(len, kept.values()))
    if left_out:
        logger.info("%d faces left out: their identity is in another partition", left_out)
    return FaceList(files, labels, identities, {name: kept[name] for name in SPLITS}, left_out)


def _drawn_share(identity: object) -> float:
    """Hash an identity to a number in [0, 1)."""
    return int.from_bytes(hashlib.sha256(str(identity).encode()).digest()[:4]) / 2**32


def is_number(text: str) -> bool:
    """Whether a string is a whole number of at most 18 digits."""
    return text.isascii() and text.isdecimal() and len(text) < 19


def _genders(path: Path) -> tuple[list[str], np.ndarray]:
    """Read file names, and labels from the column Male, of the attribute list."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        first, names = file.readline().strip(), file.readline().split()
        if not is_number(first) or "Male" not in names:
            raise InputError(
                f"{path} does not start like CelebA's list of attributes: needs a line with the "
                "number of images, then a line of names with Male among them; fetch it again"
            )
        column = names.index("Male") + 1
        files, labels = [], []
        for number, line in enumerate(file, start=3):
            cells = line.split()
            if not cells:
                continue
            if len(cells) != len(names) + 1 or cells[column] not in ("-1", "1"):
                raise InputError(
                    f"{path}, line {number} is {line.strip()[:40]!r}; needs a file name and "
                    f"{len(names)} values, -1 or 1; fetch it again"
                )
            files.append(cells[0])
            labels.append(MALE if cells[column] == "1" else FEMALE)
    if len(set(files)) < len(files):
        name = next(name for name, count in Counter(files).items() if count > 1)
        raise InputError(f"{path} has two rows for {name}; fetch it again")
    if not files or len(files) != int(first):
        raise InputError(
            f"{path} announces {first} images but has rows for {len(files)}; fetch it again"
        )
    return files, np.array(labels)


def _second_column(
    path: Path, files: Sequence[str], needed: str, allowed: set[str] | None
) -> dict[str, str]:
    """Read the second column of a list by file name; it must contain all of ``files``."""
    values = {}
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            cells = line.split()
            if not cells:
                continue
            fits = len(cells) == 2
            fits = fits and (cells[1] in allowed if allowed else is_number(cells[1]))
            if not fits:
                raise InputError(
                    f"{path}, line {number} is {line.strip()[:40]!r}; needs a file name and "
                    f"{needed}; fetch it again"
                )
            if cells[0] in values:
                raise InputError(
                    f"{path}, line {number}: a second row for {cells[0]}; fetch it again"
                )
            values[cells[0]] = cells[1]
    if missing := [name for name in files if name not in values]:
        raise InputError(
            f"{path} lacks {len(missing)} of {len(files)} images, the first {missing[0]}; fetch it "
            "again"
        )
    return values
