"""Bilinear resizing with a deterministic gradient, on a GPU as well.

On a GPU, PyTorch sums the gradient of a bilinear resize in arbitrary order (atomic additions); its
deterministic version is slow. Here a GPU resizes by a product with one weight matrix for each side,
whose gradient is a product as well. On the CPU, PyTorch's resize is deterministic, and faster.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def interpolation_matrix(
    size: int,
    to: int,
    *,
    antialias: bool = False,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Weights of bilinear interpolation along one side, ``(to, size)``, with half-pixel centres."""
    identity = torch.eye(size, dtype=dtype, device=device)[None, None]
    return F.interpolate(
        identity, (to, size), mode="bilinear", align_corners=False, antialias=antialias
    )[0, 0]


def resize_by_products(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Compute ``rows`` X ``columns``ᵀ for each channel X: ``(N, C, H, W)`` → ``(N, C, H', W')``.

    ``rows`` ``(H', H)``, ``columns`` ``(W', W)``. The result is in channels-last memory.
    """
    n, c, h, w = images.shape
    high, wide = len(rows), len(columns)
    x = images.permute(0, 2, 3, 1).reshape(n, h, w * c)
    x = (rows @ x).reshape(n * high, w, c)
    return (columns @ x).reshape(n, high, wide, c).permute(0, 3, 1, 2)


def resize_bilinear(images: Tensor, side: int, *, antialias: bool = False) -> Tensor:
    """Resize images ``(N, C, H, W)`` bilinearly to ``(N, C, side, side)``, half-pixel centres.

    ``antialias`` averages over source pixels when the image shrinks.
    """
    if images.device.type == "cpu":
        return F.interpolate(
            images, (side, side), mode="bilinear", align_corners=False, antialias=antialias
        )
    rows, columns = (
        interpolation_matrix(
            size, side, antialias=antialias, dtype=images.dtype, device=images.device
        )
        for size in images.shape[2:]
    )
    return resize_by_products(images, rows, columns)


class Doubling(nn.Module):
    """Bilinear upsampling of ``(N, C, side, side)`` by two, half-pixel centres."""

    weights: Tensor

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side
        weights = interpolation_matrix(side, 2 * side, dtype=torch.get_default_dtype())
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type == "cpu":
            return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        return resize_by_products(x, self.weights, self.weights)
