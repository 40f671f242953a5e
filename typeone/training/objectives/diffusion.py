"""Training objective of the diffusion model: denoising score matching (Karras et al., 2022)."""

from __future__ import annotations

import torch
from torch import Tensor

from typeone.models.diffusion import DATA_STD, Denoiser
from typeone.training.steps import Objective

LOG_MEAN, LOG_STD = -1.0, 1.2  # of sigma in training; ASSUME: Table 1 of Karras et al. has -1.2
NO_CLASS = 0.1  # share of images without class, for classifier-free guidance (Ho and Salimans)


def draw_noise(images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw sigma ``(N,)``, log-normal, and standard normal noise like ``images``."""
    count, device = len(images), images.device
    sigma = (LOG_MEAN + LOG_STD * torch.randn(count, generator=generator, device=device)).exp()
    return sigma, torch.randn(images.shape, generator=generator, device=device)


def weighted_error(
    model: Denoiser, images: Tensor, classes: Tensor, sigma: Tensor, noise: Tensor
) -> Tensor:
    """Mean squared error of the estimate per image, weighted to be of order 1, ``(N,)`` (Eq. 8).

    Args:
        images: x in [-1, 1], ``(N, 1, H, W)``; ``noise``: like it, standard normal.
        classes: as in `Denoiser.forward`.
        sigma: standard deviations of the noise, ``(N,)``.
    """
    noisy = images + sigma.view(-1, 1, 1, 1) * noise
    error = (model(noisy, sigma, classes) - images).square().flatten(1).mean(dim=1)
    return error * (sigma.square() + DATA_STD**2) / (sigma * DATA_STD).square()


def denoising(
    model: Denoiser, images: Tensor, classes: Tensor, generator: torch.Generator
) -> Objective:
    """Return the `weighted_error` of each of ``images``, with drawn noise.

    A share of `NO_CLASS` of the images is seen without its row of ``classes``.
    """

    def objective(rows: Tensor, _epochs: float | Tensor) -> dict[str, Tensor]:
        batch = images[rows]
        share = torch.rand(len(batch), 1, generator=generator, device=images.device)
        seen = classes[rows] * (share >= NO_CLASS)
        return {"loss": weighted_error(model, batch, seen, *draw_noise(batch, generator))}

    return objective
