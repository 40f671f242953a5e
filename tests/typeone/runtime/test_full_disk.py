"""A full disk gives one line that names the file, leaves no half of it, and the next try heals it.

A limit on the size of files stands for the disk where no disk can be mounted.
"""

import logging
import os
import resource
import subprocess
import sys
import tempfile
from contextlib import contextmanager

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from typeone.data.faces import FaceTable, FaceWriter
from typeone.data.shapes import FACE_SHAPE
from typeone.reporting.plotting import save_figure
from typeone.reporting.tables.files import write_table
from typeone.runtime.artifacts import inspect, save_model, write_parquet
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.errors import InputError, needs_room
from typeone.runtime.job import _LogFile, job_log
from typeone.runtime.logs import logger

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (40, *FACE_SHAPE), dtype=np.uint8)  # half a megabyte that stays one


@contextmanager
def small_disk(size):
    """Let no file of this process grow beyond ``size`` bytes, not even what pytest writes to."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def tiny(tmp_path):
    """A disk of 256 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"cannot mount a disk here: {error}")
    yield disk
    subprocess.run(["umount", disk], check=True)


def write_faces(path):
    with FaceWriter(path) as faces:
        for rows in np.split(np.arange(len(NOISE)), 4):
            faces.write(rows, NOISE[rows], rows % 2, rows)


def write_figure(path):
    figure, axes = plt.subplots()
    axes.imshow(NOISE[0].transpose(1, 2, 0))
    try:
        save_figure(figure, [path], dpi=200)
    finally:
        plt.close(figure)


def write_csv(path):
    rows = pd.DataFrame({"value": RNG.normal(size=50_000)})
    paths = dict.fromkeys(("md", "tex"), path.with_suffix(".other")) | {"csv": path}
    write_table(paths, rows, rows[:1])


WRITERS = {
    "table.parquet": lambda path: write_parquet(path, {"image": NOISE}),
    "faces.parquet": write_faces,
    "model.safetensors": lambda path: save_model(path, torch.nn.Linear(400, 400), metadata={}),
    "checkpoint.safetensors": lambda path: Checkpoint(path.parent, "digest").save(
        {"model": torch.zeros(400, 400)}, {}
    ),
    "figure.png": write_figure,
    "table.csv": write_csv,
}


@pytest.mark.parametrize("name", WRITERS)
def test_what_does_not_fit_leaves_the_old_file_and_one_line(tmp_path, name):
    path = tmp_path / name
    path.write_text("old")
    line = (
        rf"^cannot write \S+/{name}: File too large, \d+\.\d MB are free there; free some space "
        rf"and run"
    )
    with pytest.raises(InputError, match=line), small_disk(20_000):
        WRITERS[name](path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", WRITERS)
def test_once_there_is_room_the_same_call_works(tiny, name):
    filler = tiny / "filler"
    filler.write_bytes(bytes(236_000))
    path = tiny / name
    message = rf"cannot write \S+/{name}: No space left on device, 0\.0 MB are free there"
    with pytest.raises(InputError, match=message):
        WRITERS[name](path)
    assert list(tiny.iterdir()) == [filler]
    subprocess.run(["mount", "-o", "remount,size=4m", tiny], check=True)
    WRITERS[name](path)
    assert path.stat().st_size > 20_000
    if "checkpoint" not in name and path.suffix in (".parquet", ".safetensors"):
        inspect(path)


def test_a_folder_that_cannot_be_made_is_told(tiny):
    subprocess.run(["mount", "-o", "remount,nr_inodes=2", tiny], check=True)
    (tiny / "last").touch()
    with pytest.raises(InputError, match=r"cannot write \S+/some/where/x.parquet: No space left"):
        write_parquet(tiny / "some" / "where" / "x.parquet", {"label": [1]})


def test_faces_need_room_for_a_scratch_file(tmp_path, monkeypatch):
    """It is the place of temporary files that is full then: the table is not to blame."""
    path = tmp_path / "faces.parquet"
    write_faces(path)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    message = r"^cannot write \S+/scratch: File too large"
    with pytest.raises(InputError, match=message), small_disk(20_000):
        FaceTable(path)
    assert inspect(path)["kind"] == "table"


def test_a_log_without_room_ends_the_job_with_one_line(tmp_path, capsys):
    done = []
    with (  # noqa: PT012
        pytest.raises(SystemExit) as stopped,
        small_disk(1000),
        job_log(tmp_path / "x.log", "train_x", []),
    ):
        for number in range(30):
            logger.debug("number %d of many lines that fill the log", number)
            done.append(number)
    assert stopped.value.code == 1
    assert 0 < len(done) < 20
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith(f"[train_x] cannot write {tmp_path}/x.log: File too large, ")
    assert (tmp_path / "x.log").stat().st_size <= 1000


def test_a_line_that_cannot_be_formatted_does_not_end_the_job(tmp_path, capsys):
    """Asked of the log file itself: pytest's own handlers of logs raise here."""
    file = _LogFile(tmp_path / "x.log", mode="w")
    for text in ("%d lines", "on with %s"):
        file.handle(logging.LogRecord("typeone", logging.DEBUG, "x.py", 1, text, ("it",), None))
    file.close()
    assert (tmp_path / "x.log").read_text() == "on with it\n"
    assert "%d format: a real number is required" in capsys.readouterr().err


def test_other_errors_stay_what_they_are(tmp_path):
    with pytest.raises(IsADirectoryError), needs_room(tmp_path):
        tmp_path.write_text("x")


FULL_RUN = """
import sys
from typeone.runtime.errors import InputError
from typeone.runtime.job import job_log
from typeone.runtime.artifacts import write_rows
with job_log("x.log", "evaluate_x", []):
    write_rows("rows.parquet", [{"n": i, "name": str(i) * 9} for i in range(90_000)])
"""


def test_a_job_on_a_full_disk_exits_with_that_line(tiny):
    result = subprocess.run(
        [sys.executable, "-c", FULL_RUN], cwd=tiny, env=os.environ, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert result.stderr.startswith(
        "[evaluate_x] cannot write rows.parquet: No space left on device"
    )
    assert result.stderr.count("\n") == 1
    assert [p.name for p in tiny.iterdir()] == ["x.log"]
