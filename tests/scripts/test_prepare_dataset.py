"""The script writes each split as it stands in the raw files, with its provenance."""

import hashlib
import runpy
import struct
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from snakemake.iocontainers import Params

from typeone.data import mnist as data
from typeone.runtime.artifacts import read_parquet

SCRIPT = str(Path(__file__).parents[2] / "scripts" / "prepare_dataset.py")
LIMIT = {"train": 400, "validation": 300, "test": 2}
FIRST = {"train": 0, "validation": 50_000, "test": 0}


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """A folder with four files of MNIST's sizes (the split counts on them) and other content."""
    folder = tmp_path_factory.mktemp("raw")
    rng = np.random.default_rng(0)
    arrays = {}
    for name in data.MNIST_SHA256:
        n = 60_000 if name.startswith("train") else 10_000
        shape, high = ((n, 28, 28), 256) if "images" in name else ((n,), 10)
        arrays[name] = rng.integers(0, high, shape, dtype=np.uint8)
        head = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
        (folder / name).write_bytes(head + arrays[name].tobytes())
    return folder, arrays


@pytest.fixture
def settings(raw, monkeypatch):
    for name in data.MNIST_SHA256:
        found = hashlib.sha256((raw[0] / name).read_bytes()).hexdigest()
        monkeypatch.setitem(data.MNIST_SHA256, name, found)
    return {"format": "mnist", "source": "path", "path": str(raw[0]), "mirrors": []}


@pytest.fixture
def outputs(tmp_path):
    return {name: str(tmp_path / "data" / f"{name}.parquet") for name in LIMIT}


@pytest.fixture
def prepare_dataset():
    return runpy.run_path(SCRIPT)["prepare_dataset"]


@pytest.mark.parametrize("name", LIMIT)
def test_split_comes_back_from_parquet(prepare_dataset, settings, outputs, raw, name):
    prepare_dataset(name="mnist", settings=settings, limit=LIMIT, outputs=outputs)
    split = read_parquet(outputs[name], shapes={"image": (1, 28, 28)})
    assert list(split.columns) == ["index", "image", "label"]
    assert [split[c].dtype for c in split.columns] == [np.int32, np.uint8, np.int64]
    rows = FIRST[name] + np.arange(LIMIT[name])
    part = "t10k" if name == "test" else "train"
    np.testing.assert_array_equal(split["index"], rows)
    np.testing.assert_array_equal(split["image"][:, 0], raw[1][f"{part}-images-idx3-ubyte"][rows])
    np.testing.assert_array_equal(split["label"], raw[1][f"{part}-labels-idx1-ubyte"][rows])


@pytest.mark.parametrize("name", LIMIT)
def test_metadata_says_where_a_split_came_from(prepare_dataset, settings, outputs, name):
    prepare_dataset(name="mnist", settings=settings, limit=LIMIT, outputs=outputs)
    metadata = read_parquet(outputs[name]).metadata
    part = "t10k" if name == "test" else "train"
    assert metadata["dataset"] == "mnist"
    assert metadata["split"] == name
    assert metadata["source"] == "path"
    assert metadata["value_range"] == [0, 255]
    assert metadata["sha256"] == {
        file: sum_ for file, sum_ in data.MNIST_SHA256.items() if file.startswith(part)
    }


def test_same_settings_give_the_same_bytes(prepare_dataset, settings, outputs):
    written = []
    for _ in range(2):
        prepare_dataset(name="mnist", settings=settings, limit=LIMIT, outputs=outputs)
        written.append([Path(path).read_bytes() for path in outputs.values()])
    assert written[0] == written[1]


def job(settings, outputs, log, name="mnist"):
    return SimpleNamespace(
        log=[str(log)],
        rule="prepare_dataset",
        wildcards=SimpleNamespace(dataset=name),
        params=Params(fromdict={"settings": settings, "limit": LIMIT}),
        output=outputs,
    )


def test_the_workflow_runs_the_same_function(settings, outputs, tmp_path):
    runpy.run_path(SCRIPT, {"snakemake": job(settings, outputs, tmp_path / "log")})
    assert [len(read_parquet(path)) for path in outputs.values()] == list(LIMIT.values())
    assert "mnist from path" in (tmp_path / "log").read_text()


def test_any_other_set_in_idx_files_is_taken_by_its_path(raw, outputs, tmp_path):
    settings = {"format": "idx", "path": str(raw[0])}
    runpy.run_path(SCRIPT, {"snakemake": job(settings, outputs, tmp_path / "log", "fashion")})
    tables = [read_parquet(path) for path in outputs.values()]
    assert [len(table) for table in tables] == list(LIMIT.values())
    assert {table.metadata["dataset"] for table in tables} == {"fashion"}


def test_an_unusable_path_ends_the_job_with_one_line_and_no_file(outputs, tmp_path, capsys):
    settings = {"format": "mnist", "source": "path", "path": str(tmp_path / "no"), "mirrors": []}
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(SCRIPT, {"snakemake": job(settings, outputs, tmp_path / "log")})
    assert caught.value.code == 1
    assert "which is not a folder" in (tmp_path / "log").read_text()
    assert capsys.readouterr().err.count("\n") == 1
    assert not any(Path(path).exists() for path in outputs.values())
