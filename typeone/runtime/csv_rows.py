"""Rows of a CSV file written by a user, with line numbers for error messages."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from typeone.runtime.errors import InputError


def csv_rows(data: bytes, name: str, remedy: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the location of each row that is not blank, as ``name, line 3``, and its cells.

    The first row is the header, with blanks around its cells removed. Blank cells beyond the
    header, as of a row that ends in a comma, are dropped.

    Args:
        data: the file, in UTF-8; spreadsheets put a byte order mark first.
        name: name of the file in errors.
        remedy: last part of each error message.

    Raises:
        InputError: ``data`` is not a valid CSV text.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{name}, line {line}: byte 0x{data[error.start]:02X} is not UTF-8 text; {remedy}"
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(
            f"{name}, line {line} contains a NUL byte, which is not allowed in text; {remedy}"
        )
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    width = 0
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue  # spreadsheets leave such rows at the end
            if not width:
                cells, width = [cell.strip() for cell in cells], len(cells)
            while len(cells) > width and not cells[-1].strip():
                cells.pop()
            yield f"{name}, line {reader.line_num}", cells
    except csv.Error as error:
        raise InputError(f"{name}, line {reader.line_num}: {error}; {remedy}") from error
