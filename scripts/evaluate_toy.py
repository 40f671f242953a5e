"""The toy example of II-A: train f1, move samples along the unnecessary and the missing feature.

The classifiers have three and four parameters and take about a second to train: no checkpoint is
kept on the way, and their weights are rows of a table.
"""

import numpy as np
import pandas as pd
import torch

from typeone.evaluation.intervals import Rate, mean_interval, rate
from typeone.evaluation.measurements import measurement
from typeone.runtime.artifacts import write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger
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

READS = {"f1": (X1, X3), "free": (X1, X2, X3)}  # free: for the sceptic
READERS = {"f1": "f1, which reads x1 and x3", "free": "a classifier that may read all three"}


def as_columns(points, names=FEATURES):
    return {name: points[:, i].numpy() for i, name in enumerate(names)}


@torch.no_grad()
def moves_of(name, model, points, *, overshoot):
    """One row a move: true positives along x3 past the classifier's plane, along x2 past f2's."""
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
                **as_columns(start),
                **as_columns(end, [f"{f}_end" for f in FEATURES]),
                **{"f1_before": model(start).numpy(), "f1_after": model(end).numpy()},
                **{"f2_before": oracle(start).numpy(), "f2_after": oracle(end).numpy()},
            }
        )
        for kind, end in ends.items()
    )


def measure_moves(name, moves, *, seed):
    """Rows on both kinds of moves against one classifier."""
    rows, who = [], READERS[name]

    def add(what, value, text, **more):
        identity = f"beyond.toy.{name}.{what}"
        rows.append(measurement(identity, value, seed=seed, description=text, **more))

    for kind, axis, roman in ((2, "x3", "II"), (1, "x2", "I")):
        found = moves[moves["type"] == kind]
        turned = {
            f: ((found[f"{f}_before"] > 0) != (found[f"{f}_after"] > 0)).to_numpy()
            for f in ("f1", "f2")
        }
        changed, kept = ("f1", "f2") if kind == 2 else ("f2", "f1")
        called = {"f1": "the classifier", "f2": "the oracle"}
        same = (found[f"{kept}_before"] == found[f"{kept}_after"]).to_numpy()
        drift = (found[f"{kept}_after"] / found[f"{kept}_before"] - 1).abs().to_numpy()
        distance = (found[f"{axis}_end"] - found[axis]).abs().to_numpy()
        moved = f"Type {roman} moves along {axis} against {who}"
        add(
            f"type{kind}.success",
            rate(turned[changed] & ~turned[kept]),
            f"{moved}: {called[changed]} changes its mind, {called[kept]} does not",
        )
        add(
            f"type{kind}.exact",
            rate(same),
            f"{moved}: {called[kept]} gives the same output to the bit",
        )
        add(
            f"type{kind}.drift",
            mean_interval(drift),
            f"{moved}: mean change of {called[kept]}'s output, relative to it",
            unit="relative",
        )
        add(
            f"type{kind}.distance",
            mean_interval(distance),
            f"{moved}: mean length",
            unit="units of a feature",
        )
    return rows


def measure_classifier(name, model, sets, *, seed):
    """Rows on what a classifier learned: accuracies by set of ``(points, labels)``, weights."""
    texts = {
        "train_accuracy": "training points",
        "test_accuracy": "held-out points of the same distribution",
        "cube_accuracy": "points of the whole cube, where x3 does not follow x2",
    }
    with torch.no_grad():
        rows = [
            measurement(
                f"beyond.toy.{name}.{what}",
                rate((labels_of(model(points)) == labels).numpy()),
                seed=seed,
                description=f"accuracy of {READERS[name]}, on {texts[what]}",
            )
            for what, (points, labels) in sets.items()
        ]
    shares = model.weights().square() / model.weights().square().sum()
    n = len(sets["train_accuracy"][0])
    for feature, share in zip(FEATURES, shares.tolist(), strict=True):
        rows.append(
            measurement(
                f"beyond.toy.{name}.weight_{feature}",
                Rate(share, share, share, n),
                seed=seed,
                description=f"share of {feature} in the squared weights of {READERS[name]}",
                note="spread over seeds only",
            )
        )
    return rows


def evaluate_toy(
    *,
    seeds,
    paths,
    train_count,
    test_count,
    half_width,
    margin,
    overshoot,
    training,
):
    """Write the sample, the planes, every move and what was measured; a world of its own a seed."""
    samples, planes, moves, rows = [], [], [], []
    for seed in seeds:
        generator = seeded(seed)
        every = sample_points(
            train_count + test_count, half_width=half_width, margin=margin, generator=generator
        )
        cube = sample_cube(test_count, half_width=half_width, generator=generator)
        points, held_out = every[:train_count], every[train_count:]
        for split, drawn in (("train", points), ("test", held_out)):
            y = labels_of(oracle(drawn)).numpy()
            samples.append(
                pd.DataFrame({"seed": seed, "split": split, **as_columns(drawn), "y": y})
            )
        sets = {
            f"{what}_accuracy": (drawn, labels_of(oracle(drawn)))
            for what, drawn in (("train", points), ("test", held_out), ("cube", cube))
        }
        for name, reads in READS.items():
            model = LinearClassifier(reads)
            train(
                model,
                logistic_loss(model, points, labels_of(oracle(points))),
                name=f"toy {name}, seed {seed}",
                count=len(points),
                settings=TrainingSettings(**training),
                seed=seed,
                generator=generator,
            )
            weights = dict(zip(("w1", "w2", "w3"), model.weights().tolist(), strict=True))
            bias = model.linear.bias.item()
            planes.append({"seed": seed, "classifier": name, **weights, "bias": bias})
            moved = moves_of(name, model, held_out, overshoot=overshoot)
            moves.append(moved.assign(seed=seed))
            rows += measure_classifier(name, model, sets, seed=seed)
            rows += measure_moves(name, moved, seed=seed)
    for row in rows:
        logger.info("seed %d, %s: %.4f", row["seed"], row["id"], row["value"])
    frames = {
        "samples": pd.concat(samples),
        "planes": pd.DataFrame(planes),
        "moves": pd.concat(moves),
        "measurements": pd.DataFrame(rows),
    }
    for key, frame in frames.items():
        write_rows(paths[key], frame)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        evaluate_toy(
            seeds=run.params.seeds,
            paths=dict(run.output),
            **run.params.settings,
        )
