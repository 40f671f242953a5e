"""The comparison of two folders of results finds every kind of difference, and nothing else."""

import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file


@pytest.fixture
def folders(tmp_path):
    """Two equal folders of a table with NaN, rows and images, a checkpoint and a CSV."""
    before, after = tmp_path / "before", tmp_path / "after"
    (before / "mnist").mkdir(parents=True)
    (before / "logs").mkdir()
    images = list(np.arange(8, dtype=np.uint8).reshape(2, 4))
    table = pd.DataFrame({"value": [0.5, np.nan], "label": [3, 4], "image": images})
    table.to_parquet(before / "reproduction.parquet")
    save_file({"weight": np.ones((2, 3), np.float32)}, before / "mnist" / "model.safetensors")
    (before / "table.csv").write_text("id,value\na,1\n")
    (before / "logs" / "job.log").write_text("12:00")
    shutil.copytree(before, after)
    return before, after


def compared(repository, before, after, *options):
    script = repository / "tests" / "compare_results.py"
    command = [sys.executable, script, before, after, *options]
    result = subprocess.run(command, capture_output=True, text=True)
    return result.returncode, result.stdout.splitlines()


def test_equal_folders_are_equal(repository, folders):
    (folders[1] / "logs" / "job.log").write_text("13:00")
    assert compared(repository, *folders) == (0, ["3 files, 6 columns: 0 differences"])


def spoil_value(folder):
    table = pd.read_parquet(folder / "reproduction.parquet")
    table.loc[0, "value"] = np.nextafter(0.5, 1)
    table.to_parquet(folder / "reproduction.parquet")


def spoil_type(folder):
    table = pd.read_parquet(folder / "reproduction.parquet")
    table.astype({"label": "int32"}).to_parquet(folder / "reproduction.parquet")


def spoil_image(folder):
    table = pd.read_parquet(folder / "reproduction.parquet")
    table.at[1, "image"] = np.array([4, 5, 6, 0], np.uint8)
    table.to_parquet(folder / "reproduction.parquet")


def spoil_weight(folder):
    save_file({"weight": np.full((2, 3), 2, np.float32)}, folder / "mnist" / "model.safetensors")


def rename_column(folder):
    table = pd.read_parquet(folder / "reproduction.parquet")
    table.rename(columns={"label": "class"}).to_parquet(folder / "reproduction.parquet")


SPOILT = {
    "reproduction.parquet: value differs": spoil_value,
    "reproduction.parquet: label differs": spoil_type,
    "reproduction.parquet: image differs": spoil_image,
    "mnist/model.safetensors: weight differs": spoil_weight,
    "table.csv: value differs": lambda folder: (folder / "table.csv").write_text("id,value\na,2\n"),
    "only before: table.csv": lambda folder: (folder / "table.csv").unlink(),
    "only after: new.csv": lambda folder: (folder / "new.csv").write_text("id\n"),
    "reproduction.parquet: columns differ: class, label": rename_column,
}


@pytest.mark.parametrize("line", SPOILT)
def test_a_difference_is_named(line, repository, folders):
    SPOILT[line](folders[1])
    status, lines = compared(repository, *folders)
    assert status == 1
    assert lines[0] == line
    assert lines[-1].endswith(": 1 differences")


def test_a_renamed_column_is_the_same_column(repository, folders):
    rename_column(folders[1])
    assert compared(repository, *folders, "--renamed", "label=class")[0] == 0
