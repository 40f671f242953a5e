"""Measure attacks on the latent spaces of face generators, with a random baseline (Fig. 9).

A low distance proves little if two unrelated faces of the same generator ("strangers") are as
close. The paper lacks this baseline.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy import stats
from torch import Tensor

from typeone.data.images import from_uint8, to_uint8
from typeone.evaluation.intervals import Rate, mean_interval, rate
from typeone.evaluation.measurements import measurement
from typeone.evaluation.panels import Panel
from typeone.models.face_generators import FaceGenerator
from typeone.runtime.artifacts import Records

FEW = 0.05
"""Share of random pairs that a fair threshold accepts."""


@torch.no_grad()
def stranger_distances(
    gan: FaceGenerator,
    recognizer: Callable[[Tensor], Tensor],
    generator: torch.Generator,
    *,
    count: int,
    device: torch.device | str,
) -> tuple[np.ndarray, np.ndarray]:
    """Return distances of all pairs among ``count`` faces of random latents, and of their latents.

    Both are ``(count (count - 1) / 2,)``. The faces are embedded as stored, in uint8.
    """
    latent = torch.randn(count, gan.latent_dim, generator=generator, device=device)
    stored = [to_uint8(gan(z[None])).float() / 255 for z in latent]
    embeddings = torch.cat([recognizer(image) for image in stored])
    first, second = torch.tensor(list(combinations(range(count), 2))).T
    apart, latent_apart = (
        (values[first] - values[second]).norm(dim=1).cpu().numpy()
        for values in (embeddings, latent)
    )
    return apart, latent_apart


def figure9_measurements(
    rows: pd.DataFrame, *, published_rows: int, name: str, preset: str, seed: int
) -> Iterator[dict[str, Any]]:
    """Yield one row per published distance of Fig. 9; rows that did not run have n = 0.

    Args:
        rows: row (from 1 on) and distance.
        published_rows: number of rows of the figure.
        name: name of the generator that replaces StyleGAN.
    """
    count = f"{len(rows)} of {published_rows} rows"
    for row in range(1, published_rows + 1):
        distance = rows.loc[rows["row"] == row, "distance"]
        value, note = Rate(math.nan, math.nan, math.nan, 0), f"{preset} attacks {count}"
        if len(distance):  # a single number has no interval
            value = Rate(float(distance.iloc[0]), math.nan, math.nan, 1)
            note = f"{name} for StyleGAN, {count} run"
        yield measurement(
            f"fig9.distance.{row}",
            value,
            seed=seed,
            description=f"FaceNet's distance of the ends of row {row}, {name}",
            unit="L2",
            note=note,
        )


def stylegan_measurements(
    rows: pd.DataFrame,
    strangers: tuple[np.ndarray, np.ndarray],
    *,
    published_rows: int,
    name: str,
    threshold: float,
    strangers_count: int,
    seed: int,
    preset: str,
) -> Iterator[dict[str, Any]]:
    """Yield rows on Fig. 9.

    Args:
        rows: row, distance, latent_distance and hinge of each attacked latent.
        strangers: returned by `stranger_distances` for ``strangers_count`` faces.
        published_rows, name, preset: see `figure9_measurements`.
        threshold: distance up to which FaceNet takes two faces for one person.
    """
    yield from figure9_measurements(
        rows, published_rows=published_rows, name=name, preset=preset, seed=seed
    )
    apart, latent_apart = strangers
    ran = f"{len(rows)} of {published_rows} rows run"
    pairs = f"all pairs of {strangers_count} random faces; they share faces, so that the "
    pairs += "interval is too narrow"
    yield measurement(
        "beyond.fig9.far",
        rate(rows["hinge"].to_numpy() <= 0),
        seed=seed,
        description=f"Eq. 13 on {name}: z' reaches the required distance",
        note=ran,
    )
    yield measurement(
        "beyond.fig9.latent_distance",
        mean_interval(rows["latent_distance"].to_numpy()),
        seed=seed,
        description=f"Eq. 13 on {name}: ||z' - z||",
        unit="L2",
        note=ran,
    )
    yield measurement(
        "beyond.fig9.strangers.distance",
        mean_interval(apart),
        seed=seed,
        description=f"FaceNet's distance of two random faces of {name}",
        unit="L2",
        note=pairs,
    )
    yield measurement(
        "beyond.fig9.strangers.same",
        rate(apart <= threshold),
        seed=seed,
        description=f"two random faces of {name} are one person to FaceNet, {threshold}",
        note=pairs,
    )
    yield from beside_strangers(rows, apart, name=name, seed=seed, note=pairs)
    yield measurement(
        "beyond.fig9.strangers.latent_distance",
        mean_interval(latent_apart),
        seed=seed,
        description=f"||z' - z|| of two random faces of {name}",
        unit="L2",
        note=pairs,
    )


def beside_strangers(
    rows: pd.DataFrame, apart: np.ndarray, *, name: str, seed: int, note: str
) -> Iterator[dict[str, Any]]:
    """Yield rows that compare the ends of attacks with random faces of the same generator.

    A published threshold accepts many random pairs of a generator, so a fair one is a distance that
    few of them fall below: `FEW`.

    Args:
        rows: row (from 1 on) and distance of each attacked latent.
        apart: distances of random pairs, ``(M,)``.
        name: name of the generator.
        note: says which pairs.
    """
    # the distribution-free interval of a quantile: between order statistics
    below, above = stats.binom.ppf([0.025, 0.975], len(apart), FEW)
    ordered = np.sort(apart)
    fair, low, high = (
        float(ordered[min(max(int(i), 0), len(apart) - 1)])
        for i in (len(apart) * FEW, below - 1, above)
    )
    yield measurement(
        "beyond.fig9.strangers.fair_threshold",
        Rate(fair, low, high, len(apart)),
        seed=seed,
        description=f"distance that {FEW:.0%} of pairs of random faces of {name} fall below",
        unit="L2",
        note=note,
    )
    yield measurement(
        "beyond.fig9.same_at_fair_threshold",
        rate(rows["distance"].to_numpy() < fair),
        seed=seed,
        description=f"Eq. 13 on {name}: both ends are nearer than {1 - FEW:.0%} of random pairs",
        note=f"distance below {fair:.3f}",
    )
    for row, distance in zip(rows["row"], rows["distance"], strict=True):
        yield measurement(
            f"beyond.fig9.strangers.nearer.{row}",
            rate(apart < distance),
            seed=seed,
            description=f"random pairs of {name} that are nearer than the ends of row {row}",
            note=note,
        )


def gender_changes(
    table: Records, judges: Panel, clear_confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return where the judges see a face at both ends, and where another gender, bool ``(N,)``."""
    before, after = (
        judges.verdict(from_uint8(table[k]), clear_confidence=clear_confidence)
        for k in ("image", "adversarial_image")
    )
    faces = (before.shows_class & after.shows_class).numpy()
    return faces, faces & (before.label != after.label).numpy()


