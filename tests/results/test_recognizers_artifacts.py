"""Recognizers after the smoke run: schemas, networks, and rates that agree with one another."""

import math

import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file

from typeone.runtime.artifacts import read_model_metadata

SMALL = "faces/recognizers/small/seed0"
CURVE = {
    **{"epoch": "int64", "loss": "double", "train_error": "double", "lr": "double"},
    **{"validation_error": "double", "threshold": "double"},
}
MEASUREMENTS = {
    **{"id": "string", "seed": "int64"},
    **dict.fromkeys(("description", "unit", "note"), "string"),
    **dict.fromkeys(("value", "low", "high", "shared"), "double"),
    "n": "int64",
}
THRESHOLDS = ("paper", "squared", "far")
OWN = "beyond.synthetic.recognizer.small"
PASSED = "beyond.synthetic.opposite_gender_pairs"


@pytest.fixture(scope="module")
def results(smoke):
    return smoke.root / "results"


def columns(path):
    return {field.name: str(field.type) for field in pq.read_schema(path)}


@pytest.fixture(scope="module")
def thresholds(results):
    rows = pq.read_table(results / SMALL / "thresholds.parquet").to_pylist()
    return {row["name"]: row["distance"] for row in rows}


@pytest.fixture(scope="module")
def measured(results):
    rows = pq.read_table(results / SMALL / "measurements.parquet").to_pylist()
    return {row["id"]: row for row in rows}


def test_tables_have_their_columns(results):
    folder = results / SMALL
    assert columns(folder / "curve.parquet") == CURVE
    assert columns(folder / "thresholds.parquet") == {"name": "string", "distance": "double"}
    assert columns(folder / "measurements.parquet") == MEASUREMENTS


def test_the_checkpoint_says_what_it_takes(results):
    path = results / SMALL / "model.safetensors"
    note = read_model_metadata(path)
    assert (note["architecture"], note["preprocessing"]) == ("face_cnn", "fixed")
    assert (note["side"], note["seed"]) == (64, 0)
    tensors = load_file(path)
    channels, dim = note["settings"]["channels"], note["settings"]["dim"]
    assert tensors["0.0.weight"].shape == (channels, 3, 5, 5)
    assert tensors["6.weight"].shape == (dim, 128 * channels)
    # the people that it was trained on do not stay in it
    assert not any(note["people"] in tensor.shape for tensor in tensors.values())


def test_thresholds_are_the_printed_one_its_root_and_one_of_the_data(thresholds):
    assert tuple(thresholds) == THRESHOLDS
    assert thresholds["paper"] == 1.242
    assert thresholds["squared"] == pytest.approx(math.sqrt(1.242))
    assert 0 < thresholds["far"] < 2


def test_what_is_measured_is_all_there_and_beyond_the_paper(measured):
    kinds = ("accuracy", "true_accept", "false_accept")
    assert set(measured) == {
        *(f"{OWN}.{kind}_distance" for kind in ("same", "different", "opposite")),
        *(f"{OWN}.{kind}.{name}" for kind in kinds for name in THRESHOLDS),
        *(f"{PASSED}.{name}" for name in THRESHOLDS),
    }
    for row in measured.values():
        assert row["seed"] == 0
        assert row["low"] <= row["value"] <= row["high"]
        assert row["description"].startswith("synthetic faces, small recognizer: ")


def test_a_larger_distance_accepts_more(measured, thresholds):
    ordered = sorted(THRESHOLDS, key=thresholds.get)
    for rates in (f"{OWN}.true_accept", f"{OWN}.false_accept", PASSED):
        values = [measured[f"{rates}.{name}"]["value"] for name in ordered]
        assert values == sorted(values)


def test_accuracy_is_the_mean_of_what_is_rightly_taken_and_refused(measured):
    for name in THRESHOLDS:
        accuracy, taken, wrongly = (
            measured[f"{OWN}.{kind}.{name}"] for kind in ("accuracy", "true_accept", "false_accept")
        )
        assert accuracy["n"] == taken["n"] + wrongly["n"]
        expected = (taken["value"] + 1 - wrongly["value"]) / 2
        assert accuracy["value"] == pytest.approx(expected, abs=1e-12)
