"""Images as they are stored (uint8), computed with (float in [0, 1]) and read by the SVAE."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def to_uint8(images: Tensor) -> Tensor:
    """Images in [0, 1] as they are stored: rounded to the nearest of 256 levels."""
    return (images.clamp(0, 1) * 255).round().to(torch.uint8)


def from_uint8(images: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """Stored images as float32 in [0, 1]."""
    return torch.from_numpy(np.array(images)).to(device).float() / 255


def binarise(images: Tensor) -> Tensor:
    """Images as the SVAE reads them: 1 where a pixel is above 127/255, else 0.

    ASSUME: the paper is silent; the authors' code binarises at 127.
    """
    return (images > 127.5 / 255).to(images.dtype)
