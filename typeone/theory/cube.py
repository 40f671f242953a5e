"""Which features does a classifier use without need, and which does it miss? (II-A, Fig. 2.)

A world of three features. The oracle reads x(1) and x(2); f1 reads x(1) and x(3). In the sample
both tell the classes apart without an error: x(3) is an unnecessary feature, x(2) a missing one.

    f2(x) = x(1) + x(2),    f1(x) = w1 x(1) + w3 x(3) + b,    w and b learned.

ASSUME: the paper draws the sample and says that f1 gets 100 %; it gives no distribution, oracle or
f1. Points are uniform in a cube, less those in which x(1) + x(2) and x(1) + x(3) differ in sign or
one of them is near 0. So no feature alone decides, each of the two pairs does, and nothing in the
sample tells which pair is meant. f1 is a logistic regression: that it reads no x(2) is by
construction, what it makes of the others is learned. For a sceptic, a `LinearClassifier` may read
all three, and is attacked likewise.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from typeone.runtime.errors import InputError
from typeone.training.loop import Objective

X1, X2, X3 = range(3)
FEATURES = ("x1", "x2", "x3")


def oracle(points: Tensor) -> Tensor:
    """f2: x(1) + x(2) of points ``(N, 3)``, positive for the positive class, ``(N,)``."""
    return points[:, X1] + points[:, X2]


def labels_of(scores: Tensor) -> Tensor:
    """1 where a score ``(N,)`` is above 0, else -1, int64."""
    return torch.where(scores > 0, 1, -1)


def sample_cube(count: int, *, half_width: float, generator: torch.Generator) -> Tensor:
    """Points ``(count, 3)`` uniform in [-half_width, half_width]³."""
    return half_width * (2 * torch.rand(count, 3, generator=generator) - 1)


def sample_points(
    count: int, *, half_width: float, margin: float, generator: torch.Generator
) -> Tensor:
    """Points ``(count, 3)`` of the cube in which x(1) + x(2) and x(1) + x(3) agree.

    Both have the same sign and are at least ``margin`` away from 0; others are drawn again.

    Raises:
        InputError: ``margin`` leaves nothing of a cube of that half width.
    """
    if not 0 <= margin < 2 * half_width:
        raise InputError(
            f"margin is {margin} with a half width of {half_width}; needs at least 0 and less than "
            f"{2 * half_width}, the largest sum of two features"
        )
    kept, found = [], 0
    while found < count:
        points = sample_cube(count, half_width=half_width, generator=generator)
        wanted, proxy = points[:, X1] + points[:, X2], points[:, X1] + points[:, X3]
        far = (wanted.abs() >= margin) & (proxy.abs() >= margin)
        kept.append(points[far & (wanted.sign() == proxy.sign())])
        found += len(kept[-1])
    return torch.cat(kept)[:count]


class LinearClassifier(nn.Module):
    """Logits ``(N,)`` of points ``(N, 3)``, linear in the features that it reads.

    Args:
        reads: numbers of these features; the others enter no sum, so nothing can depend on them.
    """

    def __init__(self, reads: Sequence[int]) -> None:
        super().__init__()
        self.reads = list(reads)
        self.linear = nn.Linear(len(self.reads), 1)
        nn.init.zeros_(self.linear.weight)  # the loss is convex: any start ends in the same place
        nn.init.zeros_(self.linear.bias)

    def forward(self, points: Tensor) -> Tensor:
        return self.linear(points[:, self.reads])[:, 0]

    def weights(self) -> Tensor:
        """The weight of each feature ``(3,)``, 0 for those that it does not read."""
        weights = torch.zeros(3)
        weights[self.reads] = self.linear.weight.detach()[0]
        return weights


def logistic_loss(model: nn.Module, points: Tensor, labels: Tensor) -> Objective:
    """log(1 + exp(-y f(x))) of ``model`` on ``points`` ``(N, 3)`` with labels ±1 ``(N,)``."""

    def objective(rows: Tensor, _epochs: float) -> dict[str, Tensor]:
        return {"loss": F.softplus(-labels[rows] * model(points[rows]))}

    return objective


def move_across(
    points: Tensor, scores: Tensor, *, axis: int, slope: float, overshoot: float
) -> Tensor:
    """``points`` ``(N, 3)`` shifted along one axis past the plane where a linear score is 0.

    Type II: along x(3), the score is f1's. Type I: along x(2), the score is f2's.

    Args:
        scores: of the points, ``(N,)``.
        axis: the feature that changes; the other two keep every bit.
        slope: of the score along ``axis``.
        overshoot: how far behind the plane the points end, along ``axis``; more than 0.

    Raises:
        InputError: the score does not change along ``axis``.
    """
    if slope == 0:
        raise InputError(
            f"the score does not change along {FEATURES[axis]}; needs a feature that it reads"
        )
    shift = -scores / slope
    moved = points.clone()
    moved[:, axis] += shift + overshoot * shift.sign()
    return moved
