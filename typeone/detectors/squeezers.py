"""Squeezers: image transforms that should not change a classification (Xu, Evans and Qi, 2018).

They are used by the detector (typeone.detectors.squeezing) and by an adaptive attack on it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def reduce_bit_depth(images: Tensor, bits: int) -> Tensor:
    """Round images in [0, 1] to 2**bits levels (half to even, like NumPy)."""
    levels = 2**bits - 1
    return (images * levels).round() / levels


def median_smooth(images: Tensor, size: int) -> Tensor:
    """Filter by the median of a ``size`` x ``size`` window, reflected at borders, ``(N, C, H, W)``.

    ASSUME: scipy's filter, as used by Xu et al.: for an even size the window extends one pixel
    further up and left, and the median is the upper of the two middle values.
    """
    from scipy.ndimage import median_filter  # a fifth of the start-up of a job, few need it

    smoothed = median_filter(images.cpu().numpy(), size=(1, 1, size, size), mode="reflect")
    return torch.from_numpy(smoothed).to(images.device)


def differentiable_squeezers(*, bits: int, median: int) -> list[Callable[[Tensor], Tensor]]:
    """Return differentiable squeezers for attacks, with the same values as `squeeze`.

    Rounding has a straight-through gradient; the median passes it to the selected pixel.
    """

    def reduced(images: Tensor) -> Tensor:
        return images + (reduce_bit_depth(images, bits) - images).detach()

    def smoothed(images: Tensor) -> Tensor:
        before = median // 2
        # scipy's "reflect" repeats the border pixel; torch has no such padding
        rows, columns = (
            torch.arange(-before, side + median - 1 - before, device=images.device)
            for side in images.shape[2:]
        )
        padded = images[:, :, _mirrored(rows, images.shape[2])][
            ..., _mirrored(columns, images.shape[3])
        ]
        windows = padded.unfold(2, median, 1).unfold(3, median, 1).flatten(4)
        # for an even number of values, the upper of the two in the middle
        return windows.kthvalue(median * median // 2 + 1, dim=4).values

    return [reduced, smoothed]


def _mirrored(index: Tensor, length: int) -> Tensor:
    """Reflect indices outside [0, ``length``), with the border pixel repeated."""
    index = torch.where(index < 0, -1 - index, index)
    return torch.where(index >= length, 2 * length - 1 - index, index)


def squeeze(images: Tensor, *, bits: int, median: int) -> dict[str, Tensor]:
    """Apply each squeezer to ``images`` ``(N, C, H, W)`` in [0, 1]; return the results by name."""
    return {
        f"bit_depth_{bits}": reduce_bit_depth(images, bits),
        f"median_{median}x{median}": median_smooth(images, median),
    }
