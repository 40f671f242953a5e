"""Measure whether an image looks like clean data: probable to a density model, and without noise.

Judges can be sure about an image that nobody would take for a digit. An image is *odd* if the
held-out density model finds it less probable than most clean images, and *noisy* if a median filter
removes more of it than of most clean images. Neither measure uses a classifier or an attack.

ASSUME: beyond the paper. Limits are the 95 % quantiles of clean validation images, so that about
0.9 of clean test images are neither odd nor noisy.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from typeone.data.images import binarise
from typeone.detectors.squeezers import median_smooth
from typeone.evaluation.intervals import rate
from typeone.evaluation.measurements import measurement
from typeone.evaluation.panels import Verdict
from typeone.models.density import DenseVAE, Limits, load_density
from typeone.runtime.errors import InputError
from typeone.training.density import negative_elbo

WINDOW = 2
"""Side of the median filter; one of 2 x 2 leaves thin strokes in place."""


def noise(images: Tensor) -> Tensor:
    """Return the mean absolute change by a 2 x 2 median filter, ``(N, C, H, W)`` → ``(N,)``.

    Images are in [0, 1], and so is the result.
    """
    return (images - median_smooth(images, WINDOW)).abs().flatten(1).mean(dim=1)


def fit_limits(model: DenseVAE, clean: Tensor, *, quantile: float) -> Limits:
    """Return the ``quantile`` of both measures on ``clean`` images ``(N, 1, 28, 28)`` in [0, 1].

    Raises:
        InputError: -ELBO of a clean image is not finite.
    """
    seen = negative_elbo(model, binarise(clean)).double()
    if not seen.isfinite().all():
        raise InputError(
            "the density model does not give clean images a finite probability; train it again"
        )
    limits = (values.double().quantile(quantile).item() for values in (seen, noise(clean)))
    return Limits(*limits)


class CleanImages(NamedTuple):
    """What clean images look like: a density model, and the limits of both measures."""

    model: DenseVAE
    limits: Limits

    def columns(self, images: Tensor) -> dict[str, np.ndarray]:
        """Return both measures and verdicts on images ``(N, 1, 28, 28)`` in [0, 1], ``(N,)`` each.

        An image whose -ELBO is not finite is odd.
        """
        improbable = negative_elbo(self.model, binarise(images)).double()
        noisy = noise(images).double()
        verdicts = {
            "odd": ~(improbable <= self.limits.negative_elbo),
            "noisy": ~(noisy <= self.limits.noise),
        }
        values = {"negative_elbo": improbable.float(), "noise": noisy.float()}
        return {name: column.cpu().numpy() for name, column in (values | verdicts).items()}


def load_clean_images(
    path: str | os.PathLike[str], device: torch.device | str = "cpu"
) -> CleanImages:
    """Load the density model and its limits from a checkpoint."""
    return CleanImages(*load_density(path, device))


def clean_digit_rows(
    verdict: Verdict, labels: Tensor, columns: Mapping[str, np.ndarray], *, seed: int
) -> list[dict[str, Any]]:
    """Return rows of `measurement` on clean test digits: how many would pass as a clean success.

    Args:
        verdict: of the judges.
        labels: true classes, ``(N,)``.
        columns: as returned by `CleanImages.columns`.
        seed: of the judges.
    """
    clear = verdict.clear.cpu().numpy()
    alike = ~(columns["odd"] | columns["noisy"])
    right = (verdict.label == labels).cpu().numpy()
    shares = {
        "clear": (clear, "clean test digits clear to the judges"),
        "clear_right": (right[clear], "judges right, clean test digits clear to the judges"),
        "odd": (columns["odd"], "clean test digits less probable than the limit of odd images"),
        "noisy": (columns["noisy"], "clean test digits noisier than the limit of noisy images"),
        "clean": (clear & alike, "clean test digits that are clear, not odd and not noisy"),
    }
    return [
        measurement(f"beyond.oracle.test.{name}", rate(flags), seed=seed, description=text)
        for name, (flags, text) in shares.items()
        if len(flags)
    ]
