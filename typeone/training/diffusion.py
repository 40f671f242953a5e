"""Train the diffusion model of small images."""

from __future__ import annotations

import torch
from torch import Tensor

from typeone.models.classifiers import reset_parameters
from typeone.models.diffusion import ARCHITECTURE, Denoiser, one_hot_classes
from typeone.runtime.devices import seeded
from typeone.training.loop import Trained, Training
from typeone.training.objectives.diffusion import denoising, draw_noise, weighted_error


@torch.no_grad()
def mean_error(
    model: Denoiser, images: Tensor, classes: Tensor, generator: torch.Generator
) -> float:
    """Return the mean weighted error of ``images`` in [-1, 1] with noise of every level."""
    errors = [
        weighted_error(model, batch, of_it, *draw_noise(batch, generator))
        for batch, of_it in zip(images.split(1000), classes.split(1000), strict=True)
    ]
    return torch.cat(errors).mean().item()


def train_diffusion(
    training: Training,
    images: Tensor,
    labels: Tensor,
    validation: tuple[Tensor, Tensor],
    *,
    channels: int,
) -> Trained[Denoiser]:
    """Train the diffusion model on ``images`` ``(N, 1, 28, 28)`` in [0, 1] with ``labels``.

    ``validation``: images and labels like these, whose mean error is part of the curve, each time
    with the same noise.
    """
    model = Denoiser(channels=channels)
    reset_parameters(model, seeded(training.seed))
    model.start_at_skip()
    model.to(training.device)
    held_out = 2 * validation[0] - 1, one_hot_classes(validation[1])
    curve = training.fit(
        model,
        denoising(model, 2 * images - 1, one_hot_classes(labels), training.generator),
        count=len(images),
        evaluate=lambda: {
            "validation_loss": mean_error(model, *held_out, seeded(training.seed, training.device))
        },
    )
    return training.trained(model, curve, architecture=ARCHITECTURE, channels=channels)
