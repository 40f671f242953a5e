"""The exception for errors that a user can cause and fix, including a full disk."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # disk full, quota used up, ulimit -f


class InputError(ValueError):
    """A setting, file or network output that cannot be used.

    The message is one line: the value received, what is allowed, the remedy. Jobs print it without
    a traceback and exit with status 1.
    """


@contextmanager
def needs_room(path: str | os.PathLike[str]) -> Iterator[None]:
    """Raise `InputError` if the block, which writes ``path``, runs out of disk space."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        there = next(p for p in (Path(path), *Path(path).absolute().parents) if p.is_dir())
        free = shutil.disk_usage(there).free / 1e6
        raise InputError(
            f"cannot write {path}: {os.strerror(error.errno)}, {free:.1f} MB are free there; free "
            "some space and run again"
        ) from error
