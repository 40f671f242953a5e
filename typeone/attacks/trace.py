"""The trace of an attack: f1's loss, f2's loss, k and the image of some examples, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from typeone.data.images import to_uint8


@dataclass(frozen=True)
class TracePoint:
    """One followed example at one step.

    Attributes:
        step, example: step number, and index of the example in the batch.
        j1: J1 of Eq. 9, NaN without f1.
        j2: cross-entropy of f2 at the target.
        penalty: the discriminator term before alpha.
        k: the weight of J1.
        image: the decoded image, uint8 ``(C, H, W)``.
    """

    step: int
    example: int
    j1: float
    j2: float
    penalty: float
    k: float
    image: Tensor


_NUMBERS = ("j1", "j2", "penalty", "k")


class Trace:
    """Trace points in order of steps."""

    def __init__(self) -> None:
        self.points: list[TracePoint] = []

    def pack(self) -> dict[str, Tensor]:
        if not self.points:
            return {}
        numbers = [[getattr(point, name) for name in _NUMBERS] for point in self.points]
        return {
            "step": torch.tensor([point.step for point in self.points]),
            "example": torch.tensor([point.example for point in self.points]),
            "numbers": torch.tensor(numbers, dtype=torch.float64),
            "image": torch.stack([point.image for point in self.points]),
        }

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        if not tensors:
            self.points = []
            return
        columns = (tensors[name].tolist() for name in ("step", "example", "numbers"))
        self.points = [
            TracePoint(step, example, j1, j2, penalty, k, image)
            for step, example, (j1, j2, penalty, k), image in zip(
                *columns, tensors["image"], strict=True
            )
        ]

    def add(self, step: int, examples: Tensor, numbers: Sequence[Tensor], images: Tensor) -> None:
        """Add a point of each of M examples at one step.

        Args:
            examples: index of each in the batch, ``(M,)``.
            numbers: j1, j2, penalty and k, ``(M,)`` each.
            images: the decoded images, ``(M, C, H, W)`` in [0, 1].
        """
        rows = torch.stack(list(numbers), dim=1).tolist()
        for example, (j1, j2, penalty, k), image in zip(
            examples.tolist(), rows, to_uint8(images).cpu(), strict=True
        ):
            self.points.append(TracePoint(step, example, j1, j2, penalty, k, image))
