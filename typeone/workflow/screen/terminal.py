"""The screen of a run on a terminal: messages, and below them one line with a bar per stage."""

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from rich.console import Console, ConsoleDimensions, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from typeone.workflow.screen.progress import Job, Progress, Stage
from typeone.workflow.screen.times import clock, left

WIDEST = 100  # maximum number of columns of the stage lines
BAR = 18  # columns
REFRESHES = 2  # per second


class Terminal:
    """Draws bars at the bottom of a terminal, and messages above them."""

    def __init__(self, progress: Progress, stream: TextIO, *, colours: bool) -> None:
        self.progress = progress
        self.console = Console(
            file=stream,
            force_terminal=True,
            no_color=None if colours else True,  # None: use NO_COLOR
            highlight=False,
        )
        self.live = Live(
            get_renderable=self.screen,
            console=self.console,
            refresh_per_second=REFRESHES,
            transient=True,  # replaced by the last lines of the run
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self.note("Determining which jobs to run ...")

    def begin(self, stream: TextIO) -> None:
        """Start drawing into ``stream``."""
        self.console.file = stream
        self.live.start(refresh=True)

    def started(self, job: Job) -> None:
        """Do nothing: the next refresh shows the job."""

    def finished(self, job: Job, headlines: Sequence[str]) -> None:
        """Write the headlines of a job."""
        for headline in headlines:
            self.note(headline)

    def failed(self, job: Job, cause: str, log: Path | None) -> None:
        """Write why a job failed, and the path of its log."""
        text = Text(f"failed: {job.words}", style="bold red")
        text.append(f"\n  {cause}" + (f"\n  log: {log}" if log else ""), style="not bold red")
        self.console.print(text, soft_wrap=True)

    def note(self, text: str) -> None:
        """Write a message above the bars."""
        self.console.print(Text(text), soft_wrap=True)

    def end(self) -> None:
        """Remove the bars and show the cursor."""
        self.live.stop()

    def screen(self) -> RenderableType:
        """Return the current screen: a line for the run, and one per stage."""
        self.fit()
        stages = self.progress.stages()
        if len(stages) + 1 > self.console.height - 2:  # a low window: only active stages
            stages = [stage for stage in stages if stage.running or stage.failed]
        return Group(self.headline(), self.bars(stages))

    def fit(self) -> None:
        """Set the size to that of the terminal, which may differ from that of standard output."""
        with suppress(OSError, ValueError):
            width, height = os.get_terminal_size(self.console.file.fileno())
            if width and height:
                self.console.size = ConsoleDimensions(width, height)

    def headline(self) -> Text:
        """Return the line for the whole run."""
        now = time.time()
        failed = f"{len(self.progress.failed)} failed" if self.progress.failed else ""
        parts = [
            f"{self.progress.done} of {self.progress.total} jobs done",
            f"{clock(now - self.progress.begun)} so far",
            left(self.progress.left(now)),
        ]
        text = Text(", ".join(filter(None, parts)), style="bold", no_wrap=True, overflow="ellipsis")
        return text.append(f", {failed}", style="red") if failed else text

    def bars(self, stages: Sequence[Stage]) -> Table:
        """Return one line per stage."""
        table = Table.grid(padding=(0, 1))
        # narrower than the terminal, so that an echoed ^C does not start another line
        table.width = min(self.console.width - len("^C") - 1, WIDEST)
        table.add_column(no_wrap=True)
        table.add_column(width=BAR)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        for stage in stages:
            table.add_row(
                Text(stage.name, style="red" if stage.failed else ""),
                ProgressBar(stage.total, stage.done, width=BAR),
                f"{stage.done}/{stage.total}",
                Text(at_work(stage), style="dim"),
            )
        return table


def at_work(stage: Stage) -> str:
    """Return a description of the jobs that a stage is running."""
    failed = [f"{stage.failed} failed"] if stage.failed else []
    more = [f"and {len(stage.running) - 1} more"] if len(stage.running) > 1 else []
    return ", ".join([*failed, *stage.running[:1], *more])
