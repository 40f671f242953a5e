"""Data augmentation of digits and faces."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from typeone.data.images import binarise


def augment(
    images: Tensor,
    generator: torch.Generator,
    *,
    shift: float,
    rotation: float,
    scale: float,
    binarised: float,
) -> Tensor:
    """Randomly translate, rotate, scale and binarise images ``(N, C, H, W)`` in [0, 1].

    Args:
        generator: on the device of ``images``.
        shift: largest translation along each axis, pixels.
        rotation: largest rotation, degrees.
        scale: largest relative change of size.
        binarised: probability that an image is binarised, in [0, 1].
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


def augment_faces(
    images: Tensor, generator: torch.Generator, *, shift: int, light: float
) -> Tensor:
    """Randomly translate, flip and brighten faces ``(N, C, H, W)`` in [0, 1].

    Args:
        generator: on the device of ``images``.
        shift: largest translation along each axis, whole pixels; border pixels are repeated.
        light: largest relative change of the brightness of an image.
    """
    n, device = len(images), images.device
    height, width = images.shape[-2:]

    def draw(*shape: int) -> Tensor:
        return torch.rand(n, *shape, generator=generator, device=device)

    def place(size: int) -> Tensor:
        offset = (draw(1) * (2 * shift + 1)).long() - shift
        return (torch.arange(size, device=device) + offset).clamp(0, size - 1)

    rows, columns = place(height), place(width)
    columns = torch.where(draw(1) < 0.5, columns, columns.flip(1))
    own = torch.arange(n, device=device)[:, None, None]
    moved = images.permute(0, 2, 3, 1)[own, rows[:, :, None], columns[:, None, :]]
    gain = 1 + light * (2 * draw(1, 1, 1) - 1)
    return (moved.permute(0, 3, 1, 2) * gain).clamp(0, 1)
