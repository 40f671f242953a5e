"""The script writes the four tables of a folder in CelebA's official layout, or says why not."""

import importlib.util
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from snakemake.iocontainers import Params

from typeone.data.face_tables import SPLITS
from typeone.data.faces import FaceTable

ROOT = Path(__file__).parents[2]
SCRIPT = str(ROOT / "scripts" / "prepare_faces.py")
NO_LIMIT = dict.fromkeys(SPLITS)


def load(path):
    found = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def celeba(tmp_path_factory):
    folder = tmp_path_factory.mktemp("celeba") / "CelebA"
    return folder, load(ROOT / "tests" / "typeone" / "celeba.py").write_celeba(folder, images=3)


@pytest.fixture
def outputs(tmp_path):
    return {split: str(tmp_path / "data" / f"{split}.parquet") for split in SPLITS}


def job(source, settings, outputs, log, limit=NO_LIMIT):
    return SimpleNamespace(
        log=[str(log)],
        rule="prepare_faces",
        threads=1,
        input={},
        wildcards={},
        params=Params(fromdict={"source": source, "settings": settings, "limit": limit}),
        output=outputs,
    )


def test_celeba_becomes_four_tables(celeba, outputs, tmp_path):
    folder, rows = celeba
    limit = NO_LIMIT | {"train": 30}
    said = job("celeba", {"path": str(folder)}, outputs, tmp_path / "log", limit)
    runpy.run_path(SCRIPT, {"snakemake": said})
    tables = {split: FaceTable(path) for split, path in outputs.items()}
    assert len(tables["train"]) == 30
    assert len(tables["test"]) == sum(row[3] == 1 for row in rows)
    for split, table in tables.items():
        assert table.labels.tolist() == [rows[i][1] for i in table.index]
        assert table.identities.tolist() == [rows[i][2] for i in table.index]
        assert table.metadata["source"] == "celeba"
        assert table.metadata["split"] == split
        assert table.metadata["skipped"] == 0
    people = [set(table.identities.tolist()) for table in tables.values()]
    assert sum(map(len, people)) == len(set.union(*people))
    assert "faces from source celeba: skipped 0, left_out 0" in (tmp_path / "log").read_text()


def test_a_folder_of_anything_becomes_four_tables(celeba, outputs, tmp_path):
    folder, rows = celeba
    lines = [f"{file},{('female', 'male')[label]},{who}" for file, label, who, _ in rows]
    (tmp_path / "faces.csv").write_text("\n".join(["file,label,identity", *lines]))
    settings = {"path": str(folder / "img_align_celeba"), "csv": str(tmp_path / "faces.csv")}
    said = job("folder", settings | {"seed": 0}, outputs, tmp_path / "log")
    with pytest.raises(SystemExit):  # by chance
        runpy.run_path(SCRIPT, {"snakemake": said})
    assert (
        "has only male faces in the split validation; needs both" in (tmp_path / "log").read_text()
    )
    said = job("folder", settings | {"seed": 1}, outputs, tmp_path / "log")
    runpy.run_path(SCRIPT, {"snakemake": said})
    tables = [FaceTable(path) for path in outputs.values()]
    assert sum(map(len, tables)) == len(rows)
    for table in tables:
        assert table.labels.tolist() == [rows[i][1] for i in table.index]


def test_drawn_faces_become_four_tables(outputs, tmp_path):
    counts = dict.fromkeys(SPLITS, 4)
    settings = {"seed": 1, "identities": counts, "images": counts}
    runpy.run_path(SCRIPT, {"snakemake": job("synthetic", settings, outputs, tmp_path / "log")})
    for path in outputs.values():
        table = FaceTable(path)
        assert len(table) == 16
        assert np.bincount(table.labels).tolist() == [8, 8]


def test_a_folder_that_is_not_there_ends_the_job_with_one_line(outputs, tmp_path, capsys):
    said = job("celeba", {"path": str(tmp_path / "no")}, outputs, tmp_path / "log")
    with pytest.raises(SystemExit) as caught:
        runpy.run_path(SCRIPT, {"snakemake": said})
    assert caught.value.code == 1
    assert "which is not a folder; it needs CelebA's" in (tmp_path / "log").read_text()
    assert capsys.readouterr().err.count("\n") == 1
    assert not any(Path(path).exists() for path in outputs.values())
