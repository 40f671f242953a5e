"""Measure recognizers on pairs of faces: distances, and verification rates by threshold (IV-B)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from typeone.data.faces import FaceTable
from typeone.data.lfw import LFW
from typeone.evaluation.intervals import mean_interval, rate
from typeone.evaluation.measurements import measurement
from typeone.evaluation.verification import Kind, draw_pairs, far_by_fold, ten_fold
from typeone.models.recognizers import THRESHOLDS, embed
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.devices import seeded

LFW_PUBLISHED = "faces.recognizer.lfw_accuracy"


def pair_distances(
    recognizer: nn.Module,
    table: FaceTable,
    kinds: Sequence[Kind],
    checkpoint: Checkpoint,
    *,
    pairs: int,
    seed: int,
    device: torch.device | str,
) -> dict[str, np.ndarray]:
    """Return distances ``(N,)`` of at most ``pairs`` pairs of a table by kind, see `draw_pairs`."""
    look = partial(table.faces, device=device)
    embeddings = embed(recognizer, len(table), look, checkpoint=checkpoint)
    return {
        kind: draw_pairs(
            table.identities, table.labels, kind=kind, count=pairs, generator=seeded(seed)
        ).distances(embeddings)
        for kind in kinds
    }


def verification_measurements(
    distances: Mapping[str, np.ndarray],
    thresholds: Mapping[str, float],
    *,
    source: str,
    name: str,
    seed: int,
    far: str,
) -> Iterator[dict[str, Any]]:
    """Yield rows on test pairs: mean distances, and rates at each threshold.

    Args:
        distances: of pairs ``(N,)`` by kind; without ``same`` its rates are left out.
        thresholds: by name: paper, squared and far.
        source: source of the faces.
        name: name of the recognizer.
        far: description of the threshold ``far`` in notes.
    """
    own, beyond = f"beyond.{source}.recognizer.{name}", f"beyond.{source}"
    subject = f"{source} faces, {name} recognizer"
    texts = {"paper": "1.242", "squared": "1.242 on the squared distance", "far": far}
    for kind, values in distances.items():
        yield measurement(
            f"{own}.{kind}_distance",
            mean_interval(values),
            seed=seed,
            description=f"{subject}: distance of test pairs, {kind} people",
            unit="L2",
        )
    for threshold, distance in thresholds.items():
        accepted = {kind: values <= distance for kind, values in distances.items()}
        opposite = accepted["opposite"], "clean pairs of a man and a woman accepted"
        judged = {
            f"{own}.false_accept": (accepted["different"], "different people accepted"),
            f"{beyond}.opposite_gender_pairs": opposite,
        }
        if "same" in accepted:
            same, different = accepted["same"], ~accepted["different"]
            least = min(len(same), len(different))
            right = np.concatenate([same[:least], different[:least]])
            judged[f"{own}.accuracy"] = right, "verification accuracy"
            judged[f"{own}.true_accept"] = same, "same people accepted"
        for identity, (hits, what) in judged.items():
            yield measurement(
                f"{identity}.{threshold}",
                rate(hits),
                seed=seed,
                description=f"{subject}: {what}",
                note=f"test pairs, distance at most {distance:.3f} ({texts[threshold]})",
            )


def lfw_measurements(
    distances: np.ndarray,
    lfw: LFW,
    *,
    side: int,
    preprocessing: str,
    false_accepts: float,
    published: bool,
) -> Iterator[dict[str, Any]]:
    """Yield rows on the pairs of LFW at one side of the images, in pixels, and one preprocessing.

    Args:
        distances: of the pairs, ``(N,)``.
        false_accepts: share of other folds' different pairs that the threshold ``far`` accepts.
        published: whether the accuracy is compared with the published one.
    """
    own = f"beyond.lfw.{side}px.{preprocessing}"
    subject = f"FaceNet on LFW, {side} px, {preprocessing}"
    right, _ = ten_fold(distances, lfw.same, lfw.fold)
    yield measurement(
        LFW_PUBLISHED if published else f"{own}.accuracy",
        rate(right),
        seed=0,
        description=f"{subject}: accuracy",
        note=f"view 2, ten folds, {side} px, preprocessing {preprocessing}",
    )
    far = far_by_fold(distances, lfw.same, lfw.fold, false_accepts)
    limits: dict[str, float | np.ndarray] = {**THRESHOLDS, "far": far}
    for threshold, distance in limits.items():
        accepted = distances <= distance
        judged = {
            "accuracy": (accepted == lfw.same, "accuracy"),
            "true_accept": (accepted[lfw.same], "same people accepted"),
            "false_accept": (accepted[~lfw.same], "different people accepted"),
        }
        for what, (hits, text) in judged.items():
            yield measurement(
                f"{own}.{what}.{threshold}",
                rate(hits),
                seed=0,
                description=f"{subject}: {text}",
                note=f"distance at most {np.mean(distance):.3f}",
            )
