"""The frame of a job: log file, stamps and exit status. Jobs that compute use `computing`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from typeone.runtime.errors import InputError, needs_room
from typeone.runtime.logs import logger
from typeone.runtime.stamps import made_by


class Task(Protocol):
    """Attributes of Snakemake's object in a script that a job uses.

    Attributes:
        rule: its name.
        log: paths of log files; the first is written.
        params: settings, by name and in order.
        input, output: paths, by name and in order.
        wildcards: by name.
        threads: cores that the job may use.
        resources: by name; ``gpu`` is the number of GPUs of the job.
    """

    rule: str
    log: Sequence[str]
    params: Any
    input: Any
    output: Any
    wildcards: Any
    threads: int
    resources: Any


class _LogFile(logging.FileHandler):
    """A log file that ends the job on a full disk, instead of printing a traceback per line."""

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            return super().handleError(record)
        self.setLevel(logging.CRITICAL + 1)  # the error itself goes only to the terminal
        self.stream = None  # its buffer contains what could not be written
        with needs_room(self.baseFilename):
            raise


@contextmanager
def job_log(path: str | Path, name: str, params: Sequence[Any]) -> Iterator[None]:
    """Log to ``path`` (DEBUG) and standard error (INFO, each line prefixed with ``name``).

    Files that the job writes are stamped with ``name`` and ``params`` (`made_by`). Warnings are
    captured. An `InputError` becomes one line and exit status 1. Any other error is logged with its
    traceback and raised again.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    file = _LogFile(path, mode="w")
    file.setLevel(logging.DEBUG)
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.INFO)
    terminal.setFormatter(logging.Formatter(f"[{name}] %(message)s"))
    logging.captureWarnings(True)
    for target in (logger, logging.getLogger("py.warnings")):
        target.setLevel(logging.DEBUG)
        target.propagate = False
        target.addHandler(file)
    logger.addHandler(terminal)
    try:
        with made_by(name, list(params)):
            yield
    except InputError as error:
        logger.error("%s", error)
        sys.exit(1)
    except Exception:
        # logged and raised again; not printed here, because the workflow prints the log of a
        # failed job to the terminal
        logger.removeHandler(terminal)
        logger.exception("failed")
        raise
    finally:
        for target in (logger, logging.getLogger("py.warnings")):
            for handler in (file, terminal):
                target.removeHandler(handler)
        file.close()
        logging.captureWarnings(False)


@contextmanager
def job(task: Task) -> Iterator[Task]:
    """Run a block as the job that ``task`` describes, see `job_log`."""
    with job_log(task.log[0], task.rule, task.params):
        yield task
