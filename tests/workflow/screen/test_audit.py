"""On a terminal an audit shows a bar for each running attack; elsewhere it only writes lines."""

import io
import os
import pty

from typeone.workflow.screen.audit import audit_screen

from .test_terminal import CONTROL


def shown():
    """What a terminal gets while two attacks run, the first to its end, the second to a half."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as stream, audit_screen(stream) as screen:
        screen.watch("first", 0.0)
        screen.watch("second", 0.0)
        screen.watch("first", 0.25)
        screen.watch("second", 0.5)
        screen.bars.refresh()
        screen.watch("first", 1.0)
        screen.say("first: 3 images attacked")
        screen.bars.refresh()
        stream.write("LAST")
        screen.bars.refresh()
    got = b""
    while True:
        try:
            got += os.read(ours, 1 << 16)
        except OSError:
            os.close(ours)
            return got.decode()


def test_a_terminal_shows_the_share_of_each_running_attack(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    got = shown()
    before, _ = CONTROL.sub("", got).split("first: 3 images attacked")
    after = CONTROL.sub("", got.split("LAST")[1])
    assert "first" in before
    assert " 25%" in before
    assert " 50%" in before
    assert "first" not in after  # its bar has gone
    assert "second" in after
    assert got.rindex("\x1b[?25h") > got.rindex("\x1b[?25l")  # the cursor is back


def test_a_pipe_gets_the_lines_alone():
    stream = io.StringIO()
    with audit_screen(stream) as screen:
        screen.watch("first", 0.5)
        screen.say("first: 3 images attacked")
        screen.watch("first", 1.0)
    assert stream.getvalue() == "first: 3 images attacked\n"
