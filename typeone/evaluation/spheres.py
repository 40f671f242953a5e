"""Evaluate f1 of the concentric spheres, and Type I and Type II attacks on it (II-B)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from typeone.evaluation.intervals import Rate, mean_interval, rate, rate_of
from typeone.evaluation.measurements import measurement
from typeone.runtime.artifacts import Records
from typeone.runtime.devices import seeded
from typeone.theory.quadratic import QuadraticNetwork
from typeone.theory.spheres import Spheres, bayes_error, margin_error, sample_sphere

BATCH = 10_000  # points per call of the network
TYPE1 = ("analytic", "printed", "walk")
"""Names of the Type I attacks; all others are of Type II."""

Rows = Mapping[str, np.ndarray]
Attacked = Mapping[tuple[str, str], tuple[Rows, np.ndarray, np.ndarray]]
"""By (attack, sphere): the rows, and f1's values before and after the attack, ``(N,)`` each."""


def sampled_error(network: QuadraticNetwork, spheres: Spheres, *, count: int, seed: int) -> Rate:
    """Return the error rate on ``count`` points drawn with ``seed``, half of them per sphere."""
    generator = seeded(seed)
    wrong = total = 0
    for radius, outer in ((spheres.inner, False), (spheres.outer, True)):
        for begun in range(0, count // 2, BATCH):
            n = min(BATCH, count // 2 - begun)
            points = sample_sphere(n, spheres.dim, radius, generator, dtype=torch.float64)
            wrong += int(((network(points) > 0) != outer).sum())
            total += n
    return rate_of(wrong, total)


def exact(value: float) -> Rate:
    """Return a value that is not estimated from a sample, without an interval."""
    return Rate(value, value, value, 0)


def distances_moved(rows: Rows) -> np.ndarray:
    """Return the distance of each attacked point from its original, ``(N,)``."""
    return np.linalg.norm(rows["adversarial"] - rows["original"], axis=1)


def type1_figures(
    rows: Rows, before: np.ndarray, after: np.ndarray, *, outer: float, tolerance: float
) -> dict[str, tuple[Rate, str, str]]:
    """Return success and cost of one Type I attack by name: value, description and unit.

    Args:
        rows: original and adversarial, points ``(N, n)``.
        before, after: f1's values at both, ``(N,)``.
        outer: radius of the outer sphere.
        tolerance: distance from the outer sphere up to which a point counts as on it.
    """
    kept = (before > 0) == (after > 0)
    radius = np.linalg.norm(rows["adversarial"], axis=1)
    success = rate(kept & (np.abs(radius - outer) <= tolerance))
    shift, moved = mean_interval(np.abs(after - before)), mean_interval(distances_moved(rows))
    text = "f1 keeps its class and the point is on the outer sphere"
    return {
        "success": (success, text, "fraction"),
        "shift": (shift, "mean change of f1's value", "logits"),
        "radius": (mean_interval(radius), "mean norm of the points it yields", "norm"),
        "distance": (moved, "mean distance moved", "L2"),
    }


@torch.no_grad()
def attacks_of(network: QuadraticNetwork, table: Records) -> Attacked:
    """Split the rows of ``attack_sphere`` by (attack, sphere), in their order, and add f1's values.

    ``table``: columns attack, sphere, original, adversarial, found and steps, ``(N, ...)`` each.
    """
    attacked = {}
    for name in dict.fromkeys(zip(table["attack"], table["sphere"], strict=True)):
        chosen = (table["attack"] == name[0]) & (table["sphere"] == name[1])
        rows = {k: table[k][chosen] for k in ("original", "adversarial", "found", "steps")}
        before, after = (
            network(torch.from_numpy(rows[k])).numpy() for k in ("original", "adversarial")
        )
        attacked[name] = rows, before, after
    return attacked


def type1_measurements(
    attacked: Attacked, *, seed: int, outer: float, tolerance: float
) -> Iterator[dict[str, Any]]:
    """Yield rows on the Type I attacks, see `type1_figures`; the analytic success is published."""
    for attack in TYPE1:
        figures = type1_figures(*attacked[attack, "inner"], outer=outer, tolerance=tolerance)
        for what, (value, description, unit) in figures.items():
            identity, note = f"beyond.sphere.{attack}.{what}", ""
            if (attack, what) == ("analytic", "success"):
                identity = "sphere.type1_success"
                note = "z' of the length that lands; as printed: beyond.sphere.printed.success"
            yield measurement(
                identity, value, seed=seed, description=description, unit=unit, note=note
            )
    steps = mean_interval(attacked["walk", "inner"][0]["steps"])
    yield measurement(
        "beyond.sphere.walk.steps",
        steps,
        seed=seed,
        description="mean steps of a walk",
        unit="steps",
    )


def type2_measurements(attacked: Attacked, *, seed: int) -> Iterator[dict[str, Any]]:
    """Yield rows on the Type II attacks, on both spheres."""
    for (attack, sphere), (rows, before, after) in attacked.items():
        if attack in TYPE1:
            continue
        # at the nearest flip f1 is 0 by construction, so that only rounding decides its sign
        flipped = rows["found"] & ((attack == "nearest") | ((before > 0) != (after > 0)))
        yield measurement(
            f"beyond.sphere.{attack}.{sphere}.success",
            rate(flipped),
            seed=seed,
            description="f1 changes its class on the point's own sphere",
        )
        if attack == "nearest" and flipped.any():
            yield measurement(
                f"beyond.sphere.{attack}.{sphere}.distance",
                mean_interval(distances_moved(rows)[flipped]),
                seed=seed,
                description="mean distance of the nearest flip",
                unit="L2",
            )


def theory_measurements(
    network: QuadraticNetwork, spheres: Spheres, metadata: Mapping[str, Any], *, seed: int
) -> Iterator[dict[str, Any]]:
    """Yield rows that need no sample: exact errors, the spread of f1's alphas, the least errors.

    ``metadata``: of the checkpoint: error, inner_error, outer_error and hidden.
    """
    alphas, _, rank = network.decompose()
    spread = (alphas[:rank].std() / alphas[:rank].mean()).item()
    best, _ = bayes_error(spheres, metadata["hidden"])
    least = margin_error(spheres, metadata["hidden"])
    one = "exact error on one sphere (Imhof)"
    for name, value, description, unit in (
        ("exact_error.inner", metadata["inner_error"], one, "fraction"),
        ("exact_error.outer", metadata["outer_error"], one, "fraction"),
        ("exact_error", metadata["error"], "exact error (Imhof)", "fraction"),
        ("spread", spread, "relative spread of the alphas of Eq. 4", "sd"),
        ("floor", best, "least error of any rule that sees h directions", "fraction"),
        ("floor.margin", least, "the same, never wrong on the inner sphere", "fraction"),
    ):
        yield measurement(
            f"beyond.sphere.{name}", exact(value), seed=seed, description=description, unit=unit
        )


def sphere_measurements(
    network: QuadraticNetwork,
    metadata: Mapping[str, Any],
    table: Records,
    *,
    seed: int,
    spheres: Spheres,
    test: Mapping[str, int],
    tolerance: float,
) -> Iterator[dict[str, Any]]:
    """Yield rows on one network: its error, the attacks on it, and exact values from theory.

    Args:
        metadata: of its checkpoint, see `theory_measurements`.
        table: attacked points, see `attacks_of`.
        test: count and seed of the points of the published error rate.
        tolerance: distance from the outer sphere up to which a point counts as on it.
    """
    yield measurement(
        "sphere.error_rate",
        sampled_error(network, spheres, count=test["count"], seed=test["seed"]),
        seed=seed,
        description="error on random points",
        note="the same points for every seed; without sampling: beyond.sphere.exact_error",
    )
    attacked = attacks_of(network, table)
    yield from type1_measurements(attacked, seed=seed, outer=spheres.outer, tolerance=tolerance)
    yield from type2_measurements(attacked, seed=seed)
    yield from theory_measurements(network, spheres, metadata, seed=seed)
