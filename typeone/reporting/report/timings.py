"""Run times of jobs, as the workflow measured them; they differ from run to run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

ATTACKS = ("attack_svae", "attack_baseline", "attack_own", "attack_type2")
"""Names of the folders with benchmarks of attacks on digits."""


def last_run(path: Path) -> pd.DataFrame:
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


def attack_seconds(
    folder: str | os.PathLike[str], counts: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Return the wall-clock seconds per image of each attack on each classifier, the longest first.

    The start of the jobs is included, and a job that continued after an interruption counts from
    its last start.

    Args:
        folder: benchmark tables of a data set, ``{rule}/{attack}.{target}.seed{seed}.*tsv``.
        counts: number of images per seed, by attack.
    """
    files: dict[tuple[str, str], dict[str, list[Path]]] = {}
    for path in (path for rule in ATTACKS for path in sorted((Path(folder) / rule).glob("*.tsv"))):
        attack, target, seed = path.name.split(".")[:3]
        files.setdefault((attack, target), {}).setdefault(seed, []).append(path)
    entries = []
    for (attack, target), seeds in files.items():
        if attack not in counts:
            continue  # of earlier settings
        spent = sum(float(last_run(path)["s"].iloc[0]) for each in seeds.values() for path in each)
        images = counts[attack] * len(seeds)
        entries.append(
            {"attack": attack, "target": target, "images": images, "seconds": spent / images}
        )
    return sorted(entries, key=lambda entry: -entry["seconds"])


def run_times(
    folder: str | os.PathLike[str], datasets: Sequence[str], counts: Mapping[str, int]
) -> dict[str, Any]:
    """Return `timings` of all rules and `attack_seconds` of the first data set.

    Args:
        folder: all benchmark tables.
        datasets: names of the data sets, that of the paper first.
        counts: see `attack_seconds`.
    """
    return {
        "timings": timings(benchmarks_by_rule(folder, datasets)),
        "seconds": attack_seconds(Path(folder) / datasets[0], counts),
    }
