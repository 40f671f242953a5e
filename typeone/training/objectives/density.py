"""Training objective of the density model: the negative ELBO (Kingma and Welling, 2014)."""

from __future__ import annotations

import torch
from torch import Tensor

from typeone.models.density import DenseVAE
from typeone.training.losses import kl_divergence, recon_loss
from typeone.training.objectives.svae import sample
from typeone.training.steps import Objective


def density(model: DenseVAE, images: Tensor, generator: torch.Generator) -> Objective:
    """Return -ELBO of each of the binary ``images`` ``(N, 1, 28, 28)``, on one sample of q(z|x)."""

    def objective(rows: Tensor, _epochs: float | Tensor) -> dict[str, Tensor]:
        batch = images[rows]
        mu, sigma = model.encode(batch)
        recon = recon_loss(model.decode_logits(sample(mu, sigma, generator)), batch)
        kl = kl_divergence(mu, sigma)
        return {"loss": recon + kl, "kl": kl, "recon_loss": recon}

    return objective
