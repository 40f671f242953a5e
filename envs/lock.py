"""Takes the lock of one folder of results, or says in one line who has it. ./reproduce calls this.

    lock.py FOLDER 9<>FOLDER/.snakemake/reproduce.lock

The lock (flock) belongs to the open file, which the calling shell keeps as file descriptor 9 and
Snakemake inherits: it goes when the last of them ends, however it ends. Jobs do not inherit it but
carry TYPEONE_RUN in their environment, by which those that outlived a killed run are found, where
there is a /proc. Over NFS such locks hold between machines if the server knows locks.

Exit status: 0 taken; 1 someone runs there; 3 this file system has no locks.
"""

import fcntl
import os
import socket
import sys
import time
from pathlib import Path

LOCK = 9
PATIENCE = 1.0  # seconds in which processes that were just killed may vanish


def running_in(folder):
    """Numbers of the processes that a run in ``folder`` started."""
    mark, found = f"TYPEONE_RUN={folder}".encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
        except OSError:  # another user's, or gone
            continue
        if mark in variables:
            found.append(int(process.name))
    return sorted(found)


def obstacle(folder):
    """Who runs in ``folder``, once this process cannot take its lock; None when it has taken it."""
    try:
        fcntl.flock(LOCK, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(LOCK, 1000, 0).decode(errors="replace").strip() or "who has just begun"
        return f"another ./reproduce runs in {folder}: {holder}; wait for it, or end it"
    left = running_in(folder)
    if left:
        numbers = " ".join(map(str, left))
        return (
            f"jobs of a run that was killed still run in {folder}: processes {numbers}; wait for "
            f"them, or end them (kill {numbers})"
        )
    return None


def main(folder):
    end = time.monotonic() + PATIENCE
    try:
        while (told := obstacle(folder)) and time.monotonic() < end:
            time.sleep(0.1)
    except OSError as error:
        print(f"{folder} lies where files cannot be locked ({error.strerror})", end="")
        return 3
    if told:
        print(told, end="")
        return 1
    user = os.environ.get("LOGNAME") or os.environ.get("USER") or f"user {os.getuid()}"
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    holder = f"{user} on {socket.gethostname()}, process {os.getppid()}, since {since}"
    os.ftruncate(LOCK, 0)
    os.pwrite(LOCK, holder.encode(), 0)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
