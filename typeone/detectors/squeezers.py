"""Squeezers: images that a classifier should not tell from the original (Xu, Evans and Qi, 2018).

The detector looks through them (typeone.detectors.squeezing), and so does an attack that knows it.
"""

from __future__ import annotations

from collections.abc import Callable

import scipy.ndimage
import torch
from torch import Tensor


def reduce_bit_depth(images: Tensor, bits: int) -> Tensor:
    """Images in [0, 1] rounded to 2**bits levels (half to even, as NumPy does)."""
    levels = 2**bits - 1
    return (images * levels).round() / levels


def median_smooth(images: Tensor, size: int) -> Tensor:
    """Median over a ``size`` x ``size`` window, reflecting at the border, ``(N, C, H, W)``.

    ASSUME: scipy's filter, as Xu et al. use it: for an even size the window reaches one pixel
    further up and left, and the median is the upper of the two middle values.
    """
    smoothed = scipy.ndimage.median_filter(
        images.cpu().numpy(), size=(1, 1, size, size), mode="reflect"
    )
    return torch.from_numpy(smoothed).to(images.device)


def differentiable_squeezers(*, bits: int, median: int) -> list[Callable[[Tensor], Tensor]]:
    """The squeezers as an attack sees them: same values as `squeeze`, with gradients.

    Rounding passes the gradient straight through; the median passes it to the pixel that it chose.
    """

    def reduced(images: Tensor) -> Tensor:
        return images + (reduce_bit_depth(images, bits) - images).detach()

    def smoothed(images: Tensor) -> Tensor:
        before = median // 2
        # scipy's "reflect" repeats the border pixel, which torch calls symmetric and lacks
        rows, columns = (
            torch.arange(-before, side + median - 1 - before, device=images.device)
            for side in images.shape[2:]
        )
        padded = images[:, :, _mirrored(rows, images.shape[2])][
            ..., _mirrored(columns, images.shape[3])
        ]
        windows = padded.unfold(2, median, 1).unfold(3, median, 1).flatten(4)
        # of an even number of values the upper of the two in the middle
        return windows.kthvalue(median * median // 2 + 1, dim=4).values

    return [reduced, smoothed]


def _mirrored(index: Tensor, length: int) -> Tensor:
    """Indices beyond a border of ``length`` pixels, reflected with the border repeated."""
    index = torch.where(index < 0, -1 - index, index)
    return torch.where(index >= length, 2 * length - 1 - index, index)


def squeeze(images: Tensor, *, bits: int, median: int) -> dict[str, Tensor]:
    """Each squeezer's view of ``images`` by the squeezer's name."""
    return {
        f"bit_depth_{bits}": reduce_bit_depth(images, bits),
        f"median_{median}x{median}": median_smooth(images, median),
    }
