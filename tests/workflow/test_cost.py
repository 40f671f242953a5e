"""A dry run ends with what would run, why, and how long that takes by earlier runs."""

import csv
import re

import pytest

from typeone.workflow.cost import DryRun, Job, wall_time
from typeone.workflow.cost import spelled as spelled_time

EDITED = ("typeone/reporting/verdicts.py", "[2.5, 50, 97.5]", "[5, 50, 95]")


def said_after(workflow, config="", **how):
    """What a dry run ends with, blank lines left out."""
    result = workflow.run("-n", "--quiet", "rules", "progress", config=config, **how)
    assert result.returncode == 0, result.stdout
    lines = result.stdout.splitlines()
    starts = [i for i, line in enumerate(lines) if re.fullmatch(r"\d+ jobs? would run:", line)]
    return [line for line in lines[starts[0] :] if line] if starts else lines


def seconds(workflow, rule):
    """What the only job of a rule took in the smoke run."""
    folder = workflow.root / "results" / "benchmarks"
    found = [*folder.rglob(f"{rule}.tsv"), *folder.rglob(f"{rule}/*.tsv")]
    (file,) = found
    (row,) = csv.DictReader(file.open(newline=""), delimiter="\t")
    return float(row["s"])


def spelled(value):
    return f"{value:.0f} s"


def test_an_edit_of_one_number_is_told_exactly(smoke):
    chain = ("evaluate_sphere", "plot_figure3", "tabulate_reproduction", "render_report")
    first, *then, last = (seconds(smoke, rule) for rule in chain)
    whole = first + sum(then) + last
    told, table, *rows, time = said_after(smoke, "sphere: {test: {seed: 62}}")
    assert told == "4 jobs would run:"
    assert table.split() == ["jobs", "work", "rule", "why"]
    assert [re.split(r"  +", row.strip()) for row in rows] == [
        ["1", spelled(first), "evaluate_sphere", "sphere.test.seed 60 → 62"],
        ["1", spelled(then[0]), "plot_figure3", "follows from the above"],
        ["1", spelled(then[1]), "tabulate_reproduction", "follows from the above"],
        ["1", spelled(last), "render_report", "follows from the above"],
    ]
    wall = max(first + max(then) + last, whole / 2)  # one after the other, or two cores are busy
    assert re.fullmatch(
        rf"Time: about {spelled(wall)} on 2 cores, {spelled(whole)} of work; estimated from runs "
        r"in this folder \([-0-9: ]+( to [-0-9: ]+)?, the last with preset smoke\)\.",
        time,
    ), time


def test_an_edit_of_one_module_is_told_by_its_name(smoke):
    name, old, new = EDITED
    file = smoke.root / name
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))
    try:
        told, _, *rows, _ = said_after(smoke)
    finally:
        file.write_text(text)
    assert told == "5 jobs would run:"
    assert [re.split(r"  +", row.strip())[2:] for row in rows] == [
        ["evaluate_study", "typeone/reporting/verdicts.py changed"],
        ["tabulate_table1", "typeone/reporting/verdicts.py changed"],
        ["tabulate_attacks", "typeone/reporting/verdicts.py changed"],
        ["tabulate_reproduction", "follows from the above"],
        ["render_report", "follows from the above"],
    ]


def test_when_nothing_is_to_be_done_one_line_says_so(smoke):
    *_, building, said = said_after(smoke)
    assert building == "Building DAG of jobs..."
    assert said.startswith("Nothing to be done")


