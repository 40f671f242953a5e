"""Algorithm 2 on one shard of many examples: cut into batches, attacked, put into rows.

Batches are cut before shards, so that what becomes of an example depends on no number of shards.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from typeone.attacks.svae import SvaeAttackSettings, TracePoint, attack
from typeone.criteria import Keep, next_class
from typeone.errors import InputError
from typeone.images import binarise, to_uint8
from typeone.logs import Progress
from typeone.models.svae import SupervisedVAE

Rows = dict[str, np.ndarray]


def example_rows(
    positions: Tensor, images: Tensor, labels: Tensor, attacked: Tensor, **rest: Tensor
) -> Rows:
    """What every Type I attack stores of N examples, one row each.

    ``positions`` among the examples, ``images`` and ``attacked`` ``(N, C, H, W)`` in [0, 1] (stored
    as uint8), ``labels`` and whatever else belongs to an example, ``(N, ...)``.
    """
    return {
        "position": positions.cpu().numpy().astype(np.int32),
        "label": labels.cpu().numpy(),
        "target_label": next_class(labels).cpu().numpy(),
        "image": to_uint8(images).cpu().numpy(),
        "adversarial_image": to_uint8(attacked).cpu().numpy(),
        **{name: values.cpu().numpy() for name, values in rest.items()},
    }


def attack_shard(
    svae: SupervisedVAE,
    images: Tensor,
    labels: Tensor,
    settings: SvaeAttackSettings,
    *,
    keep: Callable[[Tensor], Keep] | None,
    attackers: Sequence[nn.Module] = (),
    chunk: int,
    shard: int = 0,
    shards: int = 1,
    follow: Collection[int] = (),
    follow_every: int = 100,
) -> tuple[Rows, list[tuple[int, TracePoint]]]:
    """Rows and trace points, each with its position, of every ``shards``-th batch of ``chunk``.

    Args:
        images, labels: all examples, ``(N, C, H, W)`` in [0, 1] and ``(N,)``; the target is the
            next class.
        keep: from labels of a batch to its J1; None leaves f1 out.
        follow: positions of the examples to trace.

    Raises:
        InputError: the shard has no batch.
    """
    parts: list[Rows] = []
    points: list[tuple[int, TracePoint]] = []
    starts = list(range(0, len(images), chunk))[shard::shards]
    if not starts:
        raise InputError(
            f"shard {shard} of {shards} is empty: {len(images)} examples make "
            f"{-(-len(images) // chunk)} batches of {chunk}; take fewer shards or smaller batches"
        )
    say = Progress(f"attacking, shard {shard + 1} of {shards}", len(starts))
    for done, start in enumerate(starts, 1):
        positions = torch.arange(start, min(start + chunk, len(images)))
        batch, of_it = images[positions], labels[positions]
        with torch.no_grad():
            latent, _ = svae.encode(binarise(batch))
        result = attack(
            svae,
            latent,
            next_class(of_it),
            settings,
            keep=keep(of_it) if keep else None,
            attackers=attackers,
            follow=[i for i, position in enumerate(positions.tolist()) if position in follow],
            follow_every=follow_every,
        )
        parts.append(
            example_rows(
                positions,
                batch,
                of_it,
                result.images,
                latent_start=result.latent_start,
                latent_end=result.latent_end,
                steps=result.steps.int(),
                converged=result.converged,
            )
        )
        points += [(int(positions[point.example]), point) for point in result.trace]
        say(done)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, points
