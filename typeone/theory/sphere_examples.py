"""Attack correctly classified points of the spheres, and tabulate the walks (II-B, Fig. 3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from typeone.runtime.errors import InputError
from typeone.runtime.logs import logger
from typeone.theory.quadratic import QuadraticNetwork
from typeone.theory.sphere_attack import (
    Walk,
    WalkSettings,
    nearest_flips,
    null_space_move,
    type2_attack,
    walk,
)
from typeone.theory.spheres import Spheres, sample_sphere

Rows = dict[str, np.ndarray]


def right_points(
    network: QuadraticNetwork,
    spheres: Spheres,
    sphere: Literal["inner", "outer"],
    count: int,
    generator: torch.Generator,
) -> Tensor:
    """Draw ``count`` points ``(count, n)`` of one sphere that f1 classifies correctly.

    Slightly more points are drawn, and the first correct ones are taken.

    Raises:
        InputError: f1 classifies fewer points correctly.
    """
    radius = spheres.outer if sphere == "outer" else spheres.inner
    drawn = sample_sphere(
        count + count // 50 + 50, spheres.dim, radius, generator, dtype=torch.float64
    )
    right = drawn[(network(drawn) > 0) == spheres.oracle(drawn)]
    if len(right) < count:
        raise InputError(
            f"f1 gets only {len(right)} of {len(drawn)} points of the {sphere} sphere right, but "
            f"{count} are requested; needs longer training (`sphere.training.steps`)"
        )
    return right[:count]


def attacked_rows(
    attack: str,
    sphere: str,
    original: Tensor,
    adversarial: Tensor,
    steps: int | np.ndarray,
    found: Tensor,
) -> Rows:
    """Return the rows of one attack on points ``(N, n)``; a failure keeps the original point.

    ``steps``: steps of each point ``(N,)`` or of all; ``found``: success, bool ``(N,)``.
    """
    n = len(original)
    logger.info("%s, %s sphere: found %d of %d", attack, sphere, int(found.sum()), n)
    return {
        **{"attack": np.full(n, attack), "sphere": np.full(n, sphere)},
        "position": np.arange(n, dtype=np.int32),
        "original": original.cpu().numpy(),
        "adversarial": torch.where(found[:, None], adversarial, original).cpu().numpy(),
        "steps": np.broadcast_to(np.asarray(steps, dtype=np.int32), n),
        "found": found.cpu().numpy(),
    }


def type1_tables(
    network: QuadraticNetwork,
    spheres: Spheres,
    inner: Tensor,
    *,
    walked: int,
    settings: WalkSettings,
    followed: int,
) -> tuple[list[Rows], Walk]:
    """Run the three Type I attacks on points ``(N, n)`` of the inner sphere.

    Args:
        walked: number of points for the walk and the printed move; the exact move takes all.
        followed: number of walks with a trace.

    Returns:
        The rows of each attack, and the walks.
    """
    everyone = torch.ones(len(inner), dtype=torch.bool, device=inner.device)
    exact, printed = null_space_move(network, inner, inner=spheres.inner, outer=spheres.outer)
    few = inner[:walked]
    tables = [
        attacked_rows("analytic", "inner", inner, exact, 1, everyone),
        attacked_rows("printed", "inner", few, printed[: len(few)], 1, everyone[: len(few)]),
    ]
    walks = walk(network, few, settings, outer=spheres.outer, followed=followed)
    steps = walks.steps.cpu().numpy()
    tables.append(attacked_rows("walk", "inner", few, walks.points, steps, walks.landed))
    return tables, walks


def type2_tables(
    network: QuadraticNetwork, points: Mapping[str, Tensor], settings: Mapping[str, Any]
) -> Iterator[Rows]:
    """Run PGD at each epsilon, and the nearest flip, on points ``(N, n)`` by sphere; yield rows.

    ``settings``: epsilons, steps and step_size.
    """
    how = {k: settings[k] for k in ("steps", "step_size")}
    for sphere, start in points.items():
        for epsilon in settings["epsilons"]:
            ends = type2_attack(network, start, epsilon=epsilon, **how)
            flipped = (network(ends) > 0) != (network(start) > 0)
            yield attacked_rows(f"pgd.{epsilon}", sphere, start, ends, how["steps"], flipped)
        ends = nearest_flips(network, start)
        yield attacked_rows("nearest", sphere, start, ends, 0, ends.isfinite().all(dim=1))


def walk_rows(network: QuadraticNetwork, walks: Walk) -> Iterator[dict[str, float]]:
    """Yield one row for each position of the followed walks, with its seen and missing norms.

    In the plane spanned by the seen and the missing part of a walk's start, f1 is a function of the
    seen coordinate only, and 0 at ``boundary``.
    """
    _, rotation, rank = network.decompose()
    for position in range(walks.trace.shape[1]):
        path = walks.trace[: walks.steps[position] + 1, position]
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
            values = {k: v[step].item() for k, v in columns.items()}
            boundary = (-network.bias.item() / slope) ** 0.5
            yield {"position": position, "step": step, **values, "boundary": boundary}
