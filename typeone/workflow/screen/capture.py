"""Capture the output of jobs while a screen is shown on the terminal."""

import os
import sys
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TextIO

KEPT = 400  # lines
MARK = b"\0\n"  # never printed by a job
PATIENCE = 2.0  # seconds


class Capture:
    """Redirects standard output and error of this process and its jobs to a file.

    Jobs inherit both streams. The last lines are also kept in memory, in case the disk is full.
    """

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=KEPT)
        self.file: Path | None = None
        self._saved: list[int] = []
        self._seen = threading.Event()

    def start(self, file: Path) -> TextIO:
        """Start capturing; return a stream to the original standard error."""
        self.file = file
        sys.stdout.flush()
        sys.stderr.flush()
        self._saved = [os.dup(1), os.dup(2)]
        reading, writing = os.pipe()
        for descriptor in (1, 2):
            os.dup2(writing, descriptor)
        os.close(writing)
        self._thread = threading.Thread(target=self._read, args=(reading,), daemon=True)
        self._thread.start()
        return os.fdopen(os.dup(self._saved[1]), "w", errors="replace")

    def _read(self, reading: int) -> None:
        """Keep all output until every writer has closed the pipe."""
        with open(reading, "rb") as printed:
            for line in printed:
                if line == MARK:
                    self._seen.set()
                    continue
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self._keep(line)

    def _keep(self, line: bytes) -> None:
        """Add a line to the file, if the disk has space."""
        with suppress(OSError):
            assert self.file is not None
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("ab") as file:
                file.write(line)

    def printed(self) -> list[str]:
        """Return the last lines, including all output of jobs that have ended."""
        if self._saved:
            self._seen.clear()
            os.write(2, MARK)
            self._seen.wait(PATIENCE)
        return [*self.lines]

    def kept(self) -> Path | None:
        """Return the file, None if nothing was printed."""
        return self.file if self.file and self.file.is_file() else None

    def stop(self) -> None:
        """Restore standard output and error."""
        if not self._saved:
            return
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor, saved in zip((1, 2), self._saved, strict=True):
            os.dup2(saved, descriptor)
            os.close(saved)
        self._saved = []
        self._thread.join(PATIENCE)  # a job that is still running may keep the pipe open
