"""Read a user's own faces: a folder of images, and a table of labels and identities."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from typeone.data.face_tables import SPLITS, FaceRow, find_image, read_face_rows
from typeone.data.photographs import SHARES, FaceFiles, FaceList, PhotographedFaces
from typeone.data.shapes import FEMALE, MALE
from typeone.runtime.errors import InputError


def middle_square(width: int, height: int) -> tuple[int, int, int, int]:
    """Return the largest central square of an image: left, top, right, bottom."""
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def open_folder(
    *, path: str | os.PathLike[str], csv: str | os.PathLike[str], seed: int
) -> PhotographedFaces:
    """Open the faces of a table: columns file (in folder ``path``), label, identity, perhaps split.

    Raises:
        InputError: the folder, the table, a column or an image is missing, a row is not usable, or
            two images have the same bytes.
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise InputError(
            f"`faces.folder.path` is {str(path)!r}, which is not a folder; needs one with the "
            "images that `faces.folder.csv` names"
        )
    rows = read_face_rows(csv)
    files = [find_image(folder, row.file) for row in rows]
    if missing := [row for row, file in zip(rows, files, strict=True) if file is None]:
        raise InputError(
            f"`faces.folder.path` {folder} lacks {len(missing)} of {len(rows)} images, the first "
            f"{missing[0].file}; add them, or remove their rows from `faces.folder.csv`"
        )
    present = [file for file in files if file is not None]
    _refuse_copies(folder, present, rows)
    faces = face_list(rows, present, seed=seed)
    return PhotographedFaces(faces, FaceFiles(folder), middle_square)


def face_list(rows: Sequence[FaceRow], files: Sequence[str], *, seed: int) -> FaceList:
    """Assign the faces of a table to splits, in a random order by ``seed``.

    Without a column split, identities are split at random by ``seed``: 60 % train, 15 % judge, 10 %
    validation and 15 % test.
    """
    names, identities = np.unique([row.identity for row in rows], return_inverse=True)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(rows))
    if rows[0].split is None:
        # ASSUME: the paper only gives CelebA's official partition
        place = rng.permutation(len(names)) + 0.5
        bounds = np.cumsum(SHARES)[:-1] * len(names)
        split = np.searchsorted(bounds, place)[identities]
    else:
        split = np.array([SPLITS.index(str(row.split)) for row in rows])
    members = {name: order[split[order] == i] for i, name in enumerate(SPLITS)}
    labels = np.array([MALE if row.label == "male" else FEMALE for row in rows])
    return FaceList(files, labels, identities, members)


def _refuse_copies(folder: Path, files: Sequence[str], rows: Sequence[FaceRow]) -> None:
    """Raise `InputError` for two files with the same bytes; files of unique size are not read."""
    of_size = defaultdict(list)
    for number, file in enumerate(files):
        of_size[os.path.getsize(folder / file)].append(number)
    first: dict[bytes, int] = {}
    copies = []
    for size, numbers in of_size.items():
        for number in numbers if size and len(numbers) > 1 else ():
            with (folder / files[number]).open("rb") as data:
                original = first.setdefault(hashlib.file_digest(data, "sha256").digest(), number)
            if original != number:
                copies.append((number, original))
    if copies:
        number, original = min(copies)
        raise InputError(
            f"{rows[number].where}: {files[number]} has the bytes of {files[original]} on "
            f"{rows[original].line}, the first of {len(copies)} such copies; needs one row per "
            "image, because one image must not be in two splits or show two people: remove the "
            "others"
        )
