"""Stamps of files: the format, the rule with its code and params, and a digest of the content.

A stamp contains no time and no path, so that the same job writes the same bytes again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from typeone.runtime.errors import InputError

FORMAT = 1  # of the stamp; raise it when an older reader would misread a newer file
Kind = Literal["table", "checkpoint"]
KEY = "typeone"
REMEDY = "delete it and run again if a run made it, else name a file that Type One made"
_maker: dict[str, str] = {}


@contextmanager
def made_by(rule: str, params: Sequence[Any]) -> Iterator[None]:
    """Stamp files written in this block with ``rule`` and the digest of ``params`` (JSON)."""
    global _maker
    before, _maker = _maker, {"rule": rule, "digest": digest(params)}
    try:
        yield
    finally:
        _maker = before


def stamped(note: Mapping[str, Any], *, kind: Kind, content: Any) -> str:
    """Return ``note`` (JSON) with the stamp of a file of this ``kind``, as text to store in it.

    ``content`` (JSON) is checked by `check_stamp` together with the note.
    """
    note = json.loads(json.dumps(note))  # as it will be read: keys are strings, tuples are lists
    stamp = {"format": FORMAT, "kind": kind, **_maker}
    sealed = {**stamp, "sha256": digest(note, stamp, content)}
    return json.dumps({**note, "stamp": sealed}, sort_keys=True)


def unstamped(
    path: str | os.PathLike[str], text: str | bytes | None, *, kind: Kind
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split ``text`` of the file at ``path`` into the note and the stamp.

    Raises:
        InputError: there is no stamp, or one of another format or kind.
    """
    try:
        note = json.loads(text or "{}")
        stamp = note.pop("stamp")
        form, found, _ = stamp["format"], stamp["kind"], stamp["sha256"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} has no stamp of Type One: it was written by other software or an older "
            f"version; {REMEDY}"
        ) from error
    if form != FORMAT:
        raise InputError(f"{path} has format {form!r}, needs {FORMAT}; {REMEDY}")
    if found != kind:
        raise InputError(f"{path} is a {found}, needs a {kind}; {REMEDY}")
    return note, stamp


def check_stamp(
    path: str | os.PathLike[str], note: Mapping[str, Any], stamp: Mapping[str, Any], content: Any
) -> None:
    """Raise `InputError` unless ``note`` and ``content`` are those that were stamped."""
    found = digest(note, {k: v for k, v in stamp.items() if k != "sha256"}, content)
    if found != stamp["sha256"]:
        raise InputError(f"{path} is damaged: its data are not those that were written; {REMEDY}")


def digest(*values: Any, files: Sequence[str | os.PathLike[str]] = ()) -> str:
    """Return the SHA-256 of JSON ``values`` and of the bytes of ``files``."""
    total = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for path in files:
        with open(path, "rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()