@pytest.mark.parametrize(
    ("config", "whys"),
    {
        # each in its own job, by the key of config.yaml
        "attacks: {fgsm: {settings: {epsilon: 0.05}}, pgd: {settings: {epsilon: 0.2}}}": {
            "attack_type2": "attacks.fgsm.settings.epsilon 0.3 → 0.05; "
            "attacks.pgd.settings.epsilon 0.3 → 0.2"
        },
        # a number that equals another of the job's params: Snakemake records sets without names
        "figures: {dpi: 61}\ntoy: {shown: 61}": {
            "plot_figure2": "toy.shown 60 → 61; figures.dpi 60 → 61",
            "plot_figure6": "figures.dpi 60 → 61",
        },
        # no key of its own: what the rule makes of several
        "face_judges: {seed: 6202}": {
            "train_face_judge": "face_judges.seed 6200 → 6202; seed 6201 → 6203"
        },
        "seeds: [0, 1]": {
            "train_svae_stage1": "not made yet",
            "evaluate_sphere": "input files changed; seeds [0] → [0, 1]",
        },
        "oracle: {clear_confidence: 0.7}\nlimit: {test: null}": {
            "prepare_dataset": "limit.test 1000 → null",
            "judge_svae": "follows from the above",
        },
    }.items(),
)
def test_the_settings_behind_an_edit_are_named(smoke, config, whys):
    _, _, *rows, _ = said_after(smoke, config)
    why = {
        rule: cause for _, _, rule, cause in (re.split(r"  +", r.strip(), maxsplit=3) for r in rows)
    }
    assert {rule: why[rule] for rule in whys} == whys


def test_without_an_earlier_run_no_time_is_told(checkout):
    told, _, *rows, time = said_after(checkout("cost", ["presets/smoke.yaml"]))
    assert int(told.split()[0]) == sum(int(row.split()[0]) for row in rows)
    assert {tuple(re.split(r"  +", row.strip())[1::2]) for row in rows} == {("?", "not made yet")}
    assert time.startswith("No time estimate: no earlier run in this folder has benchmarks")


def test_a_dry_run_for_a_cluster_tells_the_time_too(smoke):
    """Its profile sets no limit of GPUs."""
    how = ("--workflow-profile", "profiles/slurm")
    *_, time = said_after(smoke, "sphere: {test: {seed: 62}}", how=how)
    assert time.startswith("Time: about ")


def test_rules_that_never_ran_are_left_out_of_the_time(smoke_copy):
    for file in smoke_copy.root.glob("results/benchmarks/plot_figure3.tsv"):
        file.unlink()
    *rows, time = said_after(smoke_copy, "sphere: {test: {seed: 62}}")
    (row,) = (r for r in rows if "plot_figure3" in r)
    assert row.split()[1] == "?"
    assert time.endswith(" Not included, as they never ran: plot_figure3.")


# the arithmetic, with jobs that are made up


def job(number, after=(), gpus=0, threads=1):
    return Job(number, "rule", after, threads, gpus, benchmarks=(), causes=())


@pytest.mark.parametrize(
    ("cores", "gpus", "threads", "expected"),
    [
        (1, None, 1, 60.0),  # one after the other
        (2, None, 1, 35.0),  # first and third; two cores would do all in 30
        (None, None, 1, 35.0),  # a cluster
        (8, 1, 1, 45.0),  # second and third wait for one device
        (8, 2, 1, 35.0),
        (2, None, 2, 42.5),  # 85 s of one core
    ],
)
def test_the_time_is_that_of_the_longest_chain_the_cores_or_the_gpus(
    cores, gpus, threads, expected
):
    first, second, third = job(1), job(2, [1], gpus=1), job(3, [1], gpus=1, threads=threads)
    jobs = [first, second, third, job(4)]
    plan = DryRun(jobs, ["rule"], cores, gpus, last_preset=None)
    assert wall_time(plan, {1: 10.0, 2: 20.0, 3: 25.0, 4: 5.0}) == expected


def test_what_is_made_already_takes_no_time():
    plan = DryRun([job(2, [1])], ["rule"], 1, None, last_preset=None)
    assert wall_time(plan, {2: 20.0}) == 20.0


def test_times_read_as_people_say_them():
    assert [spelled_time(s) for s in (0.4, 99.4, 100, 3569, 3600, 11100)] == [
        *("0 s", "99 s", "2 min", "59 min", "1 h 0 min", "3 h 5 min"),
    ]
