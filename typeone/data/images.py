"""Conversion between stored images (uint8) and float images in [0, 1], and binarisation."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from typeone.runtime.errors import InputError


def to_uint8(images: Tensor) -> Tensor:
    """Round images in [0, 1] to uint8, the nearest of 256 levels."""
    return (images.clamp(0, 1) * 255).round().to(torch.uint8)


def from_uint8(images: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """Convert uint8 images to float32 in [0, 1]."""
    return torch.from_numpy(np.array(images)).to(device).float() / 255


def require_bytes(images: np.ndarray, name: str) -> None:
    """Refuse uint8 images whose largest pixel is 1: they are meant to range to 255.

    Raises:
        InputError: they do not; it calls them ``name``.
    """
    if (most := int(images.max(initial=0))) <= 1:
        raise InputError(
            f"{name} has pixels from 0 to {most}; needs 0 to 255: multiply images in [0, 1] by 255"
        )


def binarise(images: Tensor) -> Tensor:
    """Binarise images in [0, 1] for the SVAE: 1 where a pixel is above 127/255, else 0.

    ASSUME: the paper does not mention it; the authors' code binarises at 127.
    """
    return (images > 127.5 / 255).to(images.dtype)
