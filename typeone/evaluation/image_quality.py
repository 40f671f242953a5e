"""Noise and sharpness of images, measured without a network."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, tensor

from typeone.detectors.squeezers import median_smooth

WINDOW = 3
"""Side of the median filter."""


def noise(images: Tensor) -> Tensor:
    """Return the mean absolute change by a 3 x 3 median filter, ``(N, C, H, W)`` → ``(N,)``.

    Each image is scaled to a maximum of 1 first, so that a faint image cannot hide its noise.
    Images are in [0, 1], and so is the result.
    """
    brightest = images.flatten(1).amax(dim=1).clamp_min(1 / 255).view(-1, 1, 1, 1)
    scaled = images / brightest
    return (scaled - median_smooth(scaled, WINDOW)).abs().flatten(1).mean(dim=1)


def sharpness(images: Tensor) -> Tensor:
    """Return the mean absolute Laplacian of the brightness of images ``(N, 3, H, W)``, ``(N,)``."""
    grey = images.mean(dim=1, keepdim=True)
    kernel = tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]]).to(images)
    return F.conv2d(grey, kernel[None, None]).abs().mean(dim=(1, 2, 3))
