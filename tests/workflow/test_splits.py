"""A job reads the split of the data that its purpose allows, and no other.

The graph of all jobs is Snakemake's own, of a dry run; the table of what each rule may read is
written here by hand.
"""

import json
import shutil

import pytest

# Of each rule that reads a table of images, the split that each of its inputs is. What is trained
# sees `train` (a judge of faces `judge`, whose people no one else learns); `validation` stands in
# curves, or fits thresholds; `test` gives errors that are reported, and what is attacked. That no
# weight depends on them: tests/scripts/test_held_out_data.py.
ERRORS = {"validation": "validation", "test": "test"}
ALLOWED = {
    "train_classifier": {"train": "train", **ERRORS},
    "train_oracle": {"train": "train", **ERRORS},
    "train_attacker": {"train": "train", **ERRORS},
    "strengthen_classifier": {"train": "train", **ERRORS},
    "train_svae_stage1": {"train": "train", **ERRORS},
    "train_svae_stage2": {"train": "train", "test": "test"},
    "train_generator": {"train": "train", "test": "test"},
    "train_density": {"train": "train", "validation": "validation"},  # its limits
    "train_attack_density": {"train": "train", "validation": "validation"},  # as above
    "train_diffusion": {"train": "train", "validation": "validation"},  # its curve
    # an audit attacks `test`, starts `real_target` from `train`, and compares with `validation`
    "make_kit": {"train": "train", **ERRORS},
    "make_face_kit": {"test": "test"},
    "evaluate_oracle": {"test": "test"},
    "sample_examples": {"test": "test"},
    "attack_baseline": {"train": "train"},  # the nearest digit of another class
    "score_detection": {"clean": "test"},  # which evaluate_detection halves
    "evaluate_roc": {"test": "test"},
    "evaluate_realism": {"test": "test"},
    "evaluate_strengthening": {"test": "test"},
    "evaluate_latent": {"test": "test"},
    "train_face_judge": {"faces": "judge", "validation": "validation"},
    "train_face_attacker": {"faces": "train", "validation": "validation"},
    "train_face_svae_stage1": {"train": "train", **ERRORS},
    "train_face_svae_stage2": {"train": "train", "test": "test"},
    "train_recognizer": {"train": "train", "validation": "validation"},
    "train_style_generator": {"train": "train"},
    # of test faces, those that were attacked: half of the people, which no accuracy is of
    "strengthen_recognizer": {"train": "train", "test": "test"},
    "evaluate_face_judges": ERRORS,  # limits of clean faces
    "evaluate_recognizer": ERRORS,
    "attack_faces": {"faces": "test"},
    "attack_faces_afresh": {"faces": "test"},
    "attack_faces_type2": {"faces": "test"},
    "attack_faces_type2_afresh": {"faces": "test"},
    "score_face_detection": ERRORS,
    "evaluate_face_strengthening": ERRORS,
}
# Networks that attack learn nothing from judges, and judges nothing from what is attacked.
# `density` is the model that judges images; attacks have one of their own in `attackers/density`.
UNSEEN = {
    "train_oracle": ("attacks", "classifiers", "svae", "attackers"),
    "train_face_judge": ("attacks", "recognizers", "svae", "attackers"),
    "train_face_attacker": ("attacks", "recognizers", "svae", "judges"),
    "train_classifier": ("attacks", "oracle", "density", "svae"),
    "train_attacker": ("attacks", "oracle", "density", "svae", "classifiers"),
    "train_density": ("attacks", "oracle", "classifiers", "svae", "test"),
    "train_svae_stage1": ("attacks", "oracle", "classifiers", "density"),
    "train_svae_stage2": ("attacks", "oracle", "classifiers"),
    "train_attack_density": ("attacks", "oracle", "density", "classifiers", "svae", "test"),
    "train_diffusion": ("attacks", "oracle", "density", "classifiers", "svae", "test"),
    "attack_svae": ("oracle", "density", "validation"),
    "attack_ablations": ("oracle", "density", "validation"),
    "attack_baseline": ("oracle", "density", "validation"),
    "attack_type2": ("oracle", "density", "svae", "validation"),
    "attack_faces": ("judges", "validation"),
    "evaluate_face_judges": ("attackers",),
    "strengthen_classifier": ("oracle",),
    "strengthen_recognizer": ("judges",),
    "evaluate_detection": ("attacks", "data"),
    "evaluate_face_detection": ("attacks", "data"),
}

