"""Read the artifacts that contain the numbers of the verdict table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from typeone.runtime.artifacts import read_model_metadata, read_parquet


class Artifact(NamedTuple):
    """Content of one file: a table, or the metadata of a checkpoint; ``path`` names the file."""

    path: str
    content: Any


class Sources(NamedTuple):
    """Artifacts that contain the numbers.

    Attributes:
        f1, svae: checkpoints of Table I's classifier and of the SVAE, one per seed.
        others: checkpoints of other classifiers by name, one per seed.
        examples: judged examples by (attack, kind of `KINDS`, classifier), one per seed, with the
            column seed.
        ablations: of each ablated attack, by name.
        measurements: one table per experiment.
        rates, oracle, realism: one table each.
        calibration, people: one table each, of the paper's data set only.
    """

    f1: Sequence[Artifact]
    svae: Sequence[Artifact]
    others: Mapping[str, Sequence[Artifact]]
    examples: Mapping[tuple[str, str, str], Sequence[Artifact]]
    ablations: Mapping[str, Artifact]
    measurements: Sequence[Artifact]
    rates: Artifact
    oracle: Artifact
    realism: Artifact
    calibration: Artifact | None
    people: Artifact | None


def table(path: str, **columns: Any) -> Artifact:
    """Read the table at ``path`` and add ``columns``."""
    return Artifact(path, read_parquet(path).frame().assign(**columns))


def checkpoints(paths: Iterable[str]) -> list[Artifact]:
    """Read the metadata of the checkpoints at ``paths``."""
    return [Artifact(path, read_model_metadata(path)) for path in paths]


def read_sources(
    paths: Mapping[str, Any],
    *,
    runs: Sequence[tuple[str, str, str, int]],
    others: Sequence[str],
    ablated: Sequence[str],
) -> Sources:
    """Read the artifacts.

    Args:
        paths: by the fields of `Sources`; without people their path is empty.
        runs: (attack, kind, classifier, seed) of the examples.
        others: name of each of the other classifiers, seed by seed.
        ablated: name of each ablation.
    """
    examples: dict[tuple[str, str, str], list[Artifact]] = {}
    classifiers: dict[str, list[Artifact]] = {}
    for (attack, kind, target, seed), path in zip(runs, paths["examples"], strict=True):
        examples.setdefault((attack, kind, target), []).append(table(path, seed=seed))
    for name, checkpoint in zip(others, checkpoints(paths["others"]), strict=True):
        classifiers.setdefault(name, []).append(checkpoint)
    return Sources(
        f1=checkpoints(paths["f1"]),
        svae=checkpoints(paths["svae"]),
        others=classifiers,
        examples=examples,
        ablations=dict(zip(ablated, map(table, paths["ablations"]), strict=True)),
        measurements=[table(path) for path in paths["measurements"]],
        rates=table(paths["rates"]),
        oracle=table(paths["oracle"]),
        realism=table(paths["realism"]),
        calibration=table(paths["calibration"]) if paths["calibration"] else None,
        people=table(paths["people"]) if paths["people"] else None,
    )
