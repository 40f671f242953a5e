"""Measure how close attacked images are to data, with networks that no attack has used.

A Type I attack can fool every network with images that nobody would take for a digit. There are two
measures: how improbable an image is under a held-out VAE (of another seed), and how far a set of
images is from real ones in the features of a judge (the kernel distance of Bińkowski et al., 2018,
whose unbiased estimate suits a few hundred images; Fréchet's would not).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

from typeone.data.images import binarise
from typeone.evaluation.held_out import next_seed
from typeone.evaluation.intervals import Rate, mean_interval, rate
from typeone.models.predictions import predict
from typeone.models.svae import SupervisedVAE
from typeone.runtime.errors import InputError
from typeone.training.losses import kl_divergence, recon_loss


@torch.no_grad()
def negative_elbo(svae: SupervisedVAE, images: Tensor, *, batch: int = 1000) -> Tensor:
    """Return -ELBO of binary images at the mean of q(z|x), nats, ``(N, C, H, W)`` → ``(N,)``."""
    parts = []
    for part in images.split(batch):
        mu, sigma = svae.encode(part)
        parts.append(recon_loss(svae.decode_logits(mu), part) + kl_divergence(mu, sigma))
    return torch.cat(parts)


def odd_share(values: np.ndarray, clean: np.ndarray, *, quantile: float = 0.95) -> Rate:
    """Return the share of images whose -ELBO is above the ``quantile`` of clean ones, or is NaN.

    The share of the clean images themselves is 1 - quantile.

    Raises:
        InputError: -ELBO of a clean image is not finite.
    """
    if not np.isfinite(clean).all():
        raise InputError(
            "the held-out SVAE does not give clean digits a finite probability; train it again"
        )
    return rate(~(values <= np.quantile(clean, quantile)))


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
    features: np.ndarray, distance: KernelDistance, *, groups: int = 5
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
        svaes: by seed. The images of one seed are evaluated with the SVAE of another, see
            `next_seed`; of a single seed with none.
    """

    @torch.no_grad()
    def __init__(
        self, images: Tensor, judge: nn.Sequential, svaes: Mapping[int, SupervisedVAE]
    ) -> None:
        self.encoder, self.svaes = judge[:-1], svaes
        self.held_out = {seed: svaes[other] for seed, other in next_seed(list(svaes)).items()}
        self.distance = KernelDistance(predict(self.encoder, images).numpy())
        self.elbos = {
            seed: negative_elbo(svae, binarise(images)).numpy()
            for seed, svae in self.held_out.items()
        }

    @torch.no_grad()
    def measures(self, images: Tensor, *, seed: int, latent: Tensor | None) -> dict[str, Rate]:
        """Return measures by name of ``images`` ``(N, 1, 28, 28)`` in [0, 1] of one seed.

        ``latent``: their latents ``(N, D)``, for f_dis of the SVAE of this seed, or None.
        """
        features = predict(self.encoder, images).numpy()
        found = {"kernel_distance": kernel_distance_interval(features, self.distance)}
        if seed in self.held_out:
            seen = negative_elbo(self.held_out[seed], binarise(images)).numpy()
            found["odd_share"] = odd_share(seen, self.elbos[seed])
        if latent is not None:
            belief = self.svaes[seed].discriminate(latent).sigmoid().numpy()
            found["discriminator"] = mean_interval(belief)
        return found
