"""Format durations for the screen."""

from typing import NamedTuple

from typeone.workflow.cost import spelled


def clock(seconds: float) -> str:
    """Return a duration in clock format: 0:45, 1:02:03."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class TimeLeft(NamedTuple):
    """The time left of a run; ``guess``: most of its jobs are assumed to take the mean time."""

    seconds: float
    guess: bool


def left(time: TimeLeft | None) -> str:
    """Return the time left of a run as text; empty if it is unknown."""
    if time is None:
        return ""
    return f"{'perhaps' if time.guess else 'about'} {spelled(max(time.seconds, 1.0))} left"
