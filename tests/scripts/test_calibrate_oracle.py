"""The script holds judged examples against annotations of their images, or says there are none."""

import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
from snakemake.iocontainers import Params

from typeone.evaluation.calibration import COLUMNS
from typeone.runtime.artifacts import read_parquet, write_parquet

SCRIPT = str(Path(__file__).parents[2] / "scripts" / "calibrate_oracle.py")
RUNS = [["ours", "mlp", 0], ["paper", "lenet", 3]]


@pytest.fixture
def paths(tmp_path):
    """Two tables of judged examples, and where the calibration goes."""
    examples = []
    for name, labels in (("first", [3, 4, 5]), ("second", [6, 7])):
        examples.append(str(tmp_path / f"{name}.parquet"))
        columns = {
            "position": [*range(len(labels))],
            "judge_label": labels,
            "judge_confidence": [0.9] * len(labels),
            "judge_clear": [True] * len(labels),
            "label": [0] * len(labels),
        }
        write_parquet(examples[-1], columns)
    return SimpleNamespace(examples=examples, calibration=str(tmp_path / "calibration.parquet"))


def write_answers(path, rows):
    """Answers as `prepare_annotations` leaves them."""
    columns = zip(*rows, strict=True) if rows else [[]] * 5
    names = ["question", "image", "label", "annotator", "showing"]
    write_parquet(
        path,
        {
            k: np.array(c, dtype=str if k != "showing" else int)
            for k, c in zip(names, map(list, columns), strict=True)
        },
    )
    return str(path)


@pytest.fixture
def people(tmp_path):
    """Ann and Bob agree on the first image, differ on the second; Bob alone sees the third.

    What they saw in a control, in a face, and when the first image came back, counts for nothing.
    """
    rows = [
        ("digit", "ours/mlp/seed0/2", "5", "ann", 1),
        ("digit", "ours/mlp/seed0/0", "3", "ann", 1),
        ("digit", "ours/mlp/seed0/2", "5", "bob", 1),
        ("digit", "ours/mlp/seed0/0", "8", "bob", 1),
        ("digit", "paper/lenet/seed3/1", "1", "bob", 1),
        ("digit", "ours/mlp/seed0/2", "0", "bob", 2),
        ("digit", "clean/mlp/seed0/2", "0", "bob", 1),
        ("face", "ours/small/seed0/0", "male", "bob", 1),
    ]
    return write_answers(tmp_path / "answers.parquet", rows)


@pytest.fixture
def nobody(tmp_path):
    return write_answers(tmp_path / "nobody.parquet", [])


def calibrate(paths, answers):
    runpy.run_path(SCRIPT)["calibrate_oracle"](
        answers_path=answers,
        runs=RUNS,
        example_paths=paths.examples,
        calibration_path=paths.calibration,
    )
    return read_parquet(paths.calibration)


def test_images_are_found_by_run_and_position(paths, people):
    found = calibrate(paths, people)
    assert list(found.columns) == list(COLUMNS)
    rows = found.frame().set_index("measure")
    # the oracle sees 5 as both, 3 where people tie, and 7 where Bob sees 1
    assert tuple(rows.loc["agreement", ["value", "n"]]) == (0.5, 2)
    assert tuple(rows.loc["people_unclear_where_clear", ["value", "n"]]) == (1 / 3, 3)
    assert {k: found.metadata[k] for k in ("annotations", "annotators")} == {
        "annotations": 5,
        "annotators": 2,
    }


def test_without_annotations_the_table_is_empty_and_keeps_its_types(paths, people, nobody):
    schema = [None, None]
    for i, annotations in enumerate((people, nobody)):
        calibrate(paths, annotations)
        schema[i] = pq.read_schema(paths.calibration).remove_metadata()
    assert pq.read_table(paths.calibration).num_rows == 0
    assert schema[0] == schema[1]


@pytest.mark.parametrize(
    ("annotated", "logged"),
    [
        (True, "5 annotations by 2 annotators of 3 images; of the 2 that people call a digit the "),
        (False, "no annotations are given, .* under `annotations`"),
    ],
)
def test_the_workflow_runs_the_same_function(paths, people, nobody, tmp_path, annotated, logged):
    job = SimpleNamespace(
        log=[str(tmp_path / "log")],
        rule="calibrate_oracle",
        params=Params(fromdict={"runs": RUNS}),
        input=SimpleNamespace(answers=people if annotated else nobody, examples=paths.examples),
        output=SimpleNamespace(calibration=paths.calibration),
    )
    runpy.run_path(SCRIPT, {"snakemake": job})
    assert len(read_parquet(paths.calibration)) == (9 if annotated else 0)
    assert re.search(logged, (tmp_path / "log").read_text())
