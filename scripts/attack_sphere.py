"""Type I and Type II attacks on the network of II-B, on points that it gets right."""

import numpy as np
import torch

from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.errors import InputError
from typeone.runtime.logs import logger
from typeone.theory.quadratic import load_quadratic
from typeone.theory.sphere_attack import (
    WalkSettings,
    nearest_flips,
    null_space_move,
    type2_attack,
    walk,
)
from typeone.theory.spheres import Spheres, sample_sphere


def right_points(network, spheres, sphere, count, generator):
    """The first ``count`` of slightly more points of one sphere that f1 gets right."""
    radius = spheres.outer if sphere == "outer" else spheres.inner
    drawn = sample_sphere(
        count + count // 50 + 50, spheres.dim, radius, generator, dtype=torch.float64
    )
    right = drawn[(network(drawn) > 0) == spheres.oracle(drawn)]
    if len(right) < count:
        raise InputError(
            f"f1 gets only {len(right)} of {len(drawn)} points of the {sphere} sphere right, and "
            f"{count} are to be attacked; needs a longer training (`sphere.training.steps`)"
        )
    return right[:count]


def describe_walk(network, found):
    """One row a place of the followed walks: norms of what f1 sees of it and of what it misses.

    In the plane of a walk's start x (what f1 sees of x, what it misses) f1 is a function of the
    first coordinate alone, and 0 at ``boundary``.
    """
    _, rotation, rank = network.decompose()
    rows = []
    for position in range(found.trace.shape[1]):
        path = found.trace[: found.steps[position] + 1, position]
        z = path @ rotation
        seen = z[0] * (torch.arange(len(z[0]), device=z.device) < rank)
        axis = rotation @ (seen / seen.norm())
        slope = (network(axis[None]) - network.bias).item()
        columns = {
            "radius": path.norm(dim=1),
            "seen": z[:, :rank].norm(dim=1),
            "missing": z[:, rank:].norm(dim=1),
            "value": network(path),
        }
        for step in range(len(path)):
            row = {"position": position, "step": step} | {
                k: v[step].item() for k, v in columns.items()
            }
            rows.append(row | {"boundary": (-network.bias.item() / slope) ** 0.5})
    return rows


def attack_sphere(
    *, model_path, examples_path, trace_path, spheres, type1, type2, followed, seed, device
):
    """Write one row an (attack, point): where it started and where it ended.

    ``type1``: how many inner points the analytic move takes (``count``), and the walk and the move
    as printed (``walked``), and the settings of the walk. ``type2``: how many points of each
    sphere, and the settings of PGD. ``followed``: walks kept place by place. ``seed``: of the
    points.
    """
    network, _ = load_quadratic(model_path, device)
    generator = seeded(seed, device)
    inner = right_points(network, spheres, "inner", type1["count"], generator)
    outer = right_points(network, spheres, "outer", type2["count"], generator)
    walked = inner[: type1["walked"]]
    tables = []

    def keep(attack, sphere, original, adversarial, steps, found):
        """Rows of one attack; a point that it did not find stays where it was."""
        n = len(original)
        tables.append(
            {
                **{"attack": np.full(n, attack), "sphere": np.full(n, sphere)},
                "position": np.arange(n, dtype=np.int32),
                "original": original.cpu().numpy(),
                "adversarial": torch.where(found[:, None], adversarial, original).cpu().numpy(),
                "steps": np.broadcast_to(np.asarray(steps, dtype=np.int32), n),
                "found": found.cpu().numpy(),
            }
        )
        logger.info("%s, %s sphere: found %d of %d", attack, sphere, int(found.sum()), n)

    everyone = torch.ones(len(inner), dtype=torch.bool, device=device)
    exact, printed = null_space_move(network, inner, inner=spheres.inner, outer=spheres.outer)
    keep("analytic", "inner", inner, exact, 1, everyone)
    keep("printed", "inner", walked, printed[: len(walked)], 1, everyone[: len(walked)])
    found = walk(
        network,
        walked,
        WalkSettings(step=type1["step"], max_steps=type1["max_steps"]),
        outer=spheres.outer,
        followed=followed,
    )
    keep("walk", "inner", walked, found.points, found.steps.cpu().numpy(), found.landed)
    how = {k: type2[k] for k in ("steps", "step_size")}
    for sphere, points in (("inner", inner[: type2["count"]]), ("outer", outer)):
        for epsilon in type2["epsilons"]:
            ends = type2_attack(network, points, epsilon=epsilon, **how)
            flipped = (network(ends) > 0) != (network(points) > 0)
            keep(f"pgd.{epsilon}", sphere, points, ends, type2["steps"], flipped)
        ends = nearest_flips(network, points)
        keep("nearest", sphere, points, ends, 0, ends.isfinite().all(dim=1))
    write_parquet(
        examples_path, {key: np.concatenate([t[key] for t in tables]) for key in tables[0]}
    )
    rows = describe_walk(network, found)
    write_parquet(trace_path, {key: [row[key] for row in rows] for key in rows[0]})


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        attack_sphere(
            model_path=run.input.model,
            examples_path=run.output.examples,
            trace_path=run.output.trace,
            spheres=Spheres(**run.params.spheres),
            **run.params.settings,
            device=run.device,
        )
