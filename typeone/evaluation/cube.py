"""Evaluate classifiers of the toy cube and measure moves along its features (II-A, Fig. 2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from typeone.evaluation.intervals import Rate, mean_interval, rate
from typeone.evaluation.measurements import measurement
from typeone.runtime.devices import seeded
from typeone.theory.cube import (
    FEATURES,
    X1,
    X2,
    X3,
    LinearClassifier,
    labels_of,
    logistic_loss,
    move_across,
    oracle,
    sample_cube,
    sample_points,
)
from typeone.training.loop import TrainingSettings, train

READS = {"f1": (X1, X3), "free": (X1, X2, X3)}
"""Features that each classifier reads, by name. ``free`` reads all three, as a control."""

READERS = {"f1": "f1, which reads x1 and x3", "free": "a classifier that may read all three"}


def feature_columns(points: Tensor, names: Sequence[str] = FEATURES) -> dict[str, np.ndarray]:
    """Return the coordinates of points ``(N, 3)`` as one column ``(N,)`` per feature."""
    return {name: points[:, i].numpy() for i, name in enumerate(names)}


@torch.no_grad()
def feature_moves(
    name: str, model: LinearClassifier, points: Tensor, *, overshoot: float
) -> pd.DataFrame:
    """Return one row per move of a true positive among ``points`` ``(N, 3)``.

    A Type II move goes along x3 past the classifier's plane. A Type I move goes along x2 past f2's
    plane. Each passes the plane by ``overshoot``. Columns: classifier (``name``), type, sample (a
    row of ``points``), the features before and after, and the outputs of both f1 and f2 before and
    after.
    """
    score = model(points)
    positive = (score > 0) & (oracle(points) > 0)
    start = points[positive]
    ends = {
        2: move_across(
            start, model(start), axis=X3, slope=model.weights()[X3].item(), overshoot=overshoot
        ),
        1: move_across(start, oracle(start), axis=X2, slope=1.0, overshoot=overshoot),
    }
    return pd.concat(
        pd.DataFrame(
            {
                **{"classifier": name, "type": kind, "sample": np.flatnonzero(positive.numpy())},
                **feature_columns(start),
                **feature_columns(end, [f"{f}_end" for f in FEATURES]),
                **{"f1_before": model(start).numpy(), "f1_after": model(end).numpy()},
                **{"f2_before": oracle(start).numpy(), "f2_after": oracle(end).numpy()},
            }
        )
        for kind, end in ends.items()
    )


def move_measurements(name: str, moves: pd.DataFrame, *, seed: int) -> Iterator[dict[str, Any]]:
    """Yield rows on both kinds of `feature_moves` against the classifier ``name``."""
    for kind, axis, roman in ((2, "x3", "II"), (1, "x2", "I")):
        rows = moves[moves["type"] == kind]
        turned = {
            f: ((rows[f"{f}_before"] > 0) != (rows[f"{f}_after"] > 0)).to_numpy()
            for f in ("f1", "f2")
        }
        changed, kept = ("f1", "f2") if kind == 2 else ("f2", "f1")
        called = {"f1": "the classifier", "f2": "the oracle"}
        same = (rows[f"{kept}_before"] == rows[f"{kept}_after"]).to_numpy()
        drift = (rows[f"{kept}_after"] / rows[f"{kept}_before"] - 1).abs().to_numpy()
        distance = (rows[f"{axis}_end"] - rows[axis]).abs().to_numpy()
        moved = f"Type {roman} moves along {axis} against {READERS[name]}"
        prefix = f"beyond.toy.{name}.type{kind}"
        yield measurement(
            f"{prefix}.success",
            rate(turned[changed] & ~turned[kept]),
            seed=seed,
            description=f"{moved}: {called[changed]} changes its output, {called[kept]} does not",
        )
        yield measurement(
            f"{prefix}.exact",
            rate(same),
            seed=seed,
            description=f"{moved}: {called[kept]} gives the same output to the bit",
        )
        yield measurement(
            f"{prefix}.drift",
            mean_interval(drift),
            seed=seed,
            description=f"{moved}: mean change of {called[kept]}'s output, relative to it",
            unit="relative",
        )
        yield measurement(
            f"{prefix}.distance",
            mean_interval(distance),
            seed=seed,
            description=f"{moved}: mean length",
            unit="units of a feature",
        )


def classifier_measurements(
    name: str, model: LinearClassifier, sets: Mapping[str, tuple[Tensor, Tensor]], *, seed: int
) -> Iterator[dict[str, Any]]:
    """Yield rows on the accuracies and the squared weights of the classifier ``name``.

    ``sets``: points ``(N, 3)`` and labels ``(N,)``, by train_accuracy, test_accuracy and
    cube_accuracy.
    """
    texts = {
        "train_accuracy": "training points",
        "test_accuracy": "held-out points of the same distribution",
        "cube_accuracy": "points of the whole cube, where x3 does not follow x2",
    }
    with torch.no_grad():
        right = {
            what: (labels_of(model(points)) == labels).numpy()
            for what, (points, labels) in sets.items()
        }
    for what, hits in right.items():
        yield measurement(
            f"beyond.toy.{name}.{what}",
            rate(hits),
            seed=seed,
            description=f"accuracy of {READERS[name]}, on {texts[what]}",
        )
    shares = model.weights().square() / model.weights().square().sum()
    n = len(sets["train_accuracy"][0])
    for feature, share in zip(FEATURES, shares.tolist(), strict=True):
        yield measurement(
            f"beyond.toy.{name}.weight_{feature}",
            Rate(share, share, share, n),
            seed=seed,
            description=f"share of {feature} in the squared weights of {READERS[name]}",
            note="spread over seeds only",
        )


def evaluate_cube(
    seed: int,
    *,
    train_count: int,
    test_count: int,
    half_width: float,
    margin: float,
    overshoot: float,
    training: Mapping[str, Any],
) -> dict[str, pd.DataFrame]:
    """Sample the toy data of one ``seed``, train its classifiers and measure moves against them.

    Args:
        train_count, test_count: number of points of each split; the cube has ``test_count`` points.
        half_width, margin: of the cube, see `sample_points`.
        overshoot: by how much a move passes a plane.
        training: fields of `TrainingSettings`.

    Returns:
        Tables by name: samples, planes, moves, measurements.
    """
    generator = seeded(seed)
    every = sample_points(
        train_count + test_count, half_width=half_width, margin=margin, generator=generator
    )
    cube = sample_cube(test_count, half_width=half_width, generator=generator)
    sets = {"train": every[:train_count], "test": every[train_count:], "cube": cube}
    labelled = {split: (points, labels_of(oracle(points))) for split, points in sets.items()}
    samples = [
        pd.DataFrame({"seed": seed, "split": split, **feature_columns(points), "y": y.numpy()})
        for split, (points, y) in labelled.items()
        if split != "cube"
    ]
    planes, moves = [], []
    rows: list[dict[str, Any]] = []
    for name, reads in READS.items():
        model = LinearClassifier(reads)
        train(
            model,
            logistic_loss(model, *labelled["train"]),
            name=f"toy {name}, seed {seed}",
            count=train_count,
            settings=TrainingSettings(**training),
            seed=seed,
            generator=generator,
        )
        weights = dict(zip(("w1", "w2", "w3"), model.weights().tolist(), strict=True))
        planes.append(
            {"seed": seed, "classifier": name, **weights, "bias": model.linear.bias.item()}
        )
        moved = feature_moves(name, model, sets["test"], overshoot=overshoot)
        moves.append(moved.assign(seed=seed))
        accuracies = {f"{split}_accuracy": pair for split, pair in labelled.items()}
        rows += classifier_measurements(name, model, accuracies, seed=seed)
        rows += move_measurements(name, moved, seed=seed)
    return {
        "samples": pd.concat(samples),
        "planes": pd.DataFrame(planes),
        "moves": pd.concat(moves),
        "measurements": pd.DataFrame(rows),
    }
