"""Run one variant of the attack on the latent space of an AC-GAN (Eq. 13, IV-E)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from typeone.attacks.criteria import KeepLabel, next_class
from typeone.attacks.gradients import vanishing_of_loss, warn_of_vanishing
from typeone.attacks.latent import (
    BoxAttackSettings,
    LatentAttackSettings,
    attack,
    attack_within_box,
    jittered,
    leaving_loss,
)
from typeone.attacks.shards import Rows, example_rows
from typeone.models.acgan import AuxiliaryGAN
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.devices import seeded
from typeone.training.losses import cross_entropy

Variant = Mapping[str, Any]
"""``kind`` (type1 or type2), for type1 ``condition`` (free or fixed), and the attack's settings."""


def walked_latents(
    gan: AuxiliaryGAN,
    latent: Tensor,
    labels: Tensor,
    variant: Variant,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Return the latents that a variant measures its distance from, and its start, ``(N, D)`` each.

    A free condition is appended to z as further coordinates. Noise is drawn for all N at once.
    """
    if variant["kind"] == "type2":
        return latent, latent
    walked = latent
    if variant["condition"] == "free":
        walked = torch.cat([latent, gan.condition(labels)], dim=1)
    return walked, jittered(walked, variant["jitter"], generator)


def attack_variant(
    gan: AuxiliaryGAN,
    f1: nn.Module,
    walked: Tensor,
    start: Tensor,
    labels: Tensor,
    variant: Variant,
    checkpoint: Checkpoint | None,
) -> tuple[Tensor, dict[str, Any]]:
    """Attack one batch of N latents with one variant.

    Args:
        walked, start: the result of `walked_latents`.
        labels: class conditions of G, ``(N,)``.
        checkpoint: the sidecar to resume from and save to.

    Returns:
        Images ``(N, C, H, W)``, and columns ``(N, ...)`` by name: latent_start, latent_end,
        condition_end, steps, converged.
    """
    how = {k: v for k, v in variant.items() if k not in ("kind", "condition")}
    condition, size = gan.condition(labels), gan.latent_dim

    def decode(moved: Tensor, rows: Tensor) -> Tensor:
        free = moved.shape[1] > size
        images: Tensor = gan.generator(
            moved[:, :size], moved[:, size:] if free else condition[rows]
        )
        return images

    if variant["kind"] == "type2":
        result = attack_within_box(
            *(decode, walked, labels, BoxAttackSettings(**how)),
            classifier=f1,
            guide=gan.classify,
            checkpoint=checkpoint,
        )
    else:
        result = attack(
            decode,
            walked,
            LatentAttackSettings(**how),
            keep=KeepLabel(f1, labels),
            start=start,
            guide=gan.classify,
            target_labels=next_class(labels),
            checkpoint=checkpoint,
        )
    ended = result.latent_end
    return result.images, {
        "latent_start": walked[:, :size],
        "latent_end": ended[:, :size],
        "condition_end": ended[:, size:] if ended.shape[1] > size else condition,
        "steps": result.steps.int(),
        "converged": result.converged,
    }


def attacked_batches(
    gan: AuxiliaryGAN,
    f1: nn.Module,
    latent: Tensor,
    labels: Tensor,
    variant: Variant,
    *,
    seed: int,
    chunk: int,
    checkpoint: Checkpoint,
) -> Iterator[Rows]:
    """Attack N latents with one variant; yield the `example_rows` of each ``chunk``.

    Logs a warning if f1 has no gradient at some G(z).

    Args:
        latent, labels: z ``(N, latent_dim)``, and the class conditions of G, ``(N,)``.
        seed: seed of the starting noise.
        checkpoint: the sidecar to resume from and save to, with a part for each batch.
    """
    with torch.no_grad():
        originals = gan.generate(latent, labels)
    walked, start = walked_latents(gan, latent, labels, variant, seeded(seed, latent.device))
    followed = leaving_loss if variant["kind"] == "type2" else cross_entropy
    blind = []
    for rows in torch.arange(len(labels), device=latent.device).split(chunk):
        blind.append(vanishing_of_loss(f1, originals[rows], labels[rows], followed))
        attacked, columns = attack_variant(
            *(gan, f1, walked[rows], start[rows], labels[rows], variant),
            checkpoint.part(str(int(rows[0]))),
        )
        yield example_rows(rows, originals[rows], labels[rows], attacked, **columns)
    warn_of_vanishing(torch.cat(blind))
