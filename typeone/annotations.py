"""What people see in attacked images: files of annotations, and the label of most votes.

Beyond the paper: the oracle stands in for people, and this is what it is held against. A file is
CSV (UTF-8, commas, a header) or Parquet with the columns `COLUMNS`; others are ignored. An image is
named ``{attack}/{target}/seed{seed}/{position}``, as in ours/mlp/seed0/17. Its label is one of
`DIGITS`, for faces one of `FACES`, or «unclear». Cells are text and are
never evaluated. After an attack is redone, its names stand for other images.
"""

from __future__ import annotations

import csv
import difflib
import io
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from typeone.errors import InputError

UNCLEAR = "unclear"
NO_FACE = "no face"
DIGITS = tuple(map(str, range(10)))
FACES = ("female", "male", NO_FACE)
COLUMNS = ("image", "label", "annotator")  # the last is optional

_SHOWN = 60  # characters of a cell that a message repeats
_REDO = "save it anew as comma-separated text in UTF-8, or as Parquet"


def read_annotations(
    paths: Iterable[str | os.PathLike[str]],
    known_ids: Iterable[str],
    labels: Sequence[str] = DIGITS,
) -> pd.DataFrame:
    """All annotations in the files ``paths``, one row each, as text in the columns `COLUMNS`.

    ``known_ids`` are the images that there are, ``labels`` what people may see beside `UNCLEAR`.
    A file without the column annotator is the work of one person, called like the file without its
    suffix.

    Raises:
        InputError: a file is absent, unreadable, of another kind or empty, lacks a column, has a
            row of another length, another label, an unknown image or no annotator; or an
            annotator labels an image twice. The line names the file, the row and the remedy.
    """
    known = dict.fromkeys(known_ids)
    wanted = "a digit from 0 to 9" if labels is DIGITS else ", ".join(labels)
    rows, first_at = [], {}
    for path in map(Path, paths):
        unknown: dict[str, str] = {}
        for where, image, label, annotator in _rows(path):
            if label not in (*labels, UNCLEAR):
                raise InputError(
                    f"{where}: label is {_shown(label)}; needs {wanted} or {UNCLEAR}; "
                    "correct it, or leave out an image that nobody labelled"
                )
            if not annotator:
                raise InputError(
                    f"{where}: annotator is blank; needs a name on every row; give one, or leave "
                    "out the column for a file of one person"
                )
            if image not in known:
                unknown.setdefault(image, where)
            elif (image, annotator) in first_at:
                raise InputError(
                    f"{where}: annotator {_shown(annotator)} labels image {_shown(image)} a second "
                    f"time (first in {first_at[image, annotator]}); keep one of the two, or tell "
                    "the people apart by the column annotator, else the name of the file"
                )
            first_at[image, annotator] = where
            rows.append((image, label, annotator))
        for image, where in unknown.items():
            example = f", such as {next(iter(known))!r}" if known else ""
            raise InputError(
                f"{where}: image {_shown(image)} is unknown, the first of {len(unknown)} in this "
                f"file; needs one of the {len(known)} attacked images{example}; if the attack was "
                "redone or left out since, show its present images to people, or remove the rows"
            )
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=str)


def majority(annotations: pd.DataFrame) -> pd.DataFrame:
    """The label that most annotators give each image, «unclear» when labels share the first place.

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


def _rows(path: Path) -> Iterator[tuple[str, str, str, str]]:
    """(where it stands, image, label, annotator) of every row, blanks around each cell removed."""
    readers = {".csv": _read_csv, ".parquet": _read_parquet}
    if path.suffix.lower() not in readers:
        raise InputError(f"{path} is no file of annotations; needs a name in .csv or .parquet")
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; correct its path in `annotations`") from error
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); needs a readable file"
        ) from error
    if not data.strip():
        raise InputError(f"{path} is empty; needs the columns image and label; save it anew")
    empty = True
    for where, image, label, annotator in readers[path.suffix.lower()](path, data):
        empty = False
        name = path.stem if annotator is None else annotator.strip()
        yield where, image.strip(), label.strip(), name
    if empty:
        raise InputError(
            f"{path} holds no annotation; needs a row an image; label some or take the file out of "
            "`annotations`"
        )


def _read_csv(path: Path, data: bytes) -> Iterator[tuple[str, str, str, str | None]]:
    try:
        text = data.decode("utf-8-sig")  # spreadsheets put a byte order mark first
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}, line {line}: byte 0x{data[error.start]:02X} is no UTF-8 text; {_REDO}"
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(f"{path}, line {line} holds a NUL byte, which no text does; {_REDO}")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    chosen: list[int | None] = []
    try:
        for cells in reader:
            where = f"{path}, line {reader.line_num}"
            if not any(cell.strip() for cell in cells):
                continue  # spreadsheets leave such rows at the end
            if not header:
                header = [cell.strip() for cell in cells]
                chosen = _choose(path, header)
                continue
            if len(cells) != len(header):
                raise InputError(
                    f"{where} has {len(cells)} cells, the header {len(header)}; needs one a "
                    "column; put a cell that holds a comma between double quotes"
                )
            image, label, annotator = (None if i is None else cells[i] for i in chosen)
            yield where, image, label, annotator
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}; {_REDO}") from error


def _read_parquet(path: Path, data: bytes) -> Iterator[tuple[str, str, str, str | None]]:
    try:
        table = pq.read_table(pa.BufferReader(data))
        chosen = _choose(path, table.column_names)
        absent = [None] * len(table)
        columns = [
            absent if i is None else table[i].cast(pa.string()).fill_null("").to_pylist()
            for i in chosen
        ]
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path} is no Parquet file of text ({reason}); {_REDO}") from error
    for number, row in enumerate(zip(*columns, strict=True), start=1):
        yield f"{path}, row {number}", *row


def _choose(path: Path, header: list[str]) -> list[int | None]:
    """Where each of `COLUMNS` stands in ``header``; None for an absent annotator."""
    names = ", ".join(map(_shown, header[:8])) + (", …" if len(header) > 8 else "")
    for name in COLUMNS:
        if header.count(name) > 1:
            raise InputError(f"{path} has two columns {name}; needs one; rename the other")
        if name in header:
            continue
        by_fold = {other[:_SHOWN].casefold(): other for other in header if other not in COLUMNS}
        optional = name == "annotator"  # a misspelt one would make one person of several
        close = difflib.get_close_matches(name, by_fold, n=1, cutoff=0.85 if optional else 0.6)
        if optional and not close:
            continue
        if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
            hint = "separate the columns by commas"
        elif close:
            hint = f"did you mean {_shown(by_fold[close[0]])}? Then rename that"
        else:
            hint = "add it, or name the columns in the first row"
        raise InputError(
            f"{path} has no column {name} (it has {names}); needs image, label and, for several "
            f"people in one file, annotator; {hint}"
        )
    return [header.index(name) if name in header else None for name in COLUMNS]


def _shown(text: str) -> str:
    """``text`` as a message repeats it: on one line, in quotes, of bounded length."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
