"""Stages add up their rules, and the time left is what the jobs left will take."""

import re

import pytest

from typeone.workflow.cost import DryRun
from typeone.workflow.cost import Job as Planned
from typeone.workflow.screen import stages
from typeone.workflow.screen.progress import Job, Progress, Stage
from typeone.workflow.screen.times import TimeLeft, clock, left

MOST = 14  # stages, so that they fit a terminal of 24 lines with what was found above them


@pytest.fixture(scope="module")
def declared(repository):
    """Rule → the file that declares it."""
    return {
        name: file.name
        for file in sorted((repository / "rules").glob("*.smk"))
        for name in re.findall(
            r"^(?:rule (\w+)|use rule \w+ as (\w+) with):", file.read_text(), re.M
        )
        for name in filter(None, name)
    }


def test_every_rule_has_a_stage_and_they_fit_a_terminal(declared):
    assert len(declared) > 30
    found = {rule: stages.stage_of(rule, file) for rule, file in declared.items()}
    assert {
        rule for rule, stage in found.items() if stage not in (*stages.ORDER, stages.LAST)
    } == set()
    assert len(set(found.values())) <= MOST


@pytest.mark.parametrize(
    ("rule", "file", "stage"),
    [
        ("train_classifier", "rules/classifiers.smk", "Classifiers"),
        ("judge_svae", "rules/attacks.smk", "Judging"),
        ("plot_figure7b", "rules/face_attacks.smk", "Figures and tables"),
        ("attack_faces", "rules/face_attacks.smk", "Faces"),
        ("mnist", "Snakefile", "Figures and tables"),
        ("train_speech", "rules/speech_sounds.smk", "Speech sounds"),
        ("table", None, "Jobs"),
    ],
)
def test_a_stage_follows_from_the_file_and_the_verb(rule, file, stage):
    assert stages.stage_of(rule, file) == stage


def test_stages_come_in_the_order_of_the_work():
    names = ["Figures and tables", "Speech", "Faces", "Data"]
    assert sorted(names, key=stages.place) == ["Data", "Faces", "Speech", "Figures and tables"]


FILES = {"prepare": "data.smk", "train": "svae.smk", "attack": "attacks.smk"}


def planned(tmp_path, seconds=()):
    """Three jobs, each after the one before it; ``seconds``: of benchmarks, by number."""
    for number, s in dict(seconds).items():
        (tmp_path / f"{number}.tsv").write_text(f"s\n{s}\n")
    jobs = [
        Planned(n, rule, [n - 1], 1, 0, [tmp_path / f"{n}.tsv"] if n in dict(seconds) else [], [])
        for n, rule in enumerate(FILES, 1)
    ]
    progress = Progress(begun=0.0)
    progress.follow(DryRun(jobs, [*FILES], 2, None, None), FILES)
    return progress


def begin(progress, number, rule, at):
    progress.start(Job(number, rule, {"seed": str(number)}, 1, [], [], at))


def test_stages_count_what_is_done_failed_and_at_work(tmp_path):
    progress = planned(tmp_path)
    begin(progress, 1, "prepare", 0)
    progress.finish(1, 4)
    begin(progress, 2, "train", 4)
    begin(progress, 3, "attack", 4)
    progress.fail(3)
    assert progress.stages() == [
        Stage("Data", 1, 1, 0, []),
        Stage("SVAE", 1, 0, 0, ["train seed2"]),
        Stage("Attacks", 1, 0, 1, []),
    ]


def test_the_time_left_is_by_benchmarks_less_what_has_passed(tmp_path):
    progress = planned(tmp_path, {1: 10, 2: 20, 3: 30})
    assert progress.left(0) == (60, False)
    begin(progress, 1, "prepare", 0)
    assert progress.left(4) == (56, False)
    assert progress.left(99) == (50, False)  # it takes longer than it did, and ends any moment
    progress.finish(1, 99)
    assert progress.left(99) == (50, False)


def test_the_time_left_is_not_told_before_there_is_a_guess(tmp_path):
    assert planned(tmp_path).left(0) is None
    assert planned(tmp_path, {3: 30}).left(0) is None


@pytest.mark.parametrize(("seconds", "expected"), [({3: 30}, (38, False)), ({}, (16, True))])
def test_an_unknown_job_takes_what_the_mean_one_took(tmp_path, seconds, expected):
    progress = planned(tmp_path, seconds)
    begin(progress, 1, "prepare", 0)
    progress.finish(1, 8)
    assert progress.left(8) == expected


def test_times_are_as_a_reader_says_them():
    assert [clock(s) for s in (5.9, 65, 3661)] == ["0:05", "1:05", "1:01:01"]
    assert (left(None), left(TimeLeft(0, False))) == ("", "about 1 s left")
    assert left(TimeLeft(700, True)) == "perhaps 12 min left"
