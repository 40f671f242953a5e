"""A logger plugin of Snakemake that shows the progress of ./reproduce.

Snakemake still writes its own log to .snakemake/log. snakemake-logger-plugin-rich is no
alternative: it has one line per rule, more than fit on a terminal, and does not show the time left.
"""

import os
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from logging import WARNING, LogRecord
from pathlib import Path
from typing import Any

from snakemake.logging import DefaultFormatter
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry
from snakemake_interface_logger_plugins.registry.plugin import Plugin

from typeone.workflow.cost import DryRun
from typeone.workflow.screen import failures, headlines
from typeone.workflow.screen.capture import Capture
from typeone.workflow.screen.lines import Lines
from typeone.workflow.screen.page import Page
from typeone.workflow.screen.progress import Job, Progress
from typeone.workflow.screen.terminal import Terminal

NAME = "typeone"
STOPPED = "Terminating processes"  # Snakemake's message after Ctrl-C
PASSED_ON = (STOPPED, "Will exit after finishing")
REPEATS = ("Exiting because a job execution failed", "At least one job did not complete")


def register(progress: Progress) -> str:
    """Register the plugin with Snakemake; return its name."""
    LoggerPluginRegistry().plugins[NAME] = Plugin(
        partial(LogHandler, progress=progress), None, NAME
    )
    return NAME


def make_view(progress: Progress, settings: Any) -> Lines | Terminal:
    """Return the view: bars on a terminal that can move its cursor, else lines."""
    if sys.stderr.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown"):
        return Terminal(progress, sys.stderr, colours=not settings.nocolor)
    return Lines(progress, sys.stderr, logs=settings.show_failed_logs)


class LogHandler(LogHandlerBase):
    """Reads Snakemake's log records into a `Progress`, which a view shows."""

    writes_to_stream, writes_to_file, needs_rulegraph = True, False, False
    has_filter, has_formatter = True, True

    def __init__(self, common_settings: Any, settings: Any, *, progress: Progress) -> None:
        super().__init__(common_settings, settings)
        self.progress, self.capture = progress, Capture()
        self.page = Page(Path("results"))
        self.view = make_view(progress, common_settings)
        self.begun = False
        self.handles: Mapping[Any, Callable[[Any], None]] = {
            None: self.on_message,
            LogEvent.ERROR: self.on_message,
            LogEvent.GROUP_ERROR: self.on_group_error,
            LogEvent.RUN_INFO: self.on_run_info,
            LogEvent.JOB_INFO: self.on_job_info,
            LogEvent.JOB_FINISHED: self.on_job_finished,
            LogEvent.JOB_ERROR: self.on_job_error,
        }

    def emit(self, record: LogRecord) -> None:
        """Handle one record, in the thread in which Snakemake calls its plugins."""
        handle = self.handles.get(getattr(record, "event", None))
        if handle is None:
            return
        try:
            handle(record)
        except Exception:  # as in every logging handler: an error in the screen must not stop a run
            self.handleError(record)

    def follow(self, plan: DryRun, files: Mapping[str, str]) -> None:
        """Set the planned jobs and the files of their rules, before the first job starts."""
        self.progress.follow(plan, files)
        self.begin()

    def begin(self) -> None:
        """Start drawing; from here on, the output of jobs goes into a file."""
        if not self.begun:
            self.begun = True
            stamp = datetime.now().isoformat().replace(":", "")
            stream = self.capture.start(Path.cwd() / ".snakemake" / "log" / f"{stamp}.jobs.log")
            self.view.begin(stream)

    def on_message(self, record: Any) -> None:
        """Show warnings and errors, and the messages after Ctrl-C."""
        text = str(record.getMessage() if record.args else record.msg or "")
        self.progress.interrupted |= text.startswith(STOPPED)
        matters = record.levelno >= WARNING or text.startswith(PASSED_ON)
        if text and matters and not self.repeats(record, text):
            self.view.note(text)

    def repeats(self, record: Any, text: str) -> bool:
        """Return whether a message repeats `on_job_error`, or an interruption by the user."""
        if self.progress.running and getattr(record, "exception", "") == "RuleException":
            return True
        ended = self.progress.failed or self.progress.interrupted
        return bool(ended) and any(part in text for part in REPEATS)

    def on_group_error(self, record: Any) -> None:
        """Show Snakemake's message about jobs that failed as a group."""
        self.view.note(DefaultFormatter().format(record))

    def on_run_info(self, record: Any) -> None:
        """Set the number of jobs of each rule."""
        self.progress.expect(record.stats)

    def on_job_info(self, record: Any) -> None:
        """Record that a job starts."""
        job = Job(
            number=record.jobid,
            rule=record.rule_name,
            wildcards=dict(record.wildcards or {}),
            threads=record.threads,
            logs=list(record.log or []),
            outputs=list(record.output or []),
            began=record.created,
        )
        self.progress.start(job)
        self.begin()
        self.view.started(job)

    def on_job_finished(self, record: Any) -> None:
        """Show a job that has succeeded."""
        job = self.progress.finish(record.job_id, record.created)
        if job:
            self.view.finished(job, headlines.headlines(job))
            done, total = self.progress.done, self.progress.total
            if self.page.add(job.outputs, done=done, total=total) and done < total:
                self.view.note(f"{self.page.file} shows the figures of this call")

    def on_job_error(self, record: Any) -> None:
        """Show why a job failed, once."""
        job = self.progress.fail(record.jobid)
        if job:
            cause = failures.cause(job, self.capture.printed())
            self.view.failed(job, cause, failures.log_of(job) or self.capture.kept())
        elif record.jobid not in self.progress.failed and not self.progress.interrupted:
            self.view.note(f"failed: {record.rule_name}")  # a job that is not counted

    def close(self) -> None:
        """Restore the terminal and finish the page of figures."""
        self.page.end(complete=self.progress.done == self.progress.total)
        self.view.end()
        self.capture.stop()
        super().close()
