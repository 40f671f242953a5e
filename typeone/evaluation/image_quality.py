"""Noise and sharpness of images, measured without a network.

Both are of an image that is scaled to a maximum of 1, so that a faint image cannot hide its noise
and is not taken for a blurred one. Sharpness is that of the image after a median filter, because
noise alone would count as sharp.
"""

from __future__ import annotations

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, tensor

from typeone.detectors.squeezers import median_smooth

WINDOW = 3
"""Side of the median filter."""


class Quality(NamedTuple):
    """Measures of N images, ``(N,)`` each.

    Attributes:
        noise: mean absolute change by the median filter, in [0, 1].
        sharpness: mean absolute Laplacian of the brightness after it, in [0, 4].
    """

    noise: Tensor
    sharpness: Tensor


def quality(images: Tensor) -> Quality:
    """Measure images ``(N, C, H, W)`` in [0, 1].

    ASSUME: 3 x 3 windows. Contrast is not equalised: a face of lower contrast is less sharp.
    """
    brightest = images.flatten(1).amax(dim=1).clamp_min(1 / 255).view(-1, 1, 1, 1)
    scaled = images / brightest
    smooth = median_smooth(scaled, WINDOW)
    kernel = tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]]).to(images)
    edges = F.conv2d(smooth.mean(dim=1, keepdim=True), kernel[None, None])
    return Quality((scaled - smooth).abs().flatten(1).mean(dim=1), edges.abs().mean(dim=(1, 2, 3)))
