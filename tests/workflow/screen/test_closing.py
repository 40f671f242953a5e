"""What a run ends with fits 25 lines of 80 columns and says what was reproduced, in counts."""

import csv

import pytest

from typeone.workflow.screen import closing
from typeone.workflow.screen.progress import Job, Progress

COLUMNS = (
    "id",
    "paper_item",
    "published",
    "ours",
    "ci_low",
    "ci_high",
    "unit",
    "verdict",
    "preset",
)
F1 = {"id": "mnist.mlp.test_error", "paper_item": "IV-A", "verdict": "reproduced"} | dict(
    zip(COLUMNS[2:7], ("0.0273", "0.0281", "0.025", "0.0315", "fraction"), strict=True)
)
OURS = {"id": "beyond.mnist.ours.mlp.clean_success", "ours": "0.4", "ci_low": "0.36"}
OURS |= {"ci_high": "0.44", "unit": "fraction"}


def table1(verdict, count):
    return [{"id": f"table1.{verdict}", "paper_item": "Table I", "verdict": verdict}] * count


ROWS = [
    F1,
    *table1("reproduced", 4),
    *table1("inconsistent as stated", 3),
    *table1("not reproduced", 11),
    {"id": "table2.a", "paper_item": "Table II", "verdict": "not run: needs CelebA"},
    {"id": "faces.a", "paper_item": "III-B / IV-B", "verdict": "not run: needs CelebA"},
    {"id": "faces.b", "paper_item": "III-B / IV-B", "verdict": "not run: needs FaceNet"},
    OURS,
]


@pytest.fixture
def results(tmp_path):
    """A function that writes the verdicts into a folder of results, and returns it."""

    def write(rows=ROWS):
        with (tmp_path / "reproduction.csv").open("w", newline="") as file:
            table = csv.DictWriter(file, COLUMNS)
            table.writeheader()
            table.writerows({"preset": "quick"} | row for row in rows)
        for name in ("report/index.html", "tables/reproduction.txt"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        return tmp_path

    return write


@pytest.fixture
def progress():
    """A run that took 14 core-seconds."""
    made = Progress()
    made.start(Job(1, "a", {}, 2, [], [], 0.0))
    made.finish(1, 7.0)
    return made


def test_verdicts_come_by_item_and_the_numbers_with_their_intervals(results, progress):
    folder = results()
    assert closing.lines(folder, folder, progress, remade=True) == [
        "",
        "Verdicts on the paper's numbers, preset quick",
        "  Table I             4 reproduced, 11 not reproduced, 3 inconsistent as stated",
        "  Table II            1 not run (needs CelebA)",
        "  Section IV-A        1 reproduced",
        "  Section III-B, IV-B 2 not run",
        "  Beyond the paper    numbers without a published one: 1",
        "",
        "  test error of the attacked MLP         2.81 %  [2.5, 3.15 %]  paper: 2.73 %",
        "  clean Type I success of our variant (`ours`)   40 %  [36, 44 %]",
        "",
        f"Report: {folder}/report/index.html",
        f"Every number: {folder}/tables/reproduction.txt",
        f"Figures and tables: {folder}/figures, {folder}/tables",
        "1 job in 0 s, 14 core-seconds.",
    ]


def test_a_run_without_jobs_says_so_and_whose_verdicts_these_are(results):
    folder = results()
    lines = closing.lines(folder, folder, Progress(), remade=False)
    assert lines[1].endswith(", preset quick, not updated by this run")
    assert lines[-1] == "Nothing to be done."


def test_before_there_are_verdicts_the_places_are_named(tmp_path):
    lines = closing.lines(tmp_path, tmp_path, None, remade=False)
    assert lines == ["", f"Figures and tables: {tmp_path}/figures, {tmp_path}/tables"]


def test_it_fits_a_terminal_whatever_the_paper_has(results, progress):
    many = [
        {"id": f"{i}.{v}", "paper_item": f"Fig. {i}", "verdict": verdict}
        for i in range(30)
        for v, verdict in enumerate(["reproduced", "not reproduced", f"not run: {'why ' * 20}"])
    ]
    folder = results([F1, OURS, OURS | {"id": "beyond.mnist.paper.mlp.clean_success"}, *many])
    lines = closing.lines(folder, folder.relative_to(folder), progress, remade=True)
    assert len(lines) <= 25 - 1  # the prompt comes below
    assert max(map(len, lines)) < 80
    assert "  20 further items    20 reproduced, 19 not reproduced, 19 not run" in "\n".join(lines)


def test_a_run_that_stopped_says_how_far_it_came(progress):
    progress.expect({"a": 3, "total": 3})
    for number, seed in ((2, "0"), (3, "1")):
        progress.start(Job(number, "a", {"seed": seed}, 1, [], [], 0.0))
    assert closing.stopped(progress) == [
        "stopped after 0 s: 1 of 3 jobs done; run again to continue from here"
    ]
    progress.fail(2)
    progress.fail(3)
    assert closing.stopped(progress) == [
        "failed: a seed0",
        "failed: a seed1",
        "stopped after 0 s: 1 of 3 jobs done, 2 failed; run again to continue from here",
    ]
    assert closing.stopped(Progress()) == []  # what stopped it has been told
