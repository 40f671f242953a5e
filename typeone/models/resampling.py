"""Bilinear resizing whose gradient comes out the same each time, on a GPU too.

On a GPU, PyTorch adds up the gradient of a bilinear resize in any order (atomic additions), or
slowly where it must be deterministic. There the resize is a product with one matrix of weights a
side, whose gradient is a product as well. On the CPU, PyTorch's own is deterministic, and faster.
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
    """Weights of bilinear interpolation along one side, ``(to, size)``: half-pixel centres."""
    identity = torch.eye(size, dtype=dtype, device=device)[None, None]
    how = {"mode": "bilinear", "align_corners": False, "antialias": antialias}
    return F.interpolate(identity, (to, size), **how)[0, 0]


def resize_by_products(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """``rows`` X ``columns``ᵀ of every channel X: ``(N, C, H, W)`` → ``(N, C, H', W')``.

    ``rows`` ``(H', H)``, ``columns`` ``(W', W)``. The result is laid out channels last.
    """
    n, c, h, w = images.shape
    high, wide = len(rows), len(columns)
    x = images.permute(0, 2, 3, 1).reshape(n, h, w * c)
    x = (rows @ x).reshape(n * high, w, c)
    return (columns @ x).reshape(n, high, wide, c).permute(0, 3, 1, 2)


def resize_bilinear(images: Tensor, side: int, *, antialias: bool = False) -> Tensor:
    """Images ``(N, C, H, W)`` as squares of ``side`` pixels, bilinearly, half-pixel centres.

    ``antialias`` averages over what a smaller image leaves out.
    """
    if images.device.type == "cpu":
        return F.interpolate(
            images, (side, side), mode="bilinear", align_corners=False, antialias=antialias
        )
    how = {"antialias": antialias, "dtype": images.dtype, "device": images.device}
    rows, columns = (interpolation_matrix(size, side, **how) for size in images.shape[2:])
    return resize_by_products(images, rows, columns)


class Doubling(nn.Module):
    """Bilinear enlargement of ``(N, C, side, side)`` by two, half-pixel centres."""

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
