"""A short round of tests/chaos/run.py, and that it would see what is wrong."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from .run import Job, artifacts, differences, jobs_of, kill, not_resumed

FEW = [f"results/mnist/attacks/{a}/mlp/seed0/examples.parquet" for a in ("paper", "cw_l2")]


@pytest.mark.slow
def test_a_workflow_killed_three_times_ends_in_the_bytes_of_a_calm_one(repository):
    result = subprocess.run(
        [sys.executable, "-m", "tests.chaos.run", "--kills=3", *FEW],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    rows = [line.split(" | ") for line in result.stdout.splitlines() if re.match(r"\| \d", line)]
    assert [row[0] for row in rows] == ["| 1", "| 2", "| 3"]
    last = result.stdout.splitlines()[-1]
    assert re.match(r"3 kills, \d+ jobs hit, \d+ of them went on from a sidecar; ", last)
    files = int(
        re.search(r"complete runs? of (\d+) files, all with the bytes of the calm one", last)[1]
    )
    assert files >= 20  # of data, networks and attacks


# --------------------------------------------------------------------------- what it would see


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    for name in (
        "a.csv",
        "mnist/b.parquet",
        "logs/train.log",
        "benchmarks/train.tsv",
        "report/index.html",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def test_logs_benchmarks_and_what_shows_them_are_no_artifacts(results):
    assert artifacts(results).keys() == {"a.csv", "mnist/b.parquet"}


def test_the_same_files_do_not_differ(results):
    wanted = artifacts(results)
    (results / "logs/train.log").write_text("at another time")
    assert differences(artifacts(results), wanted) == []


def test_other_bytes_missing_files_and_leftovers_differ(results):
    wanted = artifacts(results)
    (results / "a.csv").write_text("another")
    (results / "mnist/b.parquet").rename(results / "mnist/.b.parquet.17.part")
    (results / ".resume/svae").mkdir(parents=True)
    (results / ".resume/svae/checkpoint.safetensors").touch()
    assert differences(artifacts(results), wanted) == [
        "missing: mnist/b.parquet",
        "left over: .resume/svae/checkpoint.safetensors",
        "left over: mnist/.b.parquet.17.part",
        "other bytes: a.csv",
    ]


def test_a_job_that_had_saved_must_say_that_it_went_on(tmp_path):
    log = tmp_path / "train.log"
    jobs = [Job("train", 3.0, log, saved=True), Job("plot", 1.0, tmp_path / "no.log")]
    log.write_text("INFO typeone.training.loop: a net: resumed at step 7 of 9\n")
    assert not_resumed(jobs) == []
    log.write_text("INFO typeone.training.loop: a net: step 1 of 9\n")
    assert not_resumed(jobs) == [f"began anew: {log}"]


SCRIPT = """
import logging, sys, time
from pathlib import Path
root = Path(sys.argv[1])
logging.basicConfig(
    filename=root / "results/logs/train.log",
    level=logging.DEBUG,
    format="%(asctime)s %(levelname)s %(name)s: %(message)s",
)
logging.getLogger("typeone.runtime.checkpoints").debug("saved results/.resume/x.safetensors")
(root / "ready").touch()
time.sleep(60)
"""


@pytest.mark.parametrize("kept", [True, False])
def test_a_kill_counts_what_is_lost_since_the_last_save(tmp_path, kept):
    script = tmp_path / ".snakemake" / "scripts" / "tmp1234.train.py"
    for folder in (script.parent, tmp_path / "results/logs", tmp_path / "results/.resume"):
        folder.mkdir(parents=True)
    script.write_text(SCRIPT)
    if kept:
        (tmp_path / "results/.resume/x.safetensors").touch()
    # a shell in between, as Snakemake and its jobs have one
    running = subprocess.Popen(
        ["sh", "-c", f"'{sys.executable}' '{script}' '{tmp_path}'; true"], start_new_session=True
    )
    try:
        patience = time.monotonic() + 60
        while not (tmp_path / "ready").exists():
            assert time.monotonic() < patience
            time.sleep(0.02)
        time.sleep(1.0)
        [job] = kill(running.pid, tmp_path)
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
        status = running.wait()
    assert status == -signal.SIGKILL
    assert job.name == "train"
    assert job.log == tmp_path / "results/logs/train.log"
    assert job.saved == kept
    assert job.age >= 1.0
    assert 1.0 <= job.lost <= job.age + 0.1  # /proc counts in hundredths of a second
    assert kept or job.lost == job.age
    assert list(jobs_of(running.pid)) == []
