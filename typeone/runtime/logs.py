"""The logger of typeone, and progress lines of loops."""

from __future__ import annotations

import logging
import time

logger = logging.getLogger("typeone")


class Progress:
    """Progress lines of a loop with its remaining time, at most one every ``interval`` seconds.

    ``start``: what was done before the loop; None: what the first call says, in a loop that calls
    before it works.
    """

    def __init__(
        self, what: str, total: int, *, start: int | None = 0, interval: float = 15.0
    ) -> None:
        self.what, self.total, self.start, self.interval = what, total, start, interval
        self.begun = self.said = time.monotonic()

    def __call__(self, done: int, detail: str = "") -> None:
        """Log that ``done`` of ``total`` are done, unless the last line is too recent."""
        now = time.monotonic()
        if self.start is None:  # the first call tells where a resumed loop begins
            self.start = done
        if now - self.said < self.interval and done < self.total:
            return
        self.said = now
        spent = now - self.begun
        left = spent / max(done - self.start, 1) * (self.total - done)
        logger.info(
            "%s: %d/%d%s, %s spent, %s left",
            self.what,
            done,
            self.total,
            f", {detail}" if detail else "",
            clock(spent),
            clock(left),
        )


def clock(seconds: float) -> str:
    """Format seconds as ``1:02:03`` or ``2:03``."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
