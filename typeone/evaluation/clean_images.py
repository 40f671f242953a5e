"""Measure whether an image resembles clean data: probable to a density model, and without noise.

Judges can be sure about an image that nobody would take for a digit. An image is *odd* if the
held-out density model finds it less probable than nearly all clean images of the class that it
shows, and *noisy* if a median filter changes it more than nearly all of these. Neither measure uses
a classifier of its own or an attack.

ASSUME: beyond the paper. Limits are the 95 % quantiles of clean validation images of each class:
both measures depend on the class (a 0 has more edges than a 1), so that one limit for all would
accept any noise on a 1.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from typeone.data.idx_sets import CLASSES
from typeone.data.images import binarise
from typeone.evaluation.image_quality import quality
from typeone.evaluation.intervals import rate
from typeone.evaluation.measurements import measurement
from typeone.evaluation.panels import Verdict
from typeone.models.density import DenseVAE, Limits, load_density, load_limits
from typeone.runtime.errors import InputError
from typeone.training.density import negative_elbo


def fit_limits(
    model: DenseVAE, clean: Tensor, labels: Tensor, *, quantile: float, classes: int = CLASSES
) -> Limits:
    """Return the ``quantile`` of both measures on the clean images of each class.

    Args:
        clean: ``(N, 1, 28, 28)`` in [0, 1].
        labels: their classes, ``(N,)``.

    Raises:
        InputError: -ELBO of a clean image is not finite, or a class has no image.
    """
    seen = negative_elbo(model, binarise(clean)).double()
    if not seen.isfinite().all():
        raise InputError(
            "the density model does not give clean images a finite probability; train it again"
        )
    missing = set(range(classes)) - set(labels.unique().tolist())
    if missing:
        raise InputError(
            f"no validation image of class {min(missing)} among {len(labels)}; needs one of each "
            "class: use more validation images (`limit.validation`)"
        )

    def of_classes(values: Tensor) -> list[float]:
        return [values[labels == c].double().quantile(quantile).item() for c in range(classes)]

    return Limits(of_classes(seen), of_classes(quality(clean).noise))


class CleanImages(NamedTuple):
    """The density model, and the limits of both measures on clean images."""

    model: DenseVAE
    limits: Limits

    def columns(self, images: Tensor, classes: Tensor) -> dict[str, np.ndarray]:
        """Return both measures and verdicts on images ``(N, 1, 28, 28)`` in [0, 1], ``(N,)`` each.

        ``classes``: the class that each image shows, ``(N,)``, whose limits decide. An image whose
        -ELBO is not finite is odd.
        """
        values = {
            "negative_elbo": negative_elbo(self.model, binarise(images)).double(),
            "noise": quality(images).noise.double(),
        }
        verdicts = {}
        for verdict, name in (("odd", "negative_elbo"), ("noisy", "noise")):
            limits = torch.tensor(getattr(self.limits, name), dtype=torch.float64).to(
                classes.device
            )
            verdicts[verdict] = ~(values[name] <= limits[classes])
        columns = {name: value.float() for name, value in values.items()} | verdicts
        return {name: column.cpu().numpy() for name, column in columns.items()}


def load_clean_images(
    path: str | os.PathLike[str], device: torch.device | str = "cpu"
) -> CleanImages:
    """Load the density model and its limits from a checkpoint."""
    return CleanImages(load_density(path, device), load_limits(path))


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
        "odd": (columns["odd"], "clean test digits beyond the limit of odd images"),
        "noisy": (columns["noisy"], "clean test digits beyond the limit of noisy images"),
        "clean": (clear & alike, "clean test digits that are clear, not odd and not noisy"),
    }
    return [
        measurement(f"beyond.oracle.test.{name}", rate(flags), seed=seed, description=text)
        for name, (flags, text) in shares.items()
        if len(flags)
    ]
