"""Compute digests of the contents of user-supplied files, reading each file once.

Size, modification time, inode change time (which a copy cannot reset) and inode show whether a file
may have changed. Only such files are read again: checking 200,000 images takes a second, and images
that were merely touched or copied keep their digest.
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

RECENT = 2.0  # s; a file changed this recently may change again without a new time stamp
MANY = 20_000  # files; reading more takes long enough for a message
ABSENT, UNREADABLE = "absent", "unreadable"
_DIGITS = 12


class Known(NamedTuple):
    """A cached result.

    Attributes:
        listing: digest of the stamps of all files.
        lines: the returned lines.
    """

    listing: str
    lines: list[str]


class Contents:
    """Digests of files.

    Args:
        cache: the folder in which they are cached; None disables the cache.
    """

    def __init__(self, cache: str | Path | None) -> None:
        self.cache = None if cache is None else Path(cache)

    def each(self, path: Path, names: Sequence[str]) -> list[str]:
        """Return ``file@digest`` for each of ``names`` in ``path``; ``""`` is ``path`` itself."""
        return self._lines(path, names, together=False)

    def together(self, path: Path, names: Sequence[str]) -> list[str]:
        """Return one ``path@digest`` for all ``names`` in the folder ``path``, even absent ones."""
        return self._lines(path, names, together=True)

    def last(self, path: Path) -> list[str]:
        """Return the lines from when ``path`` last existed; an empty list if it never did."""
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
            print(f"Reading {len(anew)} files in {path} to detect changes", file=sys.stderr)
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
        """Return the first line of a cache file, which is usually all that is needed."""
        with suppress(OSError, ValueError, TypeError):
            if file is not None:
                with file.open("rb") as stream:
                    return Known(**json.loads(stream.readline()))
        return None

    def _table(self, file: Path | None) -> dict[str, Any]:
        """Return the second line of a cache file: name → stamp and digest."""
        with suppress(OSError, ValueError, LookupError):
            if file is not None:
                return dict(json.loads(file.read_bytes().split(b"\n")[1]))
        return {}

    def _write(self, file: Path | None, lines: list[Any]) -> None:
        """Write both lines; if that fails, the next run reads the files again."""
        if file is None:
            return
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as new:
                new.write("\n".join(map(json.dumps, lines)))
            os.replace(new.name, file)


def stamp(path: str, begun: float) -> str:
    """Return a text that changes with a file; empty if it changed after ``begun``, in ns."""
    try:
        found = os.stat(path)
    except OSError:
        return ABSENT
    times = found.st_mtime_ns, found.st_ctime_ns
    return "" if max(times) > begun else f"{found.st_size} {times[0]} {times[1]} {found.st_ino}"


def content(path: str) -> str:
    """Return the digest of a file, or `ABSENT` or `UNREADABLE`, which the job reports."""
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
