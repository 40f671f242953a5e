"""The benchmark of Algorithm 2 runs and prints its tables; how fast it is, is no test."""

import re
import subprocess
import sys


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
