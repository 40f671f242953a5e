"""Read the table of a user's own faces: file, label, identity and split of each image."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from typeone.runtime.csv_rows import csv_rows
from typeone.runtime.errors import InputError

LABELS = {"0": "female", "1": "male", "female": "female", "male": "male"}
SPLITS = ("train", "judge", "validation", "test")
NOBODY = ("", "NA", "N/A", "<NA>", "NaN", "nan", "None", "NULL", "null")  # missing values
_COLUMNS = "columns file, label (female or male), identity and optionally split"
_REDO = "save it again as comma-separated text in UTF-8"


class FaceRow(NamedTuple):
    """A row of the table; blanks around its cells are removed, except for ``file``.

    Attributes:
        where: the table and the line, for error messages.
        file: the cell, unchanged.
        label: female or male.
        identity: a name in Unicode form NFC.
        split: one of `SPLITS`, or None without that column.
    """

    where: str
    file: str
    label: str
    identity: str
    split: str | None

    @property
    def line(self) -> str:
        """The line of the row, for error messages."""
        return self.where.rpartition(", ")[2]


def read_face_rows(path: str | os.PathLike[str]) -> list[FaceRow]:
    """Read the rows of the table at ``path``.

    Raises:
        InputError: the table or a column is missing, a cell is not allowed, a file is in two rows,
            or an identity in two splits or with two labels.
    """
    found: list[FaceRow] = []
    first: dict[str, FaceRow] = {}
    split_of: dict[str, FaceRow] = {}
    for where, cells in _cells(path):
        file, row = _relative(where, cells["file"]), _row(where, cells)
        if file in first:
            raise InputError(
                f"{where}: file {row.file!r} already has a row, {first[file].line}; needs one row "
                "per image"
            )
        other = split_of.setdefault(row.identity, row)
        if other.split != row.split:
            raise InputError(
                f"{where}: identity {row.identity!r} is in {row.split}, and in {other.split} on "
                f"{other.line}; needs each in one split"
            )
        if other.label != row.label:
            raise InputError(
                f"{where}: identity {row.identity!r} has another label than on {other.line}; needs "
                "one gender for each person"
            )
        first[file] = row
        found.append(row)
    if not found:
        raise InputError(f"{_name(path)} has no row below its header; needs one per image")
    return found


def named_images(path: str | os.PathLike[str], csv: str | os.PathLike[str]) -> list[str]:
    """List the images in ``path`` that the table ``csv`` names, up to the first error in it."""
    folder = Path(path).expanduser()
    names = []
    with suppress(InputError):
        for _, cells in _cells(csv):
            names.append(find_image(folder, cells["file"]) or cells["file"])
    return names


def find_image(folder: str | os.PathLike[str], name: str) -> str | None:
    """Return the spelling of ``name`` in ``folder``, or None if there is no such file.

    Blanks around the name, backslashes and the Unicode form of accents may differ.
    """
    return next((n for n in _spellings(name) if os.path.isfile(os.path.join(folder, n))), None)


def _spellings(name: str) -> Iterator[str]:
    for text in (name, name.strip()):
        for path in (text, text.replace("\\", "/")):
            yield path
            yield unicodedata.normalize("NFC", path)
            yield unicodedata.normalize("NFD", path)


def _relative(where: str, name: str) -> str:
    """Normalise the name of a file, so that all its spellings are equal."""
    parts = unicodedata.normalize("NFC", name.strip().replace("\\", "/")).split("/")
    file = "/".join(part for part in parts if part not in ("", "."))
    if not file or not parts[0] or ".." in parts:
        raise InputError(f"{where}: file is {name!r}; needs a name within `faces.folder.path`")
    return file


def _name(path: str | os.PathLike[str]) -> str:
    return f"`faces.folder.csv` {path}"


def _cells(path: str | os.PathLike[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the place of each row of the table and its cells by column."""
    name = _name(path)
    try:
        data = Path(path).expanduser().read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{name} does not exist; needs a table with {_COLUMNS}") from error
    except OSError as error:
        raise InputError(
            f"{name} cannot be read ({error.strerror}); needs a table with {_COLUMNS}"
        ) from error
    rows = csv_rows(data, name, _REDO)
    _, header = next(rows, ("", []))
    at = _columns(name, header)
    for where, cells in rows:
        if len(cells) > len(header):
            raise InputError(
                f"{where} has {len(cells)} cells, the header {len(header)}; enclose a cell that "
                f"contains a comma in double quotes"
            )
        cells += [""] * (len(header) - len(cells))
        yield where, {column: cells[i] for column, i in at.items()}


def _columns(name: str, header: list[str]) -> dict[str, int]:
    """Return the index of each column."""
    lacking = [column for column in ("file", "label", "identity") if column not in header]
    if lacking:
        commas = len(header) == 1 and any(mark in header[0] for mark in ";\t")
        hint = "; separate the columns by commas" if commas else ""
        there = " ".join(", ".join(header).split()) or "no column"
        raise InputError(
            f"{name} lacks {', '.join(lacking)} (it has {there}); needs {_COLUMNS}{hint}"
        )
    columns = [column for column in ("file", "label", "identity", "split") if column in header]
    if twice := [column for column in columns if header.count(column) > 1]:
        raise InputError(f"{name} has two columns {twice[0]}; needs one; rename the other")
    return {column: header.index(column) for column in columns}


def _row(where: str, cells: dict[str, str]) -> FaceRow:
    label, identity = cells["label"].strip(), cells["identity"].strip()
    split = cells["split"].strip() if "split" in cells else None
    for column, cell, allowed in (("label", label, LABELS), ("split", split, SPLITS)):
        if cell is not None and cell not in allowed:
            raise InputError(f"{where}: {column} is {cell!r}; needs one of {', '.join(allowed)}")
    if identity in NOBODY:
        raise InputError(
            f"{where}: identity is {identity!r}; needs the name of the person in the image, and a "
            "unique name for each unknown person"
        )
    identity = unicodedata.normalize("NFC", identity)
    return FaceRow(where, cells["file"], LABELS[label], identity, split)
