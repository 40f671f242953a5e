"""Benchmarks run and print their tables, and GPU tests run; how fast they are is not tested."""

import importlib
import itertools
import math
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest


def test_the_benchmark_prints_every_table(repository):
    result = subprocess.run(
        [sys.executable, repository / "tests" / "benchmarks" / "attack.py", "--quick"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in result.stdout.splitlines()
        if line.startswith("|") and not re.fullmatch(r"[|\s:-]+", line)
    ]
    first = {row[0].split(",")[0] for row in rows}
    assert {"one image at a time", "plain eager", "this engine", "foolbox PGD on f1"} <= first
    assert {"kept", "handed back", "20", "200"} <= first
    assert {"no sidecar", "saved as jobs do", "saved at every step"} <= first
    names = ("one image", "plain eager", "this engine", "foolbox", "limit")
    speeds = [row[1] for row in rows if row[0].startswith(names)]
    assert len(speeds) >= 10
    assert all(float(speed.replace(",", "")) > 0 for speed in speeds)


def test_the_benchmark_of_the_spheres_prints_both_ways(repository):
    result = subprocess.run(
        [sys.executable, repository / "tests/benchmarks/sphere.py", "--steps=200", "--rounds=1"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    _, _, *rows = result.stdout.splitlines()
    assert [row.split("|")[1].strip().split()[0] for row in rows] == ["autograd,", "closed"]
    assert all(float(row.split("|")[2]) > 0 for row in rows)


def test_the_benchmark_of_a_gpu_prints_every_table(repository):
    """On the CPU at small size; what it measures on a card stands in docs/performance.md."""
    result = subprocess.run(
        [sys.executable, repository / "tests/benchmarks/gpu.py", "--small"],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
    )
    assert result.returncode == 0, result.stderr
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in result.stdout.splitlines()
        if line.startswith("|")
    ]
    of_targets = [row for row in rows if row[0] in ("mlp", "lenet", "cnn") and len(row) == 7]
    measured = [row for row in of_targets if not row[1].isdigit()]  # the others are trainings
    assert len(measured) == 3 * (1 + 3 * 2)  # one image, and three ways at two batches
    assert all(float(row[3].replace(",", "")) > 0 for row in of_targets)
    first = {row[0] for row in rows}
    assert {"SVAE of digits, stage 1", "SVAE of digits, stage 2", "AC-GAN"} <= first
    assert {"forward", "forward and input gradient", "products (this library)"} <= first
    hours = {row[0]: row[2] for row in rows if len(row) == 3}
    assert float(hours["all of these"]) > 0
    assert "not measured, the time given is over" not in result.stdout


def test_the_gpu_tests_run_where_a_cpu_takes_the_part_of_the_card(repository):
    """A few of each file: so that they are whole when there is a card."""
    chosen = "shards or memory or (learns and stage) or oracle or float32_is or waits_for"
    result = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("--confcutdir=tests/gpu", "tests/gpu", "-k", chosen),
        ],
        cwd=repository,
        env=os.environ | {"TYPEONE_CARD": "cpu", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout[-3000:]
    assert "10 passed, 1 skipped" in result.stdout, result.stdout[-500:]


@pytest.fixture
def scale(repository, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / "tests" / "benchmarks"))
    return importlib.import_module("scale")


def test_the_simulated_cluster_takes_what_a_hand_calculates(scale):
    """Jobs cost 6 s more; five are submitted a second; ended ones are seen every 40 s."""
    one = {"targets": 1, "shards": 1, "workers": 1, "planning": 0.0}
    # 0.2 to 106.2, seen at 120; the judge 120.2 to 136.2, seen at 160
    assert scale.makespan(100, 10, **one) == 160
    assert scale.makespan(100, 10, **one | {"planning": 30.0}) == 200
    # two shards on one worker: 0.2 to 106.2, from 120 to 226, seen at 240; judge to 256.2
    assert scale.makespan(100, 10, **one | {"shards": 2}) == 280
    assert scale.makespan(100, 10, **one | {"shards": 2, "workers": 2}) == 160


def test_the_benchmark_of_scale_prints_costs_by_shards(scale, capsys):
    scale.main(["--digits=128", "--targets=2", "--workers=2", "--steps=2", "--planned=2"])
    text = capsys.readouterr().out
    rows = [line.split("|")[1:-1] for line in text.splitlines() if re.match(r"\| \d", line)]
    assert [int(row[0]) for row in rows] == [1, 2]
    assert [int(row[1]) for row in rows] == [4, 6]
    assert all(0 < float(row[4]) <= 1 for row in rows)
    assert re.search(r"attack, a digit \| \d+\.\d+", text)


@pytest.fixture
def table1(repository, monkeypatch):
    monkeypatch.syspath_prepend(str(repository / "tests" / "benchmarks"))
    return importlib.import_module("table1_conditions")


def benchmark(repository, name, *arguments):
    """The lines that a benchmark prints."""
    result = subprocess.run(
        [sys.executable, repository / "tests/benchmarks" / name, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_conditions_of_table1_are_scored_once_and_compared(repository, smoke, tmp_path):
    how = ("--results", smoke.root / "results", "--out", tmp_path, "--only", "LeNet, 3 epochs")
    few = ("--seed", 0, "--count", 8, "--slow", 4)
    (line,) = benchmark(repository, "table1_conditions.py", "score", *how, *few)
    assert re.fullmatch(r"LeNet, 3 epochs: test error \d+\.\d+%", line)
    assert benchmark(repository, "table1_conditions.py", "score", *how, *few) == []
    lines = benchmark(repository, "table1_conditions.py", "compare", "--out", tmp_path, "--top", 2)
    rows = [line.split(" | ") for line in lines if line.startswith("| LeNet, 3 epochs")]
    assert [len(row) for row in rows] == [12, 12, 9, 9]
    total, *parts = (float(cell) for cell in rows[0][3:10])
    assert total == pytest.approx(sum(parts), abs=4)  # each is rounded
    assert total >= float(rows[1][3])  # the likeliest first


def test_errors_and_rates_are_drawn_against_epochs(repository, smoke, tmp_path):
    how = ("--results", smoke.root / "results", "--out", tmp_path, "--epochs", 3)
    few = ("--seed", 0, "--fours", 2, "--steps", 3, "--count", 4)
    for network in ("lenet", "svae"):
        benchmark(repository, "epochs.py", "train", network, *how, *few)
    rows = pd.read_csv(tmp_path / "lenet3.csv")
    rates = ["0.2510", "0.6089", "0.9353"]
    every = ["test error", *(f"rejected at {rate}" for rate in rates)]
    assert rows.groupby("epochs").measure.apply(list).to_dict() == {
        **dict.fromkeys((1, 2), every),
        3: [*every, "f1's confidence in 4 (Fig. 6)"],
    }
    assert rows.value.between(0, 1).all()
    figure = tmp_path / "epochs.png"
    benchmark(repository, "epochs.py", "plot", "--out", tmp_path, "--figure", figure)
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_the_likelihood_of_counts_is_a_distribution(table1):
    ours, n = np.array([3, 0, 5, 2]), 6
    draws = [(*d, n - sum(d)) for d in itertools.product(range(n + 1), repeat=3) if sum(d) <= n]
    chances = {d: math.exp(table1.log_likelihood(np.array(d), ours)) for d in draws}
    assert sum(chances.values()) == pytest.approx(1)
    assert max(chances, key=chances.get) in {(2, 0, 3, 1), (1, 0, 4, 1), (2, 0, 4, 0)}
    # one draw: half a digit more in each of the four
    assert math.exp(table1.log_likelihood(np.array([0, 1, 0, 0]), ours)) == pytest.approx(0.5 / 12)


def test_the_best_thresholds_are_those_that_make_the_published_counts(table1):
    distances = np.repeat([0.1, 0.45, 1.0, 1.8], [40, 30, 20, 10])
    published = {"clean": np.array([200, 150, 100, 50])}
    zetas, fit = table1.best_thresholds(published, {"clean": distances})
    assert list(np.histogram(distances, bins=[-1, *zetas, 2])[0]) == [40, 30, 20, 10]
    assert fit == pytest.approx(
        table1.log_likelihood(published["clean"], np.array([40, 30, 20, 10]))
    )
