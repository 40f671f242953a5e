"""Read files of annotations, the labels that people give to images, and take the majority.

Beyond the paper, which asked people about faces only: the judges are measured against these labels.
A file is CSV (UTF-8, commas, a header) or Parquet with the columns `COLUMNS`, saved by the sheet of
`typeone.reporting.study` or written by hand; other columns are ignored. An image is named by its
number in the sheet, or ``{attack}/{target}/seed{seed}/{position}``, as in ours/mlp/seed0/17. Its
label is one of `LABELS` of its question, or "unclear". Cells are text and are never evaluated.

After an attack is run again its names refer to other images. The digest of the labelled image tells
them apart. A file without digests is accepted unchecked; the column checked marks its rows.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from typeone.runtime.csv_rows import csv_rows
from typeone.runtime.errors import InputError

UNCLEAR = "unclear"
NO_FACE = "no face"
DIGITS = tuple(map(str, range(10)))
FACES = ("female", "male", NO_FACE)
SAME, DIFFERENT = "same", "different"
LABELS = {"digit": DIGITS, "face": FACES, "person": (SAME, DIFFERENT)}
"""Labels besides "unclear" by question: which digit, whose face, the same person."""

COLUMNS = ("image", "label", "annotator", "digest", "showing")
"""Columns of a file; image and label are required. showing is 2 for a repeated image."""

MAX_BYTES = 16 << 20  # of a file: 200,000 labels; a study has thousands
MAX_ROWS = 200_000
MAX_CELL = 1000  # bytes of a cell of Parquet
MAX_NAME = 60  # characters of an annotator's name

_SHOWN = 60  # characters of a cell that a message repeats
_REDO = "save it again as comma-separated text in UTF-8, or as Parquet"
KINDS = {
    **{"question": str, "image": str, "label": str, "annotator": str},
    **{"showing": int, "checked": bool},
}
"""Columns that `read_annotations` returns, and their types."""

Cells = tuple[str, str, list[str | None]]
"""Cells of a row in the order of `COLUMNS`, the last three as a list; None for a missing column."""


class Picture(NamedTuple):
    """An image, or several, that people may be asked about.

    Attributes:
        name: ``{attack}/{target}/seed{seed}/{position}``.
        question: a key of `LABELS`.
        digest: `picture_digest` of the images.
    """

    name: str
    question: str
    digest: str


def picture_digest(*pictures: np.ndarray) -> str:
    """Return the first 16 digits of the SHA-256 of uint8 pixels of ``pictures``, in order."""
    total = hashlib.sha256()
    for picture in pictures:
        total.update(np.ascontiguousarray(picture).tobytes())
    return total.hexdigest()[:16]


def read_annotations(
    paths: Iterable[str | os.PathLike[str]], known: Mapping[str, Picture]
) -> pd.DataFrame:
    """Read all annotations in the files ``paths``, one row each.

    ``known``: the existing pictures, by each name that a file may use. Returns columns question,
    image (the picture's name), label, annotator, showing (1 or 2) and checked (whether the row's
    digest is that of the picture; False if it has none). In a file without the column annotator all
    rows are by one person, named like the file without its suffix.

    Raises:
        InputError: a file is absent, unreadable, of another kind, empty or larger than `MAX_BYTES`,
            lacks a column, has a row of another length, an invalid label, an unknown image, the
            digest of another picture, or an empty or invalid annotator; or an annotator labels an
            image twice. The message names the file, the row and the remedy.
    """
    rows = []
    first_at: dict[tuple[str, str, str, str], str] = {}
    for path in map(Path, paths):
        unknown: dict[str, str] = {}
        stale: dict[str, str] = {}
        for where, image, label, annotator, digest, showing in _rows(path):
            _check_annotator(where, annotator)
            if showing not in ("1", "2"):
                raise InputError(
                    f"{where}: showing is {_shown(showing)}; needs 1, or 2 for a repeated image; "
                    "omit the column in a file without repeats"
                )
            picture = known.get(image)
            if picture is None:
                unknown.setdefault(image, where)
                continue
            labels = LABELS[picture.question]
            if label not in (*labels, UNCLEAR):
                wanted = "a digit from 0 to 9" if labels is DIGITS else ", ".join(labels)
                raise InputError(
                    f"{where}: label is {_shown(label)}; needs {wanted} or {UNCLEAR}; "
                    "correct it, or omit an image without a label"
                )
            if digest and digest != picture.digest:
                stale.setdefault(image, where)
                continue
            given = picture.question, picture.name, annotator, showing
            if given in first_at:
                raise InputError(
                    f"{where}: annotator {_shown(annotator)} labels image {_shown(image)} a second "
                    f"time (first in {first_at[given]}); keep one of the two, or distinguish the "
                    "people by the column annotator, else by the file name"
                )
            first_at[given] = where
            row = picture.question, picture.name, label, annotator, int(showing), bool(digest)
            rows.append(row)
        for image, where in unknown.items():
            example = f", such as {next(iter(known))!r}" if known else ""
            raise InputError(
                f"{where}: image {_shown(image)} is unknown, the first of {len(unknown)} in this "
                f"file; needs one of the {len(known)} images of this run{example}; if the study or "
                "an attack was changed since, show its present images to people, or remove the rows"
            )
        for image, where in stale.items():
            raise InputError(
                f"{where}: the label of {_shown(image)} was made for another version of this "
                f"image, the first of {len(stale)} in this file; the attack was redone since: show "
                "its present images to people, or remove the rows"
            )
    return pd.DataFrame(rows, columns=list(KINDS)).astype(KINDS)


def majority(annotations: pd.DataFrame) -> pd.DataFrame:
    """Return the label with most votes for each image, "unclear" if several labels tie.

    Columns image, label, votes (of a label in the first place) and voters (all who labelled the
    image); images in the order of their first annotation.
    """
    rows = []
    for image, labels in annotations.groupby("image", sort=False)["label"]:
        (label, votes), *second = Counter(labels).most_common(2)
        tied = any(count == votes for _, count in second)
        rows.append((image, UNCLEAR if tied else label, votes, len(labels)))
    kinds = {"image": str, "label": str, "votes": int, "voters": int}
    return pd.DataFrame(rows, columns=list(kinds)).astype(kinds)


def _check_annotator(where: str, annotator: str) -> None:
    """Raise for an invalid name: tables and pages show it, and spreadsheets run formulas."""
    if not annotator:
        raise InputError(
            f"{where}: annotator is blank; needs a name on every row; add one, or omit the column "
            "in a file of one person"
        )
    fits = all(c.isalnum() or c in " ._-" for c in annotator) and annotator[0].isalnum()
    if not fits or len(annotator) > MAX_NAME:
        raise InputError(
            f"{where}: annotator is {_shown(annotator)}; needs a name of letters, digits, blanks "
            f"and ._- that starts with a letter or digit, at most {MAX_NAME} characters; rename "
            "it, or the file if it has no such column"
        )


def _rows(path: Path) -> Iterator[tuple[str, str, str, str, str, str]]:
    """Yield (location, cells of `COLUMNS`) of every row, with blanks around each cell removed."""
    readers = {".csv": _read_csv, ".parquet": _read_parquet}
    if path.suffix.lower() not in readers:
        raise InputError(
            f"{path} is not a file of annotations; needs a name that ends in .csv or .parquet"
        )
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; correct its path in `annotations`") from error
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); needs a readable file"
        ) from error
    if len(data) > MAX_BYTES:
        raise InputError(
            f"{path} is larger than {MAX_BYTES >> 20} MiB, {MAX_ROWS} labels; needs the labels of "
            "a study and nothing else; split it if it is one"
        )
    if not data.strip():
        raise InputError(f"{path} is empty; needs the columns image and label; save it again")
    empty = True
    for where, (image, label, rest) in readers[path.suffix.lower()](path, data):
        empty = False
        annotator, digest, showing = (None if cell is None else cell.strip() for cell in rest)
        # an accented letter has two Unicode spellings: use one of them
        name = unicodedata.normalize("NFC", path.stem if annotator is None else annotator)
        yield where, image.strip(), label.strip(), name, digest or "", showing or "1"
    if empty:
        raise InputError(
            f"{path} contains no annotation; needs one row per image; label some, or remove the "
            "file from `annotations`"
        )


def _read_csv(path: Path, data: bytes) -> Iterator[tuple[str, Cells]]:
    rows = csv_rows(data, str(path), _REDO)
    _, header = next(rows, ("", []))
    image, label, rest = _choose(path, header)
    for where, cells in rows:
        if len(cells) != len(header):
            raise InputError(
                f"{where} has {len(cells)} cells, the header {len(header)}; needs one per column; "
                "enclose a cell that contains a comma in double quotes"
            )
        optional = [None if i is None else cells[i] for i in rest]
        yield where, (cells[image], cells[label], optional)


def _read_parquet(path: Path, data: bytes) -> Iterator[tuple[str, Cells]]:
    try:
        schema = pq.read_schema(pa.BufferReader(data))
        header = schema.names
        image_at, label_at, rest_at = _choose(path, header)
        chosen = [image_at, label_at, *rest_at]
        wanted = [header[i] for i in chosen if i is not None]
        # read as dictionaries, text that repeats takes no more memory than the file
        flat = [name for name in wanted if not pa.types.is_nested(schema.field(name).type)]
        file = pq.ParquetFile(pa.BufferReader(data), read_dictionary=flat)
        if file.metadata.num_rows > MAX_ROWS:
            raise InputError(
                f"{path} has {file.metadata.num_rows} rows; needs at most {MAX_ROWS}; split it if "
                "it is a study"
            )
        table = file.read(columns=wanted)
        for column in table.columns:
            for chunk in column.chunks if pa.types.is_dictionary(column.type) else ():
                longest = pc.max(pc.binary_length(chunk.dictionary)).as_py() or 0
                if longest > MAX_CELL:
                    raise InputError(
                        f"{path} has a cell of {longest} bytes; needs at most {MAX_CELL}; {_REDO}"
                    )
        absent = [None] * len(table)
        columns = [
            absent if i is None else table[header[i]].cast(pa.string()).fill_null("").to_pylist()
            for i in chosen
        ]
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{path} is not a Parquet file that contains text ({reason}); {_REDO}"
        ) from error
    for number, (image, label, *rest) in enumerate(zip(*columns, strict=True), start=1):
        yield f"{path}, row {number}", (image, label, rest)


def _choose(path: Path, header: list[str]) -> tuple[int, int, list[int | None]]:
    """Return the index of each of `COLUMNS` in ``header``; None for an absent optional column."""
    names = ", ".join(map(_shown, header[:8])) + (", …" if len(header) > 8 else "")
    for name in COLUMNS:
        if header.count(name) > 1:
            raise InputError(f"{path} has two columns {name}; needs one; rename the other")
        if name in header:
            continue
        by_fold = {other[:_SHOWN].casefold(): other for other in header if other not in COLUMNS}
        # a misspelt optional column would merge people, or first and repeated answers
        optional = name not in ("image", "label")
        close = difflib.get_close_matches(name, by_fold, n=1, cutoff=0.85 if optional else 0.6)
        if optional and not close:
            continue
        if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
            hint = "separate the columns by commas"
        elif close:
            hint = f"did you mean {_shown(by_fold[close[0]])}? If so, rename it"
        else:
            hint = "add it, or name the columns in the first row"
        raise InputError(
            f"{path} has no column {name} (it has {names or 'no column'}); needs image, label and, "
            f"for several people in one file, annotator; {hint}"
        )
    rest = [header.index(name) if name in header else None for name in COLUMNS[2:]]
    return header.index("image"), header.index("label"), rest


def _shown(text: str) -> str:
    """Return ``text`` as a message repeats it: on one line, in quotes, of bounded length."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
