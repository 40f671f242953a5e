"""Training objectives of the two stages of Algorithm 1 (Eq. 6 and 7)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from typeone.models.svae import SupervisedVAE
from typeone.training.losses import (
    cross_entropy,
    discriminator_loss,
    kl_divergence,
    recon_loss,
    weight_penalty,
)
from typeone.training.steps import Objective, warm_up_share


def sample(mu: Tensor, sigma: Tensor, generator: torch.Generator) -> Tensor:
    """Draw one latent per row from N(mu, diag sigma²), ``(N, D)``."""
    noise = torch.randn(mu.shape, generator=generator, device=mu.device, dtype=mu.dtype)
    return mu + sigma * noise


def mirror_half(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror images ``(M, C, H, W)`` left to right, each with probability 1/2 (``generator``)."""
    coins = torch.rand(len(images), 1, 1, 1, generator=generator, device=images.device)
    return torch.where(coins < 0.5, images.flip(3), images)


def svae_stage1(
    svae: SupervisedVAE,
    images: Callable[[Tensor], Tensor],
    labels: Tensor,
    generator: torch.Generator,
    *,
    recon: Callable[[Tensor, Tensor], Tensor] = recon_loss,
    recon_weight: float = 1.0,
    f2_weight: float = 1.0,
    kl_warmup: float,
    l2: float = 0.0,
    mirror: bool = False,
) -> Objective:
    """Return -J of Eq. 6: J_KL + J_2 + J_dec for each image, on one sample of q(z|x).

    Args:
        images: from row numbers ``(M,)`` to the images to encode and reconstruct.
        labels: int64 ``(N,)``.
        recon: J_dec, from pixel logits and images ``(N, C, H, W)`` to ``(N,)``.
        recon_weight, f2_weight: weights of J_dec and J_2; 1 in the paper.
        kl_warmup: epochs over which the weight of J_KL rises from 0 to 1; 0 in the paper.
        l2: weight of `weight_penalty` over encoder, decoder and f2; 0 in the paper.
        mirror: whether `mirror_half` is applied to each batch; not in the paper.
    """

    def objective(rows: Tensor, epochs: float | Tensor) -> dict[str, Tensor]:
        batch = mirror_half(images(rows), generator) if mirror else images(rows)
        mu, sigma = svae.encode(batch)
        z = sample(mu, sigma, generator)
        kl = kl_divergence(mu, sigma)
        dec = recon(svae.decode_logits(z), batch)
        ce = cross_entropy(svae.classify(z), labels[rows])
        weight = warm_up_share(epochs, kl_warmup)
        loss = weight * kl + recon_weight * dec + f2_weight * ce
        if l2:
            loss = loss + l2 * weight_penalty([svae.encoder, svae.decoder, svae.classifier])
        return {"loss": loss, "kl": kl, "recon_loss": dec, "f2_loss": ce}

    return objective


def svae_stage2(
    svae: SupervisedVAE, mu: Tensor, sigma: Tensor, generator: torch.Generator
) -> Objective:
    """Return -J_dis of Eq. 7 on encoded and drawn latents; only f_dis is trained.

    The encoder is frozen in stage 2, so q(z|x) of every image is computed once: ``mu``, ``sigma``,
    ``(N, latent_dim)`` each.
    """

    def objective(rows: Tensor, _epochs: float | Tensor) -> dict[str, Tensor]:
        encoded = sample(mu[rows], sigma[rows], generator)
        drawn = torch.randn(encoded.shape, generator=generator, device=encoded.device)
        real, fake = svae.discriminate(encoded), svae.discriminate(drawn)
        wrong = 0.5 * ((real <= 0).float() + (fake > 0).float())
        return {"loss": discriminator_loss(real, fake), "train_error": wrong.detach()}

    return objective
