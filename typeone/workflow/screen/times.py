"""Times as a reader says them."""

from typing import NamedTuple

from typeone.workflow.cost import spelled


def clock(seconds: float) -> str:
    """Return a time as a clock shows it: 0:45, 1:02:03."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class TimeLeft(NamedTuple):
    """How long a run still takes; ``guess``: most of its jobs are taken for mean ones."""

    seconds: float
    guess: bool


def left(time: TimeLeft | None) -> str:
    """Return how long a run still takes, in words; empty where nobody knows."""
    if time is None:
        return ""
    return f"{'perhaps' if time.guess else 'about'} {spelled(max(time.seconds, 1.0))} left"
