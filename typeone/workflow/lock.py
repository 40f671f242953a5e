"""Lock a folder of results for one run, and .venv against changes while a run uses it.

A run has an exclusive lock on ``.snakemake/reproduce.lock`` in its folder of results, and a shared
lock on ``.snakemake/setup.lock`` in the checkout. Installing packages into .venv needs an exclusive
lock on the second file; envs/bootstrap.sh runs this file for it:

    lock.py PROGRAM FOLDER 9<>FOLDER/.snakemake/setup.lock

The lock (flock) belongs to the open file: it ends when the last process that has the file open
ends, however it ends. Jobs do not inherit the file. They have TYPEONE_RUN in their environment, by
which jobs that outlived a killed run are found on systems with /proc. Over NFS such locks work
between machines if the server supports them.

Imports only the standard library: before .venv exists, this file runs with any Python >= 3.11.
"""

import fcntl
import os
import socket
import sys
import time
from pathlib import Path

SETUP_LOCK = 9  # the file descriptor on which envs/bootstrap.sh opens setup.lock
PATIENCE = 1.0  # seconds to wait for killed processes to end


class Held(Exception):
    """Another process holds the lock; the message names it."""


def running_in(folder: Path) -> list[int]:
    """Return the ids of the processes that a run in ``folder`` started."""
    mark, found = f"TYPEONE_RUN={folder}".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
        except OSError:  # another user's process, or one that has ended
            continue
        if mark in variables and int(process.name) != os.getpid():
            found.append(int(process.name))
    return sorted(found)


def obstacle(descriptor: int, folder: Path, *, shared: bool) -> str | None:
    """Try to lock an open file; return None on success, else one line with the reason."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 1000, 0).decode(errors="replace").strip()
        return f"another {holder or f'run has just started in {folder}'}; wait for it or end it"
    if left := [] if shared else running_in(folder):
        numbers = " ".join(map(str, left))
        return (
            f"jobs of a killed run are still running in {folder}: processes {numbers}; wait for "
            f"them or end them (kill {numbers})"
        )
    return None


def lock(descriptor: int, folder: Path, holder: str, *, shared: bool = False) -> None:
    """Lock an open file and write its holder into it.

    Args:
        descriptor: the file, open for reading and writing.
        folder: the folder in which no job of an earlier run may be left; ignored if ``shared``.
        holder: the description that a second process prints: "./reproduce runs in FOLDER: ...".
        shared: whether other processes may share the lock.

    Raises:
        Held: another process holds the lock, or jobs of a killed run are still running.
        OSError: this file system does not support locks.
    """
    end = time.monotonic() + PATIENCE
    while (reason := obstacle(descriptor, folder, shared=shared)) and time.monotonic() < end:
        time.sleep(0.1)
    if reason:
        raise Held(reason)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, holder.encode(), 0)


def holder(doing: str, process: int) -> str:
    """Return "``doing``: user on host, process, since when"."""
    user = os.environ.get("LOGNAME") or os.environ.get("USER") or f"user {os.getuid()}"
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    return f"{doing}: {user} on {socket.gethostname()}, process {process}, since {since}"


def open_lock(file: Path) -> int:
    """Open a file to lock, creating it if it is missing. Child processes do not inherit it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    return os.open(file, os.O_RDWR | os.O_CREAT, 0o666)


def main(program: str, folder: Path) -> int:
    """Lock setup.lock, open as file descriptor 9, for the calling shell.

    Exit status: 0 if locked, or if locks are not supported, which ./reproduce reports; 1 if held.
    """
    doing = f"./{program} sets up {folder}/.venv"
    try:
        lock(SETUP_LOCK, folder, holder(doing, os.getppid()))
    except Held as held:
        print(held, end="")
        return 1
    except OSError:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