def small_generator_measurements(
    table: Records,
    thresholds: Mapping[str, float],
    judges: Panel,
    *,
    clear_confidence: float,
    prefix: str,
    faces: str,
    recognizer: str,
    seed: int,
) -> Iterator[dict[str, Any]]:
    """Yield rows on one seed of the small generator.

    Args:
        table: image, adversarial_image (uint8), hinge, distance, stranger_distance and
            latent_distance.
        thresholds: distances up to which f1 takes two faces for one person, by name.
        prefix: prefix of the ids.
        faces, recognizer: names of the faces and of f1 in texts.
    """
    subject = f"{faces}, Eq. 13 on the small generator, f1 {recognizer}"
    far = table["hinge"] <= 0
    seen, changed = gender_changes(table, judges, clear_confidence)
    shares = {
        "far": (far, "z' reaches the required distance"),
        "faces": (seen, "the judges see a face at both ends"),
        "changed": (changed, "and another gender"),
    }
    for name, limit in thresholds.items():
        kept = table["distance"] <= limit
        near = table["stranger_distance"] <= limit
        text = f"the same person to f1 ({name}, {limit:.3f})"
        shares[f"kept.{name}"] = kept & far, f"far away, and {text}"
        both = kept & far & changed
        shares[f"true_success.{name}"] = both, f"another gender to the judges, and {text}"
        shares[f"strangers.{name}"] = near, f"faces of two random latents: {text}"
    for what, (hits, text) in shares.items():
        yield measurement(
            f"{prefix}.{what}", rate(hits), seed=seed, description=f"{subject}: {text}"
        )
    lengths = {
        "distance": ("distance", "distance of the embeddings of both ends"),
        "strangers.distance": ("stranger_distance", "the same for two random latents"),
        "latent_distance": ("latent_distance", "||z' - z||"),
    }
    for what, (column, text) in lengths.items():
        yield measurement(
            f"{prefix}.{what}",
            mean_interval(table[column]),
            seed=seed,
            description=f"{subject}: {text}",
            unit="L2",
        )
