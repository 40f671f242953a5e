"""Unnecessary and missing features of a classifier on a toy cube (II-A, Fig. 2).

Points have three features. The oracle uses x(1) and x(2); f1 uses x(1) and x(3). Both separate the
classes of the sample without an error: x(3) is an unnecessary feature, x(2) a missing one.

    f2(x) = x(1) + x(2),    f1(x) = w1 x(1) + w3 x(3) + b,    w and b learned.

ASSUME: the paper plots the sample and reports 100 % for f1; it gives no distribution, oracle or f1.
Points are uniform in a cube, without those in which x(1) + x(2) and x(1) + x(3) differ in sign or
one of them is near 0. So no single feature decides the class, each of the two pairs does, and the
sample does not determine which pair is meant. f1 is a logistic regression: that it ignores x(2) is
by construction, its weights are learned. As a control, a `LinearClassifier` may use all three
features, and is attacked in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from typeone.runtime.errors import InputError
from typeone.training.steps import Objective

X1, X2, X3 = range(3)
FEATURES = ("x1", "x2", "x3")


def oracle(points: Tensor) -> Tensor:
    """f2: x(1) + x(2) of points ``(N, 3)``, positive for the positive class, ``(N,)``."""
    return points[:, X1] + points[:, X2]


def labels_of(scores: Tensor) -> Tensor:
    """Labels of scores ``(N,)``: 1 above 0, else -1, int64."""
    return torch.where(scores > 0, 1, -1)


def sample_cube(count: int, *, half_width: float, generator: torch.Generator) -> Tensor:
    """Draw points ``(count, 3)`` uniformly from [-half_width, half_width]³."""
    return half_width * (2 * torch.rand(count, 3, generator=generator) - 1)


def sample_points(
    count: int, *, half_width: float, margin: float, generator: torch.Generator
) -> Tensor:
    """Draw points ``(count, 3)`` of the cube in which x(1) + x(2) and x(1) + x(3) agree.

    Both sums have the same sign and are at least ``margin`` away from 0; other points are rejected.

    Raises:
        InputError: ``margin`` is negative or leaves no point of the cube.
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
    """Linear classifier of some of the features: points ``(N, 3)`` → logits ``(N,)``.

    Args:
        reads: indices of the features used; the logits do not depend on the others.
    """

    def __init__(self, reads: Sequence[int]) -> None:
        super().__init__()
        self.reads = list(reads)
        self.linear = nn.Linear(len(self.reads), 1)
        nn.init.zeros_(self.linear.weight)  # the loss is convex: any start has the same optimum
        nn.init.zeros_(self.linear.bias)

    def forward(self, points: Tensor) -> Tensor:
        return self.linear(points[:, self.reads])[:, 0]

    def weights(self) -> Tensor:
        """Return the weight of each feature, ``(3,)``, 0 for unused ones."""
        weights = torch.zeros(3)
        weights[self.reads] = self.linear.weight.detach()[0]
        return weights


def logistic_loss(model: nn.Module, points: Tensor, labels: Tensor) -> Objective:
    """Return the loss log(1 + exp(-y f(x))) on ``points`` ``(N, 3)`` with labels ±1 ``(N,)``."""

    def objective(rows: Tensor, _epochs: float | Tensor) -> dict[str, Tensor]:
        return {"loss": F.softplus(-labels[rows] * model(points[rows]))}

    return objective


def move_across(
    points: Tensor, scores: Tensor, *, axis: int, slope: float, overshoot: float
) -> Tensor:
    """Shift ``points`` ``(N, 3)`` along one axis past the plane where a linear score is 0.

    Type II: along x(3), with f1's score. Type I: along x(2), with f2's score.

    Args:
        scores: scores of the points, ``(N,)``.
        axis: the feature that changes; the other two stay bit-identical.
        slope: derivative of the score along ``axis``.
        overshoot: distance of the result beyond the plane, along ``axis``; more than 0.

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
