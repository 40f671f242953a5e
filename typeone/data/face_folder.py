"""Faces of one's own: a folder of images, and a table of who is on them."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from typeone.data.faces import FEMALE, MALE
from typeone.data.photographs import SHARES, SPLITS, FaceFiles, FaceList, PhotographedFaces
from typeone.runtime.errors import InputError

LABELS = {"0": FEMALE, "1": MALE, "female": FEMALE, "male": MALE}


def middle_square(width: int, height: int) -> tuple[int, int, int, int]:
    """The largest square in the middle."""
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def open_folder(
    *, path: str | os.PathLike[str], csv: str | os.PathLike[str], seed: int
) -> PhotographedFaces:
    """The faces of a table: columns file (in the folder ``path``), label, identity, perhaps split.

    Raises:
        InputError: the folder, the table, a column or an image is missing, or a row is not usable.
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise InputError(
            f"`faces.folder.path` is {str(path)!r}, which is no folder; needs one with the images "
            "that `faces.folder.csv` names"
        )
    faces = read_face_table(csv, seed=seed)
    files = FaceFiles(folder)
    if missing := files.missing(faces.files):
        raise InputError(
            f"`faces.folder.path` {folder} lacks {len(missing)} of {len(faces.files)} images, the "
            f"first {missing[0]}; give them, or take their rows out of `faces.folder.csv`"
        )
    return PhotographedFaces(faces, files, middle_square)


def read_face_table(path: str | os.PathLike[str], *, seed: int) -> FaceList:
    """A table of faces: rows in a random order by ``seed``, people parted by it if need be.

    Without a column split, 60 % of the identities are for train, 15 % for the judges, 10 % for
    validation and 15 % for the test.
    """
    where = f"`faces.folder.csv` {path}"
    try:
        table = pd.read_csv(Path(path).expanduser(), dtype=str, keep_default_na=False)
    except FileNotFoundError as error:
        raise InputError(
            f"{where} does not exist; needs a table with columns file, label (female or male), "
            "identity and perhaps split"
        ) from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{where} is no readable CSV ({reason}); save it as comma-separated text in UTF-8"
        ) from error
    if lacking := [c for c in ("file", "label", "identity") if c not in table]:
        raise InputError(
            f"{where} lacks {', '.join(lacking)} (it has {', '.join(table)}); needs columns file, "
            "label (female or male), identity and perhaps split"
        )
    for column, allowed in (("label", LABELS), ("split", SPLITS)):
        if column in table and not table[column].isin(list(allowed)).all():
            odd = table.index[~table[column].isin(list(allowed))][0]
            raise InputError(
                f"{where}, line {odd + 2}: {column} is {table[column][odd]!r}; needs one of "
                f"{', '.join(allowed)}"
            )
    for line, name in enumerate(table["file"], start=2):
        parts = PurePosixPath(name.replace("\\", "/"))
        if not name or parts.is_absolute() or ".." in parts.parts:
            raise InputError(
                f"{where}, line {line}: file is {name!r}; needs a name within `faces.folder.path`"
            )
    names, identities = np.unique(table["identity"].to_numpy(str), return_inverse=True)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(table))
    if "split" in table:
        crossing = table.groupby("identity")["split"].nunique()
        if (crossing > 1).any():
            who = crossing.index[crossing > 1][0]
            found = sorted(set(table["split"][table["identity"] == who]), key=SPLITS.index)
            raise InputError(
                f"{where}: identity {who!r} is in {' and '.join(found)}; needs each in one split"
            )
        split = table["split"].map(SPLITS.index).to_numpy()
    else:
        # ASSUME: the paper names no shares beside CelebA's official partition
        place = rng.permutation(len(names)) + 0.5
        bounds = np.cumsum(SHARES)[:-1] * len(names)
        split = np.searchsorted(bounds, place)[identities]
    rows = {name: order[split[order] == i] for i, name in enumerate(SPLITS)}
    labels = table["label"].map(LABELS).to_numpy(np.int64)
    return FaceList(table["file"].tolist(), labels, identities, rows)
