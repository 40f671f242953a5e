"""Run times of jobs, as the workflow measured them; they differ from run to run."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

TimedRun = tuple[str, str, int, Sequence[str | os.PathLike[str]]]


def last_run(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Return the last line of a benchmark table: the last run of its job."""
    return pd.read_csv(path, sep="\t", na_values="-").tail(1)


def timings(files: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return one entry per rule, the longest first: jobs, wall-clock and CPU seconds, memory.

    ``files``: by rule, its benchmark tables; the last line of each is the last run of a job.
    ``memory`` is the maximum over its jobs, in MB. Values too small to measure count as 0.
    Snakemake samples CPU time and memory twice a second, after 15 s every 30 s; usage after the
    last sample is missing.
    """
    entries = []
    for rule, paths in files.items():
        rows = pd.concat([last_run(path) for path in paths])
        entries.append(
            {
                "rule": rule,
                "jobs": len(paths),
                "seconds": float(rows["s"].sum()),
                "cpu": float(rows["cpu_time"].fillna(0).sum()),
                "memory": float(rows["max_rss"].fillna(0).max()),
            }
        )
    return sorted(entries, key=lambda entry: (-entry["seconds"], entry["rule"]))


def benchmarks_by_rule(
    folder: str | os.PathLike[str], datasets: Sequence[str]
) -> dict[str, list[Path]]:
    """Return the benchmark tables in ``folder``, by the rule or script that they are named after.

    Those of some rules are in a folder of one of ``datasets``.
    """
    files: dict[str, list[Path]] = {}
    for path in sorted(Path(folder).rglob("*.tsv")):
        name = next(part for part in path.relative_to(folder).parts if part not in datasets)
        files.setdefault(name.removesuffix(".tsv"), []).append(path)
    return files


def attack_seconds(timed: Sequence[TimedRun]) -> list[dict[str, Any]]:
    """Return the wall-clock seconds per image of each attack on each classifier, the longest first.

    The seconds of all jobs of a run are added up, including their start. A job that continued after
    an interruption counts from its last start. An attack without all of its benchmarks is left out.

    Args:
        timed: attack, target, number of images and benchmark tables of each.
    """
    entries = []
    for attack, target, images, paths in timed:
        if not all(Path(path).exists() for path in paths):
            continue
        seconds = sum(float(last_run(path)["s"].iloc[0]) for path in paths) / images
        if math.isfinite(seconds):
            entries.append(
                {"attack": attack, "target": target, "images": images, "seconds": seconds}
            )
    return sorted(entries, key=lambda entry: -entry["seconds"])


def run_times(
    folder: str | os.PathLike[str], datasets: Sequence[str], timed: Sequence[TimedRun]
) -> dict[str, Any]:
    """Return `timings` of the benchmark tables in ``folder``, and `attack_seconds` of ``timed``."""
    return {
        "timings": timings(benchmarks_by_rule(folder, datasets)),
        "seconds": attack_seconds(timed),
    }
