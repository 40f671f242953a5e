"""Digests of files that a user gave, by content, each file read once.

Size, time stamps (also that of the inode, which no copy sets back) and inode tell whether a file
may be another one. Only such files are read: a look at 200,000 images takes a second, and images
that were merely touched or copied have the digest that they had.
"""

import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

RECENT = 2.0  # s; what changed since may change again under the same stamps, some are that coarse
MANY = 20_000  # files, whose reading takes long enough to say so
ABSENT, UNREADABLE = "absent", "unreadable"
_DIGITS = 12


class Known(NamedTuple):
    """What was found before.

    Attributes:
        listing: digest of the stamps of all files.
        lines: what was returned.
    """

    listing: str
    lines: list[str]


class Contents:
    """Digests of files.

    Args:
        cache: the folder that remembers them; None: nothing is remembered.
    """

    def __init__(self, cache: str | Path | None) -> None:
        self.cache = None if cache is None else Path(cache)

    def each(self, path: Path, names: Sequence[str]) -> list[str]:
        """Return ``file@digest`` of each of ``names`` in ``path``; ``""`` is ``path`` itself."""
        return self._lines(path, names, together=False)

    def together(self, path: Path, names: Sequence[str]) -> list[str]:
        """Return one ``path@digest`` of all ``names`` in the folder ``path``, also absent ones."""
        return self._lines(path, names, together=True)

    def last(self, path: Path) -> list[str]:
        """Return what was found when ``path`` was there; nothing if it never was."""
        known = self._known(self._file(path))
        return known.lines if known else []

    def _lines(self, path: Path, names: Sequence[str], *, together: bool) -> list[str]:
        begun = time.time_ns() - RECENT * 1e9
        files = {name: os.path.join(path, name) if name else str(path) for name in names}
        stamps = {name: stamp(file, begun) for name, file in files.items()}
        listing = "" if "" in stamps.values() else _short(json.dumps([together, stamps]))
        cached = self._file(path)
        known = self._known(cached)
        if known and listing and known.listing == listing:
            return known.lines
        table = self._table(cached)
        anew = [name for name, s in stamps.items() if not s or table.get(name, [""])[0] != s]
        if len(anew) > MANY:
            print(f"Reading {len(anew)} files of {path}, to know when they change", file=sys.stderr)
        table |= {name: [stamps[name], content(files[name])] for name in anew}
        table = {name: table[name] for name in names}
        if together:
            lines = [f"{path}@{_short(json.dumps({n: d for n, (_, d) in table.items()}))}"]
        else:
            lines = [f"{files[name]}@{digest}" for name, (_, digest) in table.items()]
        self._write(cached, [{"listing": listing, "lines": lines}, table])
        return lines

    def _file(self, path: Path) -> Path | None:
        return None if self.cache is None else self.cache / _short(str(path.absolute()))

    def _known(self, file: Path | None) -> Known | None:
        """Return the first line of a file of the cache, which is all that is needed mostly."""
        with suppress(OSError, ValueError, TypeError):
            if file is not None:
                with file.open("rb") as stream:
                    return Known(**json.loads(stream.readline()))
        return None

    def _table(self, file: Path | None) -> dict[str, Any]:
        """Return the second: name → stamp and digest."""
        with suppress(OSError, ValueError, LookupError):
            if file is not None:
                return dict(json.loads(file.read_bytes().split(b"\n")[1]))
        return {}

    def _write(self, file: Path | None, lines: list[Any]) -> None:
        """Keep both; without a place for them the next run reads the files again."""
        if file is None:
            return
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as new:
                new.write("\n".join(map(json.dumps, lines)))
            os.replace(new.name, file)


def stamp(path: str, begun: float) -> str:
    """Return what changes with a file; nothing for one that changed after ``begun``, in ns."""
    try:
        found = os.stat(path)
    except OSError:
        return ABSENT
    times = found.st_mtime_ns, found.st_ctime_ns
    return "" if max(times) > begun else f"{found.st_size} {times[0]} {times[1]} {found.st_ino}"


def content(path: str) -> str:
    """Return the digest of a file, `ABSENT` or `UNREADABLE`: the job reports it."""
    try:
        return hashed(path)
    except FileNotFoundError:
        return ABSENT
    except OSError:
        return UNREADABLE


def hashed(path: str | Path) -> str:
    """Return the first digits of the SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:_DIGITS]


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_DIGITS]
