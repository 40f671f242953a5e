"""The screen of `typeone audit`: a line after each step and, on a terminal, a bar per attack."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
)
from rich.text import Text

from typeone.workflow.screen.times import clock


class TimeLeftColumn(ProgressColumn):
    """The time that all remaining steps of an attack take; empty while it is unknown."""

    def render(self, task: Task) -> Text:
        """Return the text of the column."""
        seconds = task.time_remaining
        return Text("" if seconds is None else f"at most {clock(seconds)} left", style="dim")


class AuditScreen:
    """Writes lines to ``stream``; on a terminal, the running attacks are shown below them."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.bars: Progress | None = None
        self.running: dict[str, TaskID] = {}
        if stream.isatty():
            self.bars = Progress(
                TextColumn("{task.description}"),
                BarColumn(18),
                TaskProgressColumn(),
                TimeLeftColumn(),
                console=Console(file=stream, highlight=False),
                transient=True,
            )

    def say(self, line: str) -> None:
        """Write a line."""
        if self.bars:
            self.bars.console.print(Text(line), soft_wrap=True)
        else:
            print(line, file=self.stream, flush=True)

    def watch(self, name: str, share: float) -> None:
        """Show that the share of an attack, from 0 to 1, is done; at 1 its bar goes."""
        if not self.bars:
            return
        if name not in self.running:
            self.running[name] = self.bars.add_task(name, total=1.0)
        if share < 1:
            self.bars.update(self.running[name], completed=share)
        else:
            self.bars.remove_task(self.running.pop(name))


@contextmanager
def audit_screen(stream: TextIO) -> Iterator[AuditScreen]:
    """Show the bars of an `AuditScreen` while the block runs."""
    screen = AuditScreen(stream)
    if not screen.bars:
        yield screen
        return
    with screen.bars:
        yield screen
