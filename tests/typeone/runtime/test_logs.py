"""Progress lines tell the time that is left, also of a loop that began before."""

import logging
from types import SimpleNamespace

import pytest

from typeone.runtime import logs


@pytest.mark.parametrize(
    ("start", "calls", "left"),
    [
        (0, [10], "1:30"),  # 10 of 100 in 10 s
        (50, [60], "0:40"),  # resumed at 50, as the caller knows
        (None, [50, 60], "0:40"),  # resumed at 50, as the first call says
        (None, [0, 10], "1:30"),
    ],
)
def test_the_time_left_counts_only_what_this_process_did(monkeypatch, caplog, start, calls, left):
    seconds = iter([0.0, *([0.0] * (len(calls) - 1)), 10.0])
    # The clock of this module alone; other tests may have left a handler on the logger.
    monkeypatch.setattr(logs, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    monkeypatch.setattr(logs.logger, "propagate", False)
    caplog.set_level(logging.INFO, "typeone")
    monkeypatch.setattr(logs.logger, "handlers", [caplog.handler])
    say = logs.Progress("walking", 100, start=start, interval=5.0)
    for done in calls:
        say(done)
    (line,) = caplog.messages
    assert line == f"walking: {calls[-1]}/100, 0:10 spent, {left} left"
