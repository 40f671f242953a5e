"""The script holds judged examples against annotations of their images, or says there are none."""

import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from snakemake.iocontainers import Params

from typeone.artifacts import read_parquet, write_parquet
from typeone.calibration import COLUMNS
from typeone.errors import InputError

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
            "oracle_label": labels,
            "oracle_confidence": [0.9] * len(labels),
            "oracle_clear": [True] * len(labels),
            "label": [0] * len(labels),
        }
        write_parquet(examples[-1], columns)
    return SimpleNamespace(examples=examples, calibration=str(tmp_path / "calibration.parquet"))


@pytest.fixture
def people(tmp_path):
    """Ann and Bob agree on the first image, differ on the second; Bob alone sees the third."""
    ann, bob = tmp_path / "ann.csv", tmp_path / "bob.csv"
    ann.write_text("image,label\nours/mlp/seed0/2,5\nours/mlp/seed0/0,3\n")
    bob.write_text("image,label\nours/mlp/seed0/2,5\nours/mlp/seed0/0,8\npaper/lenet/seed3/1,1\n")
    return [str(ann), str(bob)]


def calibrate(paths, annotations):
    runpy.run_path(SCRIPT)["calibrate_oracle"](
        annotation_paths=annotations,
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


def test_without_annotations_the_table_is_empty_and_keeps_its_types(paths, people):
    schema = [None, None]
    for i, annotations in enumerate((people, [])):
        calibrate(paths, annotations)
        schema[i] = pq.read_schema(paths.calibration).remove_metadata()
    assert pq.read_table(paths.calibration).num_rows == 0
    assert schema[0] == schema[1]


def test_an_image_of_no_run_is_refused(paths, tmp_path):
    (tmp_path / "eve.csv").write_text("image,label\nours/mlp/seed1/0,3\n")
    with pytest.raises(InputError, match="image 'ours/mlp/seed1/0' is unknown"):
        calibrate(paths, [str(tmp_path / "eve.csv")])


@pytest.mark.parametrize(
    ("annotated", "logged"),
    [
        (True, "5 annotations by 2 annotators of 3 images; of the 2 that people call a digit the "),
        (False, "no annotations were given, .* under `annotations`"),
    ],
)
def test_the_workflow_runs_the_same_function(paths, people, tmp_path, annotated, logged):
    job = SimpleNamespace(
        log=[str(tmp_path / "log")],
        rule="calibrate_oracle",
        params=Params(fromdict={"runs": RUNS}),
        input=SimpleNamespace(annotations=people if annotated else [], examples=paths.examples),
        output=SimpleNamespace(calibration=paths.calibration),
    )
    runpy.run_path(SCRIPT, {"snakemake": job})
    assert len(read_parquet(paths.calibration)) == (9 if annotated else 0)
    assert re.search(logged, (tmp_path / "log").read_text())
