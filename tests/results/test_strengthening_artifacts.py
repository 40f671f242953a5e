"""Table III after the smoke run: its answers, and every accuracy recomputed from them."""

import csv

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file

from typeone.runtime.artifacts import read_model_metadata

NETWORKS = {"small": "none"} | {f"by_{k}": k for k in ("svae", "fgsm", "pgd", "noise")}
WHAT = {"pairs": ("",), **dict.fromkeys(("svae", "fgsm", "pgd"), ("old", "fresh"))}
ANSWERS = {
    **{"what": "string", "number": "int64", "same": "bool", "distance": "double"},
    **{"network": "string", "seed": "int64", "when": "string"},
}


@pytest.fixture(scope="module")
def faces(smoke):
    return smoke.root / "results" / "faces"


@pytest.fixture(scope="module")
def answers(faces):
    return pq.read_table(faces / "strengthening" / "answers.parquet").to_pandas()


@pytest.fixture(scope="module")
def measurements(faces):
    return pq.read_table(faces / "strengthening" / "measurements.parquet").to_pandas()


def test_answers_have_their_columns(faces):
    schema = pq.read_schema(faces / "strengthening" / "answers.parquet")
    kinds = {field.name: str(field.type) for field in schema}
    assert kinds.keys() == ANSWERS.keys()
    assert kinds["same"] == "bool"


def test_every_network_is_shown_everything(answers):
    shown = answers[answers["what"] != "svae_seen"]
    found = {(n, w, t) for n, w, t in shown[["network", "what", "when"]].itertuples(index=False)}
    assert found == {(n, w, t) for n in NETWORKS for w, times in WHAT.items() for t in times}
    assert answers["distance"].between(0, 2).all()


def test_no_learnt_face_is_in_an_example(faces, answers):
    tested = set(answers[answers["what"].isin(["svae", "fgsm", "pgd"])]["number"])
    for network in list(NETWORKS)[1:]:
        note = read_model_metadata(faces / "recognizers" / network / "seed0" / "model.safetensors")
        assert not tested & set(note["learnt_test_faces"])
        assert note["learnt_test_faces"]


def test_accuracies_follow_from_answers(answers, measurements):
    for row in measurements.itertuples():
        mine = answers[
            (answers["network"] == row.network)
            & (answers["what"] == row.what)
            & (answers["when"] == row.when)
        ]
        right = (mine["distance"] <= row.limit) == mine["same"]
        assert row.n == len(mine)
        assert row.value == pytest.approx(right.mean())
        cell = f"{NETWORKS[row.network]}.{'fresh.' if row.when == 'fresh' else ''}{row.what}"
        end = "" if row.threshold == "paper" else ".far"
        assert row.id == f"beyond.synthetic.table3.{cell}{end}"


def test_strengthened_networks_have_the_tensors_of_their_base(faces):
    base = load_file(faces / "recognizers" / "small" / "seed0" / "model.safetensors")
    for network in list(NETWORKS)[1:]:
        mine = load_file(faces / "recognizers" / network / "seed0" / "model.safetensors")
        assert mine.keys() == base.keys()
        moved = {k for k, v in mine.items() if not np.array_equal(v, base[k])}
        assert moved  # and batch statistics stay
        assert not {k for k in moved if "running" in k}


def test_table_iii_shows_what_was_measured(smoke, measurements):
    folder = smoke.root / "results" / "tables"
    with open(folder / "table3.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == measurements["id"].nunique()
    text = (folder / "table3.md").read_text()
    row = measurements[measurements["id"] == "beyond.synthetic.table3.pgd.fresh.pgd"].iloc[0]
    (line,) = (k for k in text.splitlines() if k.startswith("| by PGD ") and "| 1.242, paper " in k)
    assert f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]" in line
    assert "by PGD, published" in text
