"""Judge and measure attacks on the latent space of an AC-GAN, and its generator (Eq. 13, IV-E).

ASSUME: z "could be either given or randomly generated"; here it is sampled, with each class in
turn. A latent is a valid start if f1 sees the class that G was conditioned on and the oracle
clearly sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from typeone.data.images import from_uint8, to_uint8
from typeone.evaluation.intervals import mean_interval, rate
from typeone.evaluation.measurements import measurement
from typeone.evaluation.panels import Panel
from typeone.evaluation.realism import KernelDistance, kernel_distance_interval
from typeone.evaluation.success import type1_success, type1_targeted_success, type2_success
from typeone.models.acgan import AuxiliaryGAN
from typeone.models.predictions import labels_of, predict
from typeone.runtime.devices import seeded
from typeone.runtime.errors import InputError

Rows = dict[str, np.ndarray]


def stored(images: Tensor) -> Tensor:
    """Return images in [0, 1] rounded to uint8 levels, as they are read back from a file."""
    return to_uint8(images).float() / 255


@torch.no_grad()
def draw_starts(
    gan: AuxiliaryGAN,
    f1: Callable[[Tensor], Tensor],
    oracle: Panel,
    generator: torch.Generator,
    *,
    count: int,
    draws: int,
    clear_confidence: float,
) -> tuple[Tensor, Tensor]:
    """Sample ``draws`` latents and return the first ``count`` valid starts with their labels.

    Shapes: latents ``(count, D)``, labels ``(count,)``.

    Raises:
        InputError: fewer than ``count`` latents are valid starts.
    """
    latent = torch.randn(draws, gan.latent_dim, generator=generator, device=generator.device)
    labels = torch.arange(draws, device=generator.device) % gan.classes
    images = stored(gan.generate(latent, labels))
    seen = oracle.verdict(images, clear_confidence=clear_confidence)
    right = (labels_of(f1(images)) == labels) & (seen.label == labels) & seen.clear
    chosen = torch.nonzero(right).flatten()[:count]
    if len(chosen) < count:
        raise InputError(
            f"`latent.count` is {count}, but f1 and the oracle see the requested digit in only "
            f"{len(chosen)} of {draws} images (`latent.draws`); draw more, attack fewer, or "
            "train the generator longer"
        )
    return latent[chosen], labels[chosen]


@torch.no_grad()
def latent_views(
    rows: Mapping[str, np.ndarray],
    gan: AuxiliaryGAN,
    f1: Callable[[Tensor], Tensor],
    oracle: Panel,
    *,
    clear_confidence: float,
    device: torch.device | str,
) -> Rows:
    """Return the views of f1, f_G and the oracle on stored images, and success, ``(N,)`` each.

    ``rows``: image and adversarial_image (uint8), label, target_label, latent_start, latent_end.
    """
    before, after = (from_uint8(rows[k], device) for k in ("image", "adversarial_image"))
    label, target = rows["label"], rows["target_label"]
    views: Rows = {}
    for when, images in (("before", before), ("after", after)):
        outputs = predict(f1, images)
        views[f"f1_label_{when}"] = labels_of(outputs).cpu().numpy()
        probabilities = outputs.softmax(dim=1).cpu().numpy()
        views[f"f1_confidence_{when}"] = probabilities[np.arange(len(label)), label]
    views["auxiliary_label"] = predict(gan.classify, after).argmax(dim=1).cpu().numpy()
    views["judge_label_before"] = predict(oracle, before).argmax(dim=1).cpu().numpy()
    seen = oracle.verdict(after, clear_confidence=clear_confidence)
    views["judge_label"] = seen.label.cpu().numpy()
    views["judge_confidence"] = seen.confidence.cpu().numpy()
    views["judge_clear"] = seen.clear.cpu().numpy()
    views["latent_distance"] = np.linalg.norm(rows["latent_end"] - rows["latent_start"], axis=1)
    f1_after, judged = views["f1_label_after"], views["judge_label"]
    views["type1_success_oracle"] = type1_success(label, f1_after, judged)
    views["type1_success_clear"] = views["type1_success_oracle"] & views["judge_clear"]
    views["type1_targeted_oracle"] = type1_targeted_success(label, f1_after, judged, target)
    views["type2_success_oracle"] = type2_success(label, f1_after, judged)
    views["type2_success_clear"] = views["type2_success_oracle"] & views["judge_clear"]
    return views


@torch.no_grad()
def generator_measurements(
    gan: AuxiliaryGAN,
    judges: list[nn.Sequential],
    digits: Tensor,
    *,
    fresh: int,
    fresh_seed: int,
    clear_confidence: float,
    seed: int,
) -> Iterator[dict[str, Any]]:
    """Yield rows on ``fresh`` digits of G; latents and classes are sampled with ``fresh_seed``.

    Args:
        judges: members of the oracle; the features are those of the first.
        digits: real digits to compare the features with, ``(M, 1, 28, 28)`` in [0, 1].
        seed: seed of the generator's training.
    """
    generator = seeded(fresh_seed)
    # sampled, not in turn: the kernel distance is unbiased only for independent images
    labels = torch.randint(gan.classes, (fresh,), generator=generator)
    latent = torch.randn(fresh, gan.latent_dim, generator=generator)
    images = stored(gan.generate(latent, labels))
    seen = Panel(judges, classes=gan.classes).verdict(images, clear_confidence=clear_confidence)
    right = seen.label == labels
    real = digits[torch.randperm(len(digits), generator=seeded(fresh_seed))[:fresh]]
    features, reference = (predict(judges[0][:-1], b).numpy() for b in (images, real))
    note = f"{fresh} fresh latents"
    yield measurement(
        "beyond.generator.conditional_accuracy",
        rate(right.numpy()),
        seed=seed,
        description="AC-GAN: the oracle sees the requested digit",
        note=note,
    )
    yield measurement(
        "beyond.generator.clear",
        rate((right & seen.clear).numpy()),
        seed=seed,
        description="AC-GAN: the same, only clear images",
        note=note,
    )
    yield measurement(
        "beyond.generator.kernel_distance",
        kernel_distance_interval(features, KernelDistance(reference)),
        seed=seed,
        description="AC-GAN: kernel distance to test digits, a judge's features",
        unit="squared MMD",
        note="near 0 for the same distribution; classes drawn evenly, test digits as they come",
    )


def attack_measurements(
    rows: pd.DataFrame,
    name: str,
    kind: Literal["type1", "type2"],
    *,
    targeted: bool,
    seed: int,
    target: str,
) -> Iterator[dict[str, Any]]:
    """Yield rows on variant ``name`` of one seed.

    Args:
        rows: label, target_label and latent_distance, and the columns of `latent_views`.
        targeted: whether f_G pulls the images to the target label.
        target: name of f1 in descriptions.
    """
    label, judged = rows["label"].to_numpy(), rows["judge_label"].to_numpy()
    auxiliary = rows["auxiliary_label"].to_numpy()
    kept = rows["f1_label_after"].to_numpy() == label
    shares = {
        "true_success": (rows[f"{kind}_success_oracle"].to_numpy(), "true success"),
        "clear_success": (rows[f"{kind}_success_clear"].to_numpy(), "clear true success"),
        "f1_kept": (kept, "f1 keeps the label"),
        "oracle_kept": (judged == label, "the oracle sees the old label"),
        "auxiliary_kept": (auxiliary == label, "f_G sees the old label"),
    }
    if targeted:
        success = rows["type1_targeted_oracle"].to_numpy()
        shares["targeted_success"] = success, "the oracle sees the target, f1 the old label"
        shares["auxiliary_target"] = (
            auxiliary == rows["target_label"].to_numpy(),
            "f_G sees the target",
        )
    prefix = f"beyond.latent.{name}"
    subject = f"{'Type I' if kind == 'type1' else 'Type II'} on latents, {name}, {target}"
    for what, (hits, text) in shares.items():
        yield measurement(
            f"{prefix}.{what}", rate(hits), seed=seed, description=f"{subject}: {text}"
        )
    yield measurement(
        f"{prefix}.distance",
        mean_interval(rows["latent_distance"].to_numpy()),
        seed=seed,
        description=f"{subject}: ||z' - z||",
        unit="L2",
    )
