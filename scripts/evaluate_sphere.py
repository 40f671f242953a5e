"""What the sphere experiment measured: errors of f1, Type I and Type II attacks on it (II-B)."""

import numpy as np
import torch

from typeone.evaluation.intervals import Rate, mean_interval, rate, rate_of
from typeone.evaluation.measurements import measurement
from typeone.runtime.artifacts import read_parquet, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger
from typeone.theory.quadratic import load_quadratic
from typeone.theory.spheres import Spheres, bayes_error, margin_error, sample_sphere

BATCH = 10_000  # points asked about at once


def sampled_error(network, spheres, *, count, seed):
    """The error rate on ``count`` points, half of them on each sphere, drawn with ``seed``."""
    generator = seeded(seed)
    wrong = total = 0
    for radius, outer in ((spheres.inner, False), (spheres.outer, True)):
        for begun in range(0, count // 2, BATCH):
            n = min(BATCH, count // 2 - begun)
            points = sample_sphere(n, spheres.dim, radius, generator, dtype=torch.float64)
            wrong += int(((network(points) > 0) != outer).sum())
            total += n
    return rate_of(wrong, total)


def exactly(value):
    """A figure that no sample stands behind."""
    return Rate(value, value, value, 0)


def type1_rows(examples, before, after, *, outer, tolerance):
    """Success and price of one Type I attack; ``before``, ``after``: f1 on both ends, ``(N,)``."""
    kept = (before > 0) == (after > 0)
    radius = np.linalg.norm(examples["adversarial"], axis=1)
    landed = np.abs(radius - outer) <= tolerance
    moved = np.linalg.norm(examples["adversarial"] - examples["original"], axis=1)
    return {
        "success": (rate(kept & landed), "f1 keeps its class and the point is on the outer sphere"),
        "shift": (mean_interval(np.abs(after - before)), "mean change of f1's value", "logits"),
        "radius": (mean_interval(radius), "mean norm of the points it yields", "norm"),
        "distance": (mean_interval(moved), "mean distance moved", "L2"),
    }


def evaluate_sphere(*, model_paths, example_paths, measurements_path, spheres, test, tolerance):
    """Write rows (id, seed) for the verdict table; ``model_paths``, ``example_paths``: by seed.

    ``tolerance``: how far from the outer sphere a point may be that counts as on it.
    """
    rows = []
    for seed, model_path in model_paths.items():
        network, metadata = load_quadratic(model_path)
        said = {}

        def say(identity, value, description, unit="fraction", note="", seed=seed):
            logger.info("%s, seed %d: %.6g", identity, seed, value.value)
            rows.append(
                measurement(
                    identity, value, seed=seed, description=description, unit=unit, note=note
                )
            )

        sampled = sampled_error(network, spheres, **test)
        note = "the same points for every seed; without sampling: beyond.sphere.exact_error"
        say("sphere.error_rate", sampled, "error on random points", note=note)
        table = read_parquet(example_paths[seed])
        for name in dict.fromkeys(zip(table["attack"], table["sphere"], strict=True)):
            chosen = (table["attack"] == name[0]) & (table["sphere"] == name[1])
            found = {k: table[k][chosen] for k in ("original", "adversarial", "found", "steps")}
            with torch.no_grad():
                before, after = (
                    network(torch.from_numpy(found[k])).numpy() for k in ("original", "adversarial")
                )
            said[name] = found, before, after
        for attack in ("analytic", "printed", "walk"):
            found, before, after = said[attack, "inner"]
            figures = type1_rows(found, before, after, outer=spheres.outer, tolerance=tolerance)
            if attack == "analytic":
                printed = type1_rows(
                    *said["printed", "inner"], outer=spheres.outer, tolerance=tolerance
                )["success"][0]
                note = f"z' of the length that lands; by the formula as printed: {printed.value:g}"
                say("sphere.type1_success", *figures.pop("success"), note=note)
            for what, (value, description, *unit) in figures.items():
                say(f"beyond.sphere.{attack}.{what}", value, description, *unit)
        steps = said["walk", "inner"][0]["steps"]
        say("beyond.sphere.walk.steps", mean_interval(steps), "mean steps of a walk", "steps")
        for (attack, sphere), (found, before, after) in said.items():
            if attack in ("analytic", "printed", "walk"):
                continue
            place = f"beyond.sphere.{attack}.{sphere}"
            # at the nearest flip f1 is 0 by construction, so that only rounding decides its sign
            flipped = found["found"] & ((attack == "nearest") | ((before > 0) != (after > 0)))
            say(f"{place}.success", rate(flipped), "f1 changes its class on the point's own sphere")
            if attack == "nearest" and flipped.any():
                moved = np.linalg.norm(found["adversarial"] - found["original"], axis=1)
                distance = mean_interval(moved[flipped])
                say(f"{place}.distance", distance, "mean distance of the nearest flip", "L2")
        for sphere in ("inner", "outer"):
            error = exactly(metadata[f"{sphere}_error"])
            say(f"beyond.sphere.exact_error.{sphere}", error, "exact error on one sphere (Imhof)")
        say("beyond.sphere.exact_error", exactly(metadata["error"]), "exact error (Imhof)")
        alphas, _, rank = network.decompose()
        spread = (alphas[:rank].std() / alphas[:rank].mean()).item()
        say("beyond.sphere.spread", exactly(spread), "relative spread of the alphas of Eq. 4", "sd")
        best, _ = bayes_error(spheres, metadata["hidden"])
        least = margin_error(spheres, metadata["hidden"])
        say("beyond.sphere.floor", exactly(best), "least error of any rule that sees h directions")
        say(
            "beyond.sphere.floor.margin",
            exactly(least),
            "the same, never wrong on the inner sphere",
        )
    write_rows(measurements_path, rows)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        seeds = run.params.seeds
        evaluate_sphere(
            model_paths=dict(zip(seeds, run.input.models, strict=True)),
            example_paths=dict(zip(seeds, run.input.examples, strict=True)),
            measurements_path=run.output.measurements,
            spheres=Spheres(**run.params.spheres),
            test=run.params.test,
            tolerance=run.params.tolerance,
        )
