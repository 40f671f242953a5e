"""-ELBO of images under a density model, differentiable in the image."""

from __future__ import annotations

from torch import Tensor

from typeone.models.density import DenseVAE
from typeone.training.losses import kl_divergence, recon_loss


def negative_elbo(model: DenseVAE, images: Tensor) -> Tensor:
    """-ELBO of images ``(N, 1, H, W)`` in [0, 1] at the mean of q(z|x), nats, ``(N,)``."""
    mu, sigma = model.encode(images)
    return recon_loss(model.decode_logits(mu), images) + kl_divergence(mu, sigma)
