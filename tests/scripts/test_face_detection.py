"""Table II: rates of stored scores, thresholds fitted on validation faces, what the table shows."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from typeone.reporting.tables.cells import read_published
from typeone.reporting.tables.files import write_table
from typeone.reporting.tables.table2 import table2
from typeone.runtime.artifacts import read_frame, read_parquet, write_parquet

SCRIPTS = Path(__file__).parents[2] / "scripts"
PUBLISHED = SCRIPTS.parent / "docs" / "published-values.csv"
IDS = {
    "clean": "beyond.synthetic.table2.clean",
    "paper": "beyond.synthetic.table2.svae",
    "reconstruction": "beyond.synthetic.table2.reconstruction",
}
LABELS = {"clean": "Clean", "paper": "Type I", "reconstruction": "Control"}


def function(name):
    return runpy.run_path(str(SCRIPTS / f"{name}.py"))[name]


@pytest.fixture
def scores(tmp_path):
    """Scores of one seed: 20 validation faces at 0.00 to 0.19, four of each of the others."""
    shown = {
        "validation": np.arange(20) / 100,
        "clean": np.array([0.1, 0.19, 0.2, 1.2]),
        "paper": np.array([0.0, 0.0, 0.1, 0.185]),
        "reconstruction": np.array([1.3, 1.19, 1.2, 2.0]),
    }
    parts = [
        {
            "attack": [name] * len(values) * 2,
            "index": np.tile(np.arange(len(values), dtype=np.int32), 2),
            "squeezer": ["median_3x3"] * len(values) + ["median_5x5"] * len(values),
            "score": np.concatenate([values, values / 2]).astype(np.float32),
        }
        for name, values in shown.items()
    ]
    path = tmp_path / "scores.parquet"
    write_parquet(path, {k: np.concatenate([p[k] for p in parts]) for k in parts[0]})
    return path


@pytest.fixture
def measurements(scores, tmp_path):
    path = tmp_path / "measurements.parquet"
    function("evaluate_face_detection")(
        seeds=[1],
        scores_paths=[scores],
        measurements_path=path,
        ids=IDS,
        labels=LABELS,
        source="synthetic",
        zeta=1.2,
        false_positive_rate=0.05,
    )
    return path


def test_rates_by_hand(measurements):
    found = read_parquet(measurements).frame().set_index("id")
    # at 1.2, which flags a score that is not below it (float32 1.2 lies above 1.2)
    by_hand = {"clean.3x3": 1, "clean.5x5": 0, "svae.3x3": 0, "reconstruction.3x3": 3}
    # one of twenty validation faces may be flagged: just above 0.18
    by_hand |= {"clean.3x3.fpr_0.05": 3, "svae.3x3.fpr_0.05": 1, "reconstruction.5x5.fpr_0.05": 4}
    for name, flagged in by_hand.items():
        row = found.loc[f"beyond.synthetic.table2.{name}"]
        assert (row["value"], row["n"]) == (flagged / 4, 4), name
    assert set(found.loc[found["threshold"] == "fitted", "zeta"].round(4)) == {0.18, 0.09}
    assert found["description"].str.startswith("synthetic faces, detection rate, median ").all()
    assert not found["attack"].eq("validation").any()


def test_the_table_says_whose_faces_stand_beside_the_published_ones(measurements, tmp_path):
    paths = {kind: tmp_path / f"table2.{kind}" for kind in ("csv", "md", "tex")}
    rows, table = table2(
        read_frame(measurements),
        read_published(PUBLISHED),
        names=LABELS,
        published_names={"clean": "clean", "paper": "svae", "pgd": "pgd"},
        ours="synthetic faces",
    )
    write_table(paths, rows, table, caption="Of nobody.")
    rows = pd.read_csv(paths["csv"]).set_index(["attack", "squeezer", "threshold"])
    assert rows.loc[("clean", "median_5x5", "zeta"), "published"] == 0.064
    assert rows.loc[("paper", "median_5x5", "zeta"), "published"] == 0.032
    assert rows["published"].notna().sum() == 4
    assert rows.loc[("reconstruction", "median_3x3", "zeta"), "value"] == 0.75
    shown = [line.split("|") for line in paths["md"].read_text().splitlines()[:5]]
    heads = [cell.strip() for cell in shown[0]]
    assert heads[2] == "n"
    assert paths["md"].read_text().endswith("\nOf nobody.\n")
    assert heads[3:5] == [
        "3x3 published (CelebA)",
        "3x3 synthetic faces, at the published threshold",
    ]
    assert [line[1].strip() for line in shown[2:]] == ["Clean", "Type I", "Control"]
    assert shown[3][3].strip() == "0.000"
    assert shown[4][3].strip() == ""
    assert shown[4][4].strip().startswith("0.750 [")


def test_rows_of_the_authors_pairs_have_no_fitted_threshold(measurements):
    theirs = pd.DataFrame(
        {
            **{"id": f"beyond.published_pairs.fixed.table2.svae.{size}", "seed": 0},
            **{"unit": "fraction", "description": "", "note": ""},
            **{"value": 0.5, "low": 0.1, "high": 0.9, "n": 4, "shared": 1.0},
            **{"attack": "authors_svae", "squeezer": f"median_{size}", "threshold": "zeta"},
        }
        for size in ("3x3", "5x5")
    )
    _, table = table2(
        pd.concat([read_frame(measurements), theirs]),
        read_published(PUBLISHED),
        names=LABELS | {"authors_svae": "Theirs"},
        published_names={"clean": "clean", "paper": "svae", "authors_svae": "svae"},
        ours="synthetic faces",
    )
    row = table.set_index("").loc["Theirs"]
    assert row["n"] == 4
    assert row["3x3 published (CelebA)"] == "0.000"
    assert row["3x3 synthetic faces, at the published threshold"] == "0.500 [0.100, 0.900]"
    assert row["3x3 synthetic faces, at a fitted threshold"] == ""
