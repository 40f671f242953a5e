"""The screen of a run in a pipe: one line per finished job, no control characters."""

from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from typeone.workflow.screen.failures import TRACEBACK
from typeone.workflow.screen.headlines import text_of
from typeone.workflow.screen.progress import Job, Progress
from typeone.workflow.screen.times import clock, left


class Lines:
    """Writes lines to ``stream``; ``logs``: whether to include the log of a job that crashed."""

    def __init__(self, progress: Progress, stream: TextIO, *, logs: bool) -> None:
        self.progress, self.stream, self.logs = progress, stream, logs

    def begin(self, stream: TextIO) -> None:
        """Write the number of jobs and the expected time; continue in ``stream``."""
        self.stream = stream
        jobs = f"{self.progress.total} job{'s' if self.progress.total > 1 else ''} to do"
        self.note(", ".join(filter(None, [jobs, left(self.progress.left(self.progress.begun))])))

    def started(self, job: Job) -> None:
        """Write nothing."""

    def finished(self, job: Job, headlines: Sequence[str]) -> None:
        """Write a line for the job, and one for each of its headlines."""
        took = clock(self.progress.seconds[job.number])
        self.note(f"[{self.progress.done}/{self.progress.total}] {took} {job.words}")
        for headline in headlines:
            self.note(f"    {headline}")

    def failed(self, job: Job, cause: str, log: Path | None) -> None:
        """Write why a job failed, and the path of its log."""
        self.note(f"failed: {job.words}" + (f", log: {log}" if log else ""))
        self.note(f"[{job.rule}] {cause}")
        text = text_of(log) if log and self.logs else ""
        if TRACEBACK in text:
            self.note(f"Logfile {log}:\n{'=' * 80}\n{text.rstrip()}\n{'=' * 80}")

    def note(self, text: str) -> None:
        """Write a message."""
        print(text, file=self.stream, flush=True)

    def end(self) -> None:
        """Do nothing: there is nothing to remove."""
