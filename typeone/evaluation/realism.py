"""Measure how close attacked images are to data, with networks that no attack has used.

A Type I attack can fool every network with images that nobody would take for a digit. Single images
are measured by `typeone.evaluation.clean_images`; here is the distance of a set of images from real
ones in the features of a judge (the kernel distance of Bińkowski et al., 2018, whose unbiased
estimate suits a few hundred images; Fréchet's would not), and the SVAE's own discriminator.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

from typeone.evaluation.intervals import Rate, mean_interval
from typeone.models.predictions import predict
from typeone.models.svae import SupervisedVAE
from typeone.runtime.errors import InputError

GROUPS = 5  # parts of the images, of two images at least, from which the interval comes


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _within(x: np.ndarray) -> float:
    """Return the mean kernel over the pairs of different rows."""
    kernel = _kernel(x, x)
    return float((kernel.sum() - np.trace(kernel)) / (len(x) * (len(x) - 1)))


class KernelDistance:
    """Unbiased squared MMD to ``reference`` ``(M, d)`` with the kernel (x·y / d + 1)³.

    For two samples of one distribution it is near 0, and can be negative by chance. The term of the
    reference alone, which is nearly all of the work, is computed once.
    """

    def __init__(self, reference: np.ndarray) -> None:
        self.reference = reference.astype(np.float64)
        self.within = _within(self.reference)

    def __call__(self, features: np.ndarray) -> float:
        """Return the distance of ``features`` ``(N, d)``."""
        x = features.astype(np.float64)
        return _within(x) + self.within - 2 * float(_kernel(x, self.reference).mean())


def kernel_distance_interval(
    features: np.ndarray, distance: KernelDistance, *, groups: int = GROUPS
) -> Rate:
    """Return the mean ``distance`` of ``groups`` parts of the images, with Student's 95 % interval.

    All parts share one reference, so the interval does not include the variance of its draw.

    Raises:
        InputError: there are fewer than two images per group.
    """
    if len(features) < 2 * groups:
        raise InputError(
            f"a kernel distance in {groups} groups needs {2 * groups} images, has {len(features)}; "
            "attack more examples (`count`)"
        )
    values = np.array([distance(features[i::groups]) for i in range(groups)])
    half = float(stats.t.ppf(0.975, groups - 1) * values.std(ddof=1) / math.sqrt(groups))
    mean = float(values.mean())
    return Rate(mean, mean - half, mean + half, len(features))


class Reference:
    """Real digits to compare attacked digits with, in the features of networks.

    Args:
        images: ``(M, 1, 28, 28)`` in [0, 1].
        judge: classifier; the features are those before its last layer.
        svaes: the SVAE that each seed's attacks use.
    """

    @torch.no_grad()
    def __init__(
        self,
        images: Tensor,
        judge: nn.Sequential,
        svaes: Mapping[int, SupervisedVAE],
    ) -> None:
        self.encoder, self.svaes = judge[:-1], svaes
        self.distance = KernelDistance(predict(self.encoder, images).numpy())

    @torch.no_grad()
    def measures(self, images: Tensor, *, seed: int, latent: Tensor | None) -> dict[str, Rate]:
        """Return measures by name of ``images`` ``(N, 1, 28, 28)`` in [0, 1] of one seed.

        ``latent``: their latents ``(N, D)``, for f_dis of the SVAE of this seed, or None. Too few
        images have no kernel distance.
        """
        found = {}
        if len(images) >= 2 * GROUPS:
            features = predict(self.encoder, images).numpy()
            found["kernel_distance"] = kernel_distance_interval(features, self.distance)
        if latent is not None:
            belief = self.svaes[seed].discriminate(latent).sigmoid().numpy()
            found["discriminator"] = mean_interval(belief)
        return found
