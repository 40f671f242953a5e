"""What Snakemake tells its loggers becomes lines in a pipe: one a finished job, and its numbers."""

import io
import logging
import os
import sys
from types import SimpleNamespace

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from typeone.workflow.cost import DryRun, Job
from typeone.workflow.screen import handler as handlers
from typeone.workflow.screen.lines import Lines
from typeone.workflow.screen.progress import Progress
from typeone.workflow.screen.terminal import Terminal

from .records import begins, ends, fails, record, says

SETTINGS = SimpleNamespace(nocolor=False, show_failed_logs=True)
STAMP = "2026-11-26 19:12:10,311"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def screen(here, monkeypatch):
    """A handler whose lines are kept; what jobs print is left alone."""
    made = handlers.LogHandler(SETTINGS, None, progress=Progress(begun=0.0))
    written = io.StringIO()
    monkeypatch.setattr(made.capture, "start", lambda file: written)
    made.view.stream = written
    monkeypatch.setattr(made, "handleError", lambda record: pytest.fail(str(sys.exc_info()[1])))
    made.lines = lambda: written.getvalue().splitlines()
    return made


def tell(screen, *records):
    for each in records:
        screen.emit(each)
    return screen.lines()


def log(here, name, *lines):
    file = here / f"{name}.log"
    file.write_text("".join(f"{STAMP} {line}\n" for line in lines))
    os.utime(file, (100, 100))
    return file


def plan(*rules):
    jobs = [Job(i, rule, [], 1, 0, [], []) for i, rule in enumerate(rules, 1)]
    return DryRun(jobs, rules, 2, None, None)


def test_each_finished_job_is_a_line_with_its_place_time_and_axes(screen):
    screen.follow(plan("prepare_dataset", "judge_svae"), {})
    lines = tell(
        screen,
        begins(1, "prepare_dataset", dataset="mnist"),
        ends(1, at=65),
        begins(2, "judge_svae", at=65, dataset="mnist", attack="ours", seed="0"),
        ends(2, at=70),
    )
    assert lines == [
        "2 jobs to do",
        "[1/2] 1:05 prepare_dataset mnist",
        "[2/2] 0:05 judge_svae mnist ours seed0",
    ]


def test_the_default_target_is_no_job(screen):
    screen.follow(plan("prepare_dataset"), {})
    lines = tell(screen, begins(1, "prepare_dataset"), ends(1), begins(2, "all"), ends(2))
    assert lines == ["1 job to do", "[1/1] 0:00 prepare_dataset"]


def test_a_workflow_that_announces_nothing_is_counted_by_snakemakes_own_numbers(screen):
    counts = record(LogEvent.RUN_INFO, stats={"a": 2, "b": 1, "total": 3})
    assert tell(screen, counts, begins(1, "a"), ends(1)) == ["3 jobs to do", "[1/3] 0:00 a"]


def test_a_number_follows_the_job_that_found_it(screen, here):
    file = log(here, "judge", "INFO typeone: type1_success_oracle: 66.7 %")
    names = {"dataset": "mnist", "attack": "ours", "target": "mlp", "seed": "0"}
    *_, job, number = tell(screen, begins(1, "judge", log=[file], **names), ends(1))
    assert job.endswith("judge mnist ours mlp seed0")
    assert number == "    mnist ours mlp seed0: Type I success 66.7 %, by the judges"


def test_a_failed_job_is_its_error_and_its_log(screen, here):
    file = log(here, "prepare", "INFO typeone: reading", "ERROR typeone: digits are damaged")
    tell(screen, begins(1, "prepare_dataset", at=99, log=[file], dataset="mnist"))
    assert tell(screen, fails(1))[-2:] == [
        f"failed: prepare_dataset mnist, log: {file}",
        "[prepare_dataset] digits are damaged",
    ]


def test_what_snakemake_adds_to_a_failure_is_left_out(screen, here):
    file = log(here, "a", "ERROR typeone: digits are damaged")
    tell(screen, begins(1, "a", at=99, log=[file]))
    error = logging.ERROR
    before = says("RuleException:\nCalledProcessError in file x", error, exception="RuleException")
    final = says("WorkflowError:\nAt least one job did not complete successfully.", error)
    lines = tell(screen, before, fails(1), fails(1), says("Exiting because a job exec", error))
    assert lines[-1:] == ["Exiting because a job exec"]  # other words are no repetition
    assert tell(screen, final) == lines
    assert sum("damaged" in line for line in lines) == 1


def test_an_error_before_any_job_is_passed_on_whole(screen):
    text = "WorkflowError in file Snakefile:\n`figures.dpi` is 0; needs at least 30"
    assert tell(screen, says(text, logging.ERROR, exception="WorkflowError")) == text.splitlines()
    rule = says("RuleException: no input", logging.ERROR, exception="RuleException")
    assert tell(screen, rule)[-1] == "RuleException: no input"


def test_a_crash_brings_its_log_into_a_pipe(screen, here):
    file = here / "a.log"
    trace = 'Traceback (most recent call last):\n  File "a.py", line 1\nValueError: too few\n'
    file.write_text(f"{STAMP} ERROR typeone: failed\n{trace}")
    lines = tell(screen, begins(1, "a", at=99, log=[file]), fails(1))
    assert lines[1:4] == [f"failed: a, log: {file}", "[a] ValueError: too few", *lines[3:4]]
    assert lines[3] == f"Logfile {file}:"
    assert '  File "a.py", line 1' in lines


def test_a_job_that_wrote_no_log_is_explained_by_what_it_printed(screen, here):
    old = log(here, "a", "ERROR typeone: of an earlier run")
    screen.capture.lines.extend(["[b] is well", "[a] no room for the log", "[b] is well"])
    lines = tell(screen, begins(1, "a", at=1000, log=[old]), fails(1))
    assert lines[-1] == "[a] no room for the log"


def test_a_failure_outside_the_plan_is_named_too(screen):
    screen.follow(plan("prepare_dataset"), {})
    assert tell(screen, fails(7, "all"))[-1] == "failed: all"


def test_a_second_attempt_that_succeeds_leaves_no_failure(screen):
    lines = tell(screen, begins(1, "a"), fails(1), begins(1, "a", at=10), ends(1, at=12))
    assert lines[-1].endswith(" 0:02 a")
    assert screen.progress.failed == {}


def test_ctrl_c_is_heard_and_makes_no_failures(screen):
    told = "Terminating processes on user request, this might take some time."
    assert tell(screen, begins(1, "a"), says(told), fails(1))[-1] == told
    assert screen.progress.failed == {}


def test_chatter_is_left_to_the_log_and_warnings_are_not(screen):
    chatter = [says(text) for text in ("Building DAG of jobs...", "Select jobs to execute...", "")]
    assert tell(screen, *chatter, says("disk is slow", logging.WARNING)) == ["disk is slow"]


def test_core_seconds_are_those_of_all_cores(screen):
    tell(screen, begins(1, "a", threads=2), begins(2, "b", at=5), ends(1, at=10), ends(2, at=6))
    assert screen.progress.core_seconds == 2 * 10 + 1


@pytest.mark.parametrize(
    ("terminal", "term", "view"),
    [
        (True, "xterm-256color", Terminal),
        (True, "dumb", Lines),
        (True, None, Lines),
        (False, "xterm-256color", Lines),
    ],
)
def test_bars_need_a_terminal_that_can_move_its_cursor(monkeypatch, terminal, term, view):
    stream = io.StringIO()
    stream.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.delenv("TERM", raising=False)
    if term:
        monkeypatch.setenv("TERM", term)
    assert type(handlers.make_view(Progress(), SETTINGS)) is view