SEEDS = [5, 3]
WRITE_JOBS = """
import atexit, json


def write_jobs(path=f"{workflow.basedir}/jobs.json"):
    jobs = [
        (job.rule.name, {k: [v] if isinstance(v, str) else list(v) for k, v in job.input.items()})
        for job in workflow.dag.jobs
    ]
    Path(path).write_text(json.dumps(jobs))


atexit.register(write_jobs)
"""


def jobs_of(workflow):
    """(rule, {name of an input: its files}) of every job of a run that has made nothing yet."""
    with (workflow.root / "Snakefile").open("a") as file:
        file.write(WRITE_JOBS)
    result = workflow.run("--dry-run", "--quiet", "all", config=f"seeds: {SEEDS}")
    assert result.returncode == 0, result.stdout
    return json.loads((workflow.root / "jobs.json").read_text())


def split_of(path):
    """Which split of a data set lies at ``path``; None for any other file."""
    folder, _, name = path.rpartition("/")
    in_data = folder.startswith("results/data/") and name != "generated.parquet"
    return name.removesuffix(".parquet") if in_data else None


def read_splits(jobs):
    """Rule → {(input, split)} of all its jobs."""
    found = {}
    for rule, inputs in jobs:
        for name, paths in inputs.items():
            for path in paths:
                if split := split_of(path):
                    found.setdefault(rule, set()).add((name, split))
    return found


def leaks(jobs):
    """What rules read beside the splits that they may, as rule, input, split."""
    return {
        (rule, name, split)
        for rule, read in read_splits(jobs).items()
        for name, split in read
        if ALLOWED.get(rule, {}).get(name) != split
    }


@pytest.fixture(scope="module")
def fresh(checkout, smoke_files):
    return checkout("splits", smoke_files)


@pytest.fixture(scope="module")
def jobs(fresh):
    return jobs_of(fresh)


def test_each_input_is_the_split_that_its_purpose_allows(jobs):
    assert not leaks(jobs)


def test_the_table_is_of_the_rules_that_there_are(jobs, rules):
    read = read_splits(jobs)
    for rule, allowed in ALLOWED.items():
        assert rule in rules
        if rule in read:
            assert dict(read[rule]) == allowed, rule
    assert read.keys() == ALLOWED.keys()


@pytest.mark.parametrize("rule", UNSEEN)
def test_what_is_attacked_and_who_judges_stay_apart(jobs, rule):
    mine = [path for name, inputs in jobs if name == rule for ps in inputs.values() for path in ps]
    assert mine
    for path in mine:
        parts = (
            path.replace("/attackers/density/", "/attackers/").removesuffix(".parquet").split("/")
        )
        assert not set(parts) & set(UNSEEN[rule]), path


def test_the_svaes_of_realism_stand_in_the_order_of_the_seeds(jobs):
    (inputs,) = (inputs for rule, inputs in jobs if rule == "evaluate_realism")
    assert inputs["svae"] == [f"results/mnist/svae/seed{n}/stage2.safetensors" for n in SEEDS]


@pytest.mark.parametrize(
    ("file", "before", "after", "leak"),
    [
        (
            "rules/svae.smk",
            "train=rules.prepare_dataset.output.train,\n        test=",
            "train=rules.prepare_dataset.output.test,\n        test=",
            ("train_svae_stage2", "train", "test"),
        ),
        (
            "rules/recognizers.smk",
            "recognizer=recognizer_of,\n        validation=rules.prepare_faces.output.validation",
            "recognizer=recognizer_of,\n        validation=rules.prepare_faces.output.test",
            ("evaluate_recognizer", "validation", "test"),
        ),
        (
            "rules/faces.smk",
            "faces=rules.prepare_faces.output.judge",
            "faces=rules.prepare_faces.output.train",
            ("train_face_judge", "faces", "train"),
        ),
        (
            "rules/faces.smk",
            "faces=rules.prepare_faces.output.train",
            "faces=rules.prepare_faces.output.judge",
            ("train_face_attacker", "faces", "judge"),
        ),
    ],
    ids=[
        *("f_dis on test digits", "a threshold on test faces", "a judge on training faces"),
        "an attacker on the faces of judges",
    ],
)
def test_a_planted_leak_is_found(fresh, tmp_path, file, before, after, leak):
    shutil.copytree(fresh.root, tmp_path / "repository")
    planted = type(fresh)(tmp_path / "repository", fresh.configfiles)
    text = (planted.root / file).read_text()
    assert text.count(before) == 1
    (planted.root / file).write_text(text.replace(before, after))
    assert leaks(jobs_of(planted)) == {leak}
