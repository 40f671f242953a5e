"""Do attacked images still look like data? Measures by networks that no attack has used.

A Type I attack can fool everyone with images that no one would take for a digit. Two answers: how
improbable an image is to a held-out VAE (of another seed), and how far a set of images lies from
real ones in the features of a judge (the kernel distance of Bińkowski et al., 2018, whose unbiased
estimate suits a few hundred images; Fréchet's would not).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from typeone.errors import InputError
from typeone.losses import kl_divergence, recon_loss
from typeone.metrics import Rate, rate
from typeone.models.svae import SupervisedVAE


@torch.no_grad()
def negative_elbo(svae: SupervisedVAE, images: Tensor, *, batch: int = 1000) -> Tensor:
    """-ELBO of binary images at the mean of q(z|x), nats, ``(N, C, H, W)`` → ``(N,)``."""
    parts = []
    for part in images.split(batch):
        mu, sigma = svae.encode(part)
        parts.append(recon_loss(svae.decode_logits(mu), part) + kl_divergence(mu, sigma))
    return torch.cat(parts)


def odd_share(values: np.ndarray, clean: np.ndarray, *, quantile: float = 0.95) -> Rate:
    """Share of images whose -ELBO is above the ``quantile`` of clean ones, or no number at all.

    Of clean images themselves it is 1 - quantile.

    Raises:
        InputError: -ELBO of a clean image is not finite.
    """
    if not np.isfinite(clean).all():
        raise InputError(
            "the held-out SVAE gives clean digits no finite probability; train it anew"
        )
    return rate(~(values <= np.quantile(clean, quantile)))


def kernel_distance(features: np.ndarray, reference: np.ndarray) -> float:
    """Unbiased squared MMD with the kernel (x·y / d + 1)³, ``(N, d)`` and ``(M, d)``.

    Near 0, and below it by chance, for two samples of one distribution.
    """
    x, y = features.astype(np.float64), reference.astype(np.float64)
    n, m, d = len(x), len(y), x.shape[1]
    xx, yy, xy = ((a @ b.T / d + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    within_x = (xx.sum() - np.trace(xx)) / (n * (n - 1))
    within_y = (yy.sum() - np.trace(yy)) / (m * (m - 1))
    return float(within_x + within_y - 2 * xy.mean())


def kernel_distance_interval(
    features: np.ndarray, reference: np.ndarray, *, groups: int = 5
) -> Rate:
    """Mean `kernel_distance` of ``groups`` parts of the images, with Student's 95 % interval.

    The reference is one for all parts: how it was drawn is not in the interval.

    Raises:
        InputError: fewer than two images a group.
    """
    if len(features) < 2 * groups:
        raise InputError(
            f"a kernel distance in {groups} groups needs {2 * groups} images, has {len(features)}; "
            "attack more examples (`count`)"
        )
    values = np.array([kernel_distance(features[i::groups], reference) for i in range(groups)])
    half = float(stats.t.ppf(0.975, groups - 1) * values.std(ddof=1) / math.sqrt(groups))
    mean = float(values.mean())
    return Rate(mean, mean - half, mean + half, len(features))
