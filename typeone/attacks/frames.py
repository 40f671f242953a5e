"""Record the intermediate images of an attack on one face, for Fig. 9."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from typeone.attacks.criteria import Keep
from typeone.data.images import to_uint8


class Frame(NamedTuple):
    """One evaluation of the image.

    Attributes:
        step: number of earlier evaluations; in gradient descent, the number of updates.
        image: uint8 ``(C, S, S)``.
        loss: J1 of the image at full size, before rounding.
    """

    step: int
    image: Tensor
    loss: float


class Followed:
    """A criterion that records a frame at every evaluation of its single example.

    Args:
        keep: J1 and f1's verdict, the criterion of the attack.
        side: pixels of a frame's side; larger images are averaged over areas.

    Attributes:
        frames: the frames recorded so far.
    """

    def __init__(self, keep: Keep, *, side: int) -> None:
        self.keep, self.side = keep, side
        self.frames: list[Frame] = []

    def __call__(self, images: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the result of ``keep`` for the image ``(1, C, H, W)`` and record a frame."""
        j1, kept = self.keep(images, rows)
        small = F.interpolate(images.detach(), (self.side, self.side), mode="area")
        image = to_uint8(small)[0].cpu()
        self.frames.append(Frame(len(self.frames), image, j1.item()))
        return j1, kept

    def pack(self) -> dict[str, Tensor]:
        """Return the recorded frames as tensors by name."""
        if not self.frames:
            return {}
        losses = torch.tensor([frame.loss for frame in self.frames], dtype=torch.float64)
        return {"image": torch.stack([frame.image for frame in self.frames]), "loss": losses}

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore the frames returned by `pack`."""
        columns = [tensors[k] for k in ("image", "loss")] if tensors else []
        self.frames = [
            Frame(step, image, loss.item())
            for step, (image, loss) in enumerate(zip(*columns, strict=True))
        ]
