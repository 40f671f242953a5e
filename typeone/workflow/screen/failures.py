"""Find the line that says why a job failed, and the path of its log."""

import re
from collections.abc import Sequence
from pathlib import Path

from typeone.workflow.screen.headlines import text_of
from typeone.workflow.screen.progress import Job

ERROR = re.compile(r"^\S+ \S+ ERROR typeone\S*: (.*)$", re.M)
TRACEBACK = "Traceback (most recent call last):"
SILENT = "ended without an error message, as killed jobs do"


def error_line(log: str) -> str | None:
    """Return the line of a log that says why its job failed, None if there is none."""
    if TRACEBACK in log:
        # frames are indented, the exception is not
        after = log.rpartition(TRACEBACK)[2].splitlines()
        return next((line for line in after if line and not line[0].isspace()), None)
    errors = ERROR.findall(log)
    return errors[-1] if errors else None


def said(rule: str, printed: Sequence[str]) -> str | None:
    """Return the last line that jobs of a rule printed, None if they printed nothing."""
    mark = f"[{rule}] "
    own = [line.removeprefix(mark) for line in printed if line.startswith(mark)]
    return own[-1] if own else None


def log_of(job: Job) -> Path | None:
    """Return the log that this attempt of a job has written, None if there is none."""
    for log in map(Path, job.logs):
        if log.is_file() and log.stat().st_mtime >= job.began - 1:  # file systems round times
            return log
    return None


def cause(job: Job, printed: Sequence[str]) -> str:
    """Return why a job failed: from its log, else from the output of jobs of its rule."""
    log = log_of(job)
    line = error_line(text_of(log)) if log else None
    return line or said(job.rule, printed) or error_line("\n".join(printed)) or SILENT
