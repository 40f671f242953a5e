"""Numbers are read from what jobs log and write, in the words that these use today."""

import re

import pytest

from typeone.workflow.screen.failures import SILENT, cause, error_line
from typeone.workflow.screen.headlines import headlines
from typeone.workflow.screen.progress import Job

STAMP = "2026-11-26 19:12:10,311"
DIGITS = {"dataset": "mnist", "target": "mlp", "seed": "0"}


def job(wildcards, *logs, outputs=()):
    return Job(1, "a", wildcards, 1, [*map(str, logs)], [*map(str, outputs)], began=0.0)


def logged(repository, source, beginning, *values):
    """A line of the log of a job that runs the code in ``source``, with its own format."""
    (form,) = re.findall(rf'logger\.info\("({beginning}[^"]*)"', (repository / source).read_text())
    return f"{STAMP} INFO typeone: {form % values}\n"


def test_a_classifier_adds_its_test_error(repository, tmp_path):
    for source in ("typeone/training/classifiers.py", "scripts/prepare_classifier.py"):
        log = tmp_path / "a.log"
        log.write_text(logged(repository, source, "%s: test error", "mnist mlp 0", 2.73))
        assert headlines(job(DIGITS, log)) == ["mnist mlp seed0: test error 2.73 %"]
        assert headlines(job({"dataset": "mnist", "member": "plain"}, log)) == []  # a judge


@pytest.mark.parametrize(("attack", "counts"), [("paper", 1), ("ours", 1), ("fgsm", 0)])
def test_an_attack_adds_its_success_by_the_judges(repository, tmp_path, attack, counts):
    judging = (repository / "typeone/evaluation/judging.py").read_text()
    assert '"type1_success_oracle": ' in judging  # a column, each of which the script logs
    log = tmp_path / "a.log"
    names = ("type1_success_f2", "type1_success_oracle", "type1_targeted_oracle")
    log.write_text(
        "".join(
            logged(repository, "scripts/judge.py", "%s: ", name, 10.0 * i)
            for i, name in enumerate(names)
        )
    )
    text = f"mnist {attack} mlp seed0: Type I success 10.0 %, by the judges"
    names = {"dataset": "mnist", "attack": attack, "target": "mlp", "seed": "0"}
    assert headlines(job(names, log)) == [text] * counts


def test_faces_add_theirs(repository, tmp_path):
    log, of = tmp_path / "a.log", "beyond.lfw.faces.success_rate"
    log.write_text(logged(repository, "scripts/evaluate_faces.py", "%s, seed", of, 3, 0.25, 40))
    assert headlines(job({}, log)) == ["faces, seed 3: Type I success 0.250 of 40"]


def test_table1_adds_how_many_type_i_examples_it_detects(tmp_path):
    table = tmp_path / "table1.csv"
    table.write_text(
        "attack,metric,threshold,nominal,value\n"
        "clean,l2,zeta,0.251,0.4\npaper,l1,zeta,0.251,0.9\n"
        "paper,l2,zeta,0.251,0.025\npaper,l2,zeta,0.6089,0.01\nours,l2,fitted,0.05,0.7\n"
    )
    assert headlines(job({}, outputs=[table, tmp_path / "table1.md"])) == [
        "Table I: 2.5 % of paper detected at zeta 0.251"
    ]


def test_a_log_that_is_gone_adds_nothing(tmp_path):
    assert headlines(job(DIGITS, tmp_path / "gone.log")) == []


# why a job failed


TRACE = "Traceback (most recent call last):\n"
INNER = f"{TRACE}  File 'a.py', line 1, in f\n    g()\nKeyError: 'x'\n\nDuring handling:\n\n"


@pytest.mark.parametrize(
    ("log", "line"),
    [
        (f"{STAMP} INFO typeone: a\n{STAMP} ERROR typeone: no such digit\n", "no such digit"),
        (f"{STAMP} ERROR typeone: failed\n{TRACE}  File 'a'\nValueError: no\n", "ValueError: no"),
        (f"{INNER}{TRACE}  File 'b'\ntypeone.X: first\nsecond\n", "typeone.X: first"),
        (f"{STAMP} INFO typeone: resumed\n", None),
        ("", None),
    ],
    ids=["an input error", "a crash", "one crash in another", "killed", "empty"],
)
def test_one_line_says_why(log, line):
    assert error_line(log) == line


def test_a_job_that_was_killed_is_said_to_be(tmp_path):
    log = tmp_path / "a.log"
    log.write_text(f"{STAMP} INFO typeone: resumed\n")
    assert cause(job({}, log), []) == SILENT
    crash = ["[b] fine", *f"{TRACE}  File 'a.py'\nModuleNotFoundError: no x".splitlines()]
    assert cause(job({}, tmp_path / "gone.log"), crash) == "ModuleNotFoundError: no x"
