"""Random variations of digits that a judge should not mind."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from typeone.images import binarise


def augment(
    images: Tensor,
    generator: torch.Generator,
    *,
    shift: float,
    rotation: float,
    scale: float,
    binarised: float,
) -> Tensor:
    """Each image moved, turned, scaled and perhaps binarised, ``(N, C, H, W)`` in [0, 1].

    Args:
        generator: on the device of ``images``.
        shift: largest translation along each axis, pixels.
        rotation: largest rotation, degrees.
        scale: largest relative change of size.
        binarised: share of the images that is binarised, in [0, 1].
    """
    n, side = len(images), images.shape[-1]

    def uniform(limit: float) -> Tensor:
        draws = torch.rand(n, generator=generator, device=images.device)
        return (2 * draws - 1) * limit

    angle, size = uniform(math.radians(rotation)), 1 + uniform(scale)
    dx, dy = uniform(2 * shift / side), uniform(2 * shift / side)
    cos, sin = angle.cos() * size, angle.sin() * size
    affine = torch.stack([cos, -sin, dx, sin, cos, dy], dim=1).view(n, 2, 3)
    grid = F.affine_grid(affine, list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, align_corners=False).clamp(0, 1)
    hard = torch.rand(n, 1, 1, 1, generator=generator, device=images.device) < binarised
    return torch.where(hard, binarise(moved), moved)
