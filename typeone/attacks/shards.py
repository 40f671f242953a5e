"""Run Algorithm 2 on one shard of the examples, in batches, and collect its rows.

Examples are split into batches first and batches into shards, so that the result of an example
does not depend on the number of shards.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from typeone.attacks.criteria import Keep, next_class
from typeone.attacks.gradients import vanishing, warn_of_vanishing
from typeone.attacks.svae import attack
from typeone.attacks.svae_settings import SvaeAttackSettings
from typeone.attacks.trace import TracePoint
from typeone.data.images import to_uint8
from typeone.models.density import DenseVAE
from typeone.models.svae import SupervisedVAE
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.errors import InputError
from typeone.runtime.logs import Progress

Rows = dict[str, np.ndarray]


def example_rows(
    positions: Tensor,
    images: Tensor,
    labels: Tensor,
    attacked: Tensor,
    *,
    classes: int = 10,
    target_labels: Tensor | None = None,
    **rest: Tensor,
) -> Rows:
    """Return the columns that every Type I attack stores for N examples, one row each.

    Images are stored as uint8. An attacked image with a value that is not finite is replaced by the
    original.

    Args:
        positions: positions among all examples, ``(N,)``.
        images, attacked: ``(N, C, H, W)`` in [0, 1].
        labels: class of each example, ``(N,)``, of ``classes``.
        target_labels: y' of each example, ``(N,)``; None: the next class.
        rest: further columns by name, ``(N, ...)``.
    """
    attacked = torch.where(attacked.isfinite().all(dim=(1, 2, 3), keepdim=True), attacked, images)
    aims = next_class(labels, classes) if target_labels is None else target_labels
    return {
        "position": positions.cpu().numpy().astype(np.int32),
        "label": labels.cpu().numpy(),
        "target_label": aims.cpu().numpy(),
        "image": to_uint8(images).cpu().numpy(),
        "adversarial_image": to_uint8(attacked).cpu().numpy(),
        **{name: values.cpu().numpy() for name, values in rest.items()},
    }


def _j1(keep: Keep, images: Tensor) -> Tensor:
    return keep(images, torch.arange(len(images), device=images.device))[0]


def batches_of_shard(count: int, *, chunk: int, shard: int, shards: int) -> list[Tensor]:
    """Return the positions of each batch of a shard: every ``shards``-th batch of ``chunk``.

    Raises:
        InputError: the shard has no batch.
    """
    starts = list(range(0, count, chunk))[shard::shards]
    if not starts:
        raise InputError(
            f"shard {shard} of {shards} is empty: {count} examples make "
            f"{-(-count // chunk)} batches of {chunk}; use fewer shards or smaller batches"
        )
    return [torch.arange(start, min(start + chunk, count)) for start in starts]


def attack_shard(
    svae: SupervisedVAE,
    images: Tensor,
    labels: Tensor,
    settings: SvaeAttackSettings,
    *,
    keep: Callable[[Tensor, Tensor], Keep] | None,
    classes: int = 10,
    target_labels: Tensor | None = None,
    attackers: Sequence[nn.Module] = (),
    density: DenseVAE | None = None,
    chunk: int,
    shard: int = 0,
    shards: int = 1,
    follow: Collection[int] = (),
    follow_every: int = 100,
    watch: Callable[[float], None] = lambda share: None,
    checkpoint: Checkpoint | None = None,
) -> tuple[Rows, list[tuple[int, TracePoint]]]:
    """Attack every ``shards``-th batch; return its rows, and its trace points with their positions.

    Column ``gradient_vanishes``, only with ``keep``: whether the gradient of J1 at f_dec(z_0) is 0
    or not finite, or whether the walk ended in a latent that is not finite.

    Args:
        images, labels: all examples, ``(N, C, H, W)`` in [0, 1] and ``(N,)``.
        target_labels: their y', int64 ``(N,)``; None: the next class.
        keep: from images and labels of a batch to its J1; None leaves f1 out.
        classes: number of classes; with two, each is the target of the other.
        chunk: examples in a batch.
        follow: positions of the examples to trace.
        watch: called with the share of the steps that are done, in [0, 1].
        checkpoint: the sidecar to resume from and save to, with a part for each batch.

    Raises:
        InputError: the shard has no batch.
    """
    parts: list[Rows] = []
    points: list[tuple[int, TracePoint]] = []
    aims = next_class(labels, classes) if target_labels is None else target_labels
    batches = batches_of_shard(len(images), chunk=chunk, shard=shard, shards=shards)
    steps = max(settings.steps, 1)  # 0 steps reconstruct
    total = len(batches) * steps
    say = Progress(f"attacking, steps of shard {shard + 1} of {shards}", total, start=None)

    def walked(before: int, step: int) -> None:
        say(before + step)
        watch((before + step) / total)

    for number, positions in enumerate(batches):
        before = number * steps
        batch, of_it = images[positions], labels[positions]
        with torch.no_grad():
            latent, _ = svae.encode(svae.read(batch))
            begun = svae.decode(latent)
        kept = keep(batch, of_it) if keep else None
        result = attack(
            svae,
            latent,
            aims[positions],
            settings,
            keep=kept,
            originals=batch,
            attackers=attackers,
            density=density,
            follow=[i for i, position in enumerate(positions.tolist()) if position in follow],
            follow_every=follow_every,
            watch=partial(walked, before),
            checkpoint=checkpoint and checkpoint.part(str(int(positions[0]))),
        )
        lost = ~result.latent_end.isfinite().all(dim=1)
        told = {}
        if kept:
            told = {"gradient_vanishes": vanishing(partial(_j1, kept), begun) | lost}
        parts.append(
            example_rows(
                positions,
                batch,
                of_it,
                result.images,
                classes=classes,
                target_labels=aims[positions],
                latent_start=result.latent_start,
                latent_end=torch.where(lost[:, None], result.latent_start, result.latent_end),
                steps=result.steps.int(),
                converged=result.converged,
                **told,
            )
        )
        points += [(int(positions[point.example]), point) for point in result.trace]
        walked(before, steps)
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    if "gradient_vanishes" in rows:
        warn_of_vanishing(torch.from_numpy(rows["gradient_vanishes"]))
    return rows, points


def trace_columns(points: Sequence[tuple[int, TracePoint]], shape: Sequence[int]) -> Rows:
    """Convert trace points with their positions to table columns; ``shape``: (C, H, W)."""
    images = [point.image.numpy() for _, point in points]
    return {
        "position": np.array([position for position, _ in points], dtype=np.int32),
        "step": np.array([point.step for _, point in points], dtype=np.int32),
        **{
            name: np.array([getattr(point, name) for _, point in points], dtype=np.float32)
            for name in ("j1", "j2", "penalty", "k")
        },
        "image": np.array(images, dtype=np.uint8).reshape(-1, *shape),
    }


def merge_shards(paths: Sequence[str | os.PathLike[str]]) -> Rows:
    """Concatenate the tables at ``paths``, sorted by position (and step)."""
    tables = [read_parquet(path) for path in paths]
    columns = {k: np.concatenate([t[k] for t in tables]) for k in tables[0].columns}
    order = np.lexsort([columns[k] for k in ("step", "position") if k in columns])
    return {k: v[order] for k, v in columns.items()}
