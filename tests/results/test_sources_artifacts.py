"""Faces and their judges after the smoke run: schemas, splits, and rates derived a second time."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file

from typeone.runtime.artifacts import read_model_metadata

SPLITS = ("train", "judge", "validation", "test")
JUDGES = ("plain", "wide")
FACES = {
    "index": "int32",
    "image": "fixed_size_binary[12288]",
    "label": "int64",
    "identity": "int32",
}
CURVE = {
    **{"epoch": "int64", "loss": "double", "train_error": "double", "lr": "double"},
    **{"validation_error": "double", "validation_no_face": "double"},
}
MEASUREMENTS = {
    **{"id": "string", "seed": "int64"},
    **dict.fromkeys(("description", "unit", "note"), "string"),
    **dict.fromkeys(("value", "low", "high", "shared"), "double"),
    "n": "int64",
}
NONFACES = ("strips", "rolled", "swirled", "pixels")


@pytest.fixture(scope="module")
def results(smoke):
    return smoke.root / "results"


@pytest.fixture
def settings(smoke_settings):
    """Those of drawn faces and of their judges."""
    return smoke_settings["faces"]["synthetic"], smoke_settings["face_judges"]


def columns(path):
    return {field.name: str(field.type) for field in pq.read_schema(path)}


def test_the_files_of_faces_and_judges_are_there(results):
    tables = {path.stem for path in (results / "data" / "faces").iterdir()}
    assert tables == set(SPLITS)
    made = {path.relative_to(results / "faces/judges") for path in results.glob("faces/judges/*/*")}
    assert {path.as_posix() for path in made} == {
        f"{name}/{file}" for name in JUDGES for file in ("model.safetensors", "curve.parquet")
    }


@pytest.mark.parametrize("split", SPLITS)
def test_a_split_has_its_people_and_its_faces(results, settings, split):
    path = results / "data" / "faces" / f"{split}.parquet"
    assert columns(path) == FACES
    note = json.loads(pq.read_metadata(path).metadata[b"typeone"])
    assert note["shapes"] == {"image": [3, 64, 64]}
    assert (note["source"], note["split"]) == ("synthetic", split)
    faces, _ = settings
    people, each = faces["identities"][split], faces["images"][split]
    table = pq.read_table(path).to_pydict()
    assert np.unique(table["identity"], return_counts=True)[1].tolist() == [each] * people
    assert sum(table["label"]) == people * each // 2
    assert len(set(table["image"])) == people * each


def test_no_face_and_no_person_is_in_two_splits(results):
    for column in ("index", "identity"):
        values = [
            set(pq.read_table(results / f"data/faces/{s}.parquet")[column].to_pylist())
            for s in SPLITS
        ]
        assert sum(map(len, values)) == len(set.union(*values))


@pytest.mark.parametrize("number", range(len(JUDGES)))
def test_a_judge_says_what_it_is_and_has_learnt(results, settings, number):
    name = JUDGES[number]
    folder = results / "faces" / "judges" / name
    faces, judges = settings
    metadata = read_model_metadata(folder / "model.safetensors")
    assert metadata["architecture"] == name
    assert metadata["seed"] == judges["seed"] + number
    assert metadata["training"] == judges["members"][name]["training"]
    assert metadata["train_n"] == faces["identities"]["judge"] * faces["images"]["judge"]
    tensors = load_file(folder / "model.safetensors")
    assert all(np.isfinite(tensor).all() for tensor in tensors.values())
    assert columns(folder / "curve.parquet") == CURVE
    loss = pq.read_table(folder / "curve.parquet")["loss"].to_pylist()
    assert len(loss) == metadata["training"]["epochs"]
    assert loss[-1] < loss[0]


def test_the_judges_have_their_rates(results, settings):
    path = results / "faces" / "judges" / "measurements.parquet"
    assert columns(path) == MEASUREMENTS
    rows = pq.read_table(path).to_pylist()
    wanted = [
        f"beyond.synthetic.judges.{name}.{what}"
        for name in (*JUDGES, "panel")
        for what in ("gender_accuracy", "face_rate", *(f"no_face_rate.{k}" for k in NONFACES))
    ]
    last = [
        f"beyond.synthetic.judges.panel.{what}_rate"
        for what in ("clear", "clear_and_right", "noisy", "blurred", "clean")
    ]
    assert [row["id"] for row in rows] == wanted + last
    faces, judges = settings
    for row in rows:
        assert row["seed"] == judges["seed"]
        assert row["n"] == faces["identities"]["test"] * faces["images"]["test"]
        assert 0 <= row["low"] <= row["value"] <= row["high"] <= 1
        assert "synthetic faces" in row["description"]
    found = {row["id"]: row["value"] for row in rows}
    assert found[last[1]] <= found[last[0]] <= found["beyond.synthetic.judges.panel.face_rate"]
