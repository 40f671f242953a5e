"""Train the held-out density model of small images, and evaluate -ELBO under it."""

from __future__ import annotations

import torch
from torch import Tensor

from typeone.data.images import binarise
from typeone.models.classifiers import reset_parameters
from typeone.models.density import ARCHITECTURE, DenseVAE
from typeone.runtime.devices import seeded
from typeone.training import elbo
from typeone.training.loop import Trained, Training
from typeone.training.objectives.density import density


@torch.no_grad()
def negative_elbo(model: DenseVAE, images: Tensor, *, batch: int = 1000) -> Tensor:
    """Return -ELBO of binary images at the mean of q(z|x), nats, ``(N, C, H, W)`` → ``(N,)``."""
    return torch.cat([elbo.negative_elbo(model, part) for part in images.split(batch)])


def train_density(
    training: Training, images: Tensor, validation: Tensor, *, latent_dim: int
) -> Trained[DenseVAE]:
    """Train the density model on ``images`` ``(N, 1, 28, 28)`` in [0, 1], which are binarised.

    ``validation``: images like these, whose mean -ELBO is part of the curve.
    """
    model = DenseVAE(latent_dim=latent_dim)
    reset_parameters(model, seeded(training.seed))
    model.to(training.device)
    seen = binarise(validation)
    curve = training.fit(
        model,
        density(model, binarise(images), training.generator),
        count=len(images),
        evaluate=lambda: {"validation_negative_elbo": negative_elbo(model, seen).mean().item()},
    )
    return training.trained(model, curve, architecture=ARCHITECTURE, latent_dim=latent_dim)
