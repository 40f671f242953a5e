"""Times as a reader says them."""

from typeone.workflow.cost import spelled


def clock(seconds: float) -> str:
    """Return a time as a clock shows it: 0:45, 1:02:03."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def left(seconds: float | None) -> str:
    """Return how long a run still takes, in words; empty where nobody knows."""
    return "" if seconds is None else f"about {spelled(max(seconds, 1.0))} left"
