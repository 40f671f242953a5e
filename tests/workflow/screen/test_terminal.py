"""On a terminal of 80x24 a run of ./reproduce draws bars, and leaves the terminal as it was."""

import fcntl
import io
import os
import pty
import re
import signal
import struct
import termios
import time

import pytest

from typeone.workflow.cost import DryRun
from typeone.workflow.cost import Job as Planned
from typeone.workflow.screen.progress import Job, Progress
from typeone.workflow.screen.terminal import Terminal

from ...standin import make_venv

HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"
COLOUR = re.compile(r"\x1b\[[0-9;]*[34]8;5;\d+m|\x1b\[[34]\dm")
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
SMOKE = ("--preset", "smoke", "--cores", "1")


@pytest.fixture(scope="module")
def entry(checkout):
    """./reproduce of a copy of the repository."""
    workflow = checkout("terminal")
    make_venv(workflow.root)
    return workflow.root / "reproduce"


def shown_by(command, *, interrupt_at=None, **variables):
    """Run ``command`` on a terminal of 80x24; its exit status and what the terminal got.

    ``interrupt_at``: a text at which Ctrl-C is typed.
    """
    process, terminal = pty.fork()
    if not process:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("SNAKEMAKE")}
        os.execve(command[0], [*map(str, command)], inherited | variables)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    got = b""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            got += os.read(terminal, 1 << 16)
        except OSError:  # Linux says so when the last one has left
            break
        if interrupt_at and interrupt_at.encode() in got:
            os.write(terminal, b"\x03")
            interrupt_at = None
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), got.decode()


def frames(got):
    """What was drawn, without control characters: lines of text."""
    return [line.rstrip() for line in CONTROL.sub("\n", got).splitlines() if line.strip()]


@pytest.mark.slow
def test_a_run_shows_its_stage_and_ends_with_what_it_took(entry, tmp_path):
    command = [entry, *SMOKE, "--directory", tmp_path, "results/machine.json"]
    status, got = shown_by(command, TERM="xterm-256color")
    assert status == 0, got
    drawn = frames(got)
    assert any(line.startswith("0 of 1 jobs done, ") for line in drawn)
    assert "Figures and tables" in "\n".join(drawn)  # its stage
    assert "describe_machine" in drawn
    assert " 1/1" in drawn
    assert drawn[-1].endswith("core-seconds.")
    assert drawn[-1].startswith("1 job in ")
    assert "[describe_machine]" not in got  # what jobs print would break the bars
    assert COLOUR.search(got)
    assert got.rindex(SHOWN) > got.rindex(HIDDEN)
    status, again = shown_by(command, TERM="xterm-256color")
    assert (status, frames(again)[-1]) == (0, "Nothing to be done.")


@pytest.mark.slow
def test_a_failed_job_is_its_error_and_its_log(entry, tmp_path):
    (tmp_path / "digits").mkdir()
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (tmp_path / "digits" / f"{name}-ubyte").write_text("<html>")
    (tmp_path / "mine.yaml").write_text("datasets: {mnist: {source: path, path: digits}}")
    command = [entry, *SMOKE, "--directory", tmp_path, "results/data/mnist/test.parquet"]
    command += ["--configfile", tmp_path / "mine.yaml"]
    status, got = shown_by(command, TERM="xterm-256color", NO_COLOR="1")
    assert status == 1, got
    drawn = frames(got)
    failed = drawn.index("failed: prepare_dataset mnist")
    assert "is not an IDX file (it starts with b'<htm'); fetch it again" in drawn[failed + 1]
    log = "results/logs/mnist/prepare_dataset.log"
    assert drawn[failed + 2] == f"  log: {log}"
    assert (tmp_path / log).is_file()
    assert got.count("is not an IDX file") == 1
    assert drawn[-1].startswith("reproduce: stopped after ")
    assert "0 of 1 jobs done, 1 failed" in drawn[-1]
    assert not COLOUR.search(got)
    assert got.rindex(SHOWN) > got.rindex(HIDDEN)


@pytest.mark.slow
def test_ctrl_c_gives_the_cursor_back(entry, tmp_path):
    command = [entry, *SMOKE, "--directory", tmp_path, "results/toy/samples.parquet"]
    status, got = shown_by(command, TERM="xterm-256color", interrupt_at="0 of ")
    assert status == -signal.SIGINT, got
    assert got.rindex(SHOWN) > got.rindex(HIDDEN)
    assert "failed" not in got
    assert frames(got)[-1].startswith("reproduce: stopped after ")


# one drawing


def drawing(progress, width=80, height=24):
    """The lines of the screen of ``progress`` now."""
    view = Terminal(progress, io.StringIO(), colours=False)
    view.console.size = (width, height)
    view.console.file = written = io.StringIO()
    view.console.print(view.screen())
    return CONTROL.sub("", written.getvalue()).splitlines()


@pytest.fixture
def busy():
    """A run of many stages, one of which has much to say."""
    stems = ("data", "classifiers", "svae", "attacks", "detection", "defenses", "toy", "face_svae")
    files = {f"train_{stem}": f"{stem}.smk" for stem in (*stems, "generators", "results")}
    jobs = [Planned(i, rule, [], 1, 0, [], []) for i, rule in enumerate(files)]
    progress = Progress()
    progress.follow(DryRun(jobs, [*files], 2, None, None), files)
    for number in (0, 3, 4):
        wildcards = {"attack": "a_name_that_is_rather_long", "target": "another_long_name"}
        progress.start(Job(number, jobs[number].rule, wildcards, 1, [], [], progress.begun))
    progress.finish(0, progress.begun)
    progress.fail(4)
    return progress


def test_a_drawing_fits_80_columns(busy):
    lines = drawing(busy)
    assert len(lines) == 1 + 10
    assert max(map(len, lines)) < 80
    assert re.fullmatch(r"1 of 10 jobs done, 0:0\d so far, perhaps \d s left, 1 failed", lines[0])
    assert re.fullmatch(r"Data +━+ +1/1 *", lines[1])
    assert re.fullmatch(r"Attacks +0/1 train_attacks a_name_that.*…", lines[5])
    assert re.fullmatch(r"Detection +0/1 1 failed *", lines[6])


def test_a_low_window_shows_the_stages_at_work(busy):
    names = [line.split()[0] for line in drawing(busy, width=60, height=8)[1:]]
    assert names == ["Attacks", "Detection"]
