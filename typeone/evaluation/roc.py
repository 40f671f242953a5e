"""Where do the two types of attack move f1 on its ROC? (Section I, Fig. 1.)

ASSUME: the paper draws one 3 that becomes an 8; here every attacked 3 counts, and aims at a 4. One
class is positive, all others are negative. The score is f1's margin of the class, its logit
less the largest other one: it is positive exactly where f1 says the class, so f1's own decision is
a point of the curve. (No threshold on the class's softmax is that decision, and in float32 the
softmax reaches 1.0, where scores tie.)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from torch import Tensor

from typeone.evaluation.intervals import Z95, Rate, roc_auc


def class_margin(logits: Tensor, label: int) -> Tensor:
    """Logit of ``label`` less the largest other one of logits ``(N, classes)``: ``(N,)``."""
    others = logits.clone()
    others[:, label] = -float("inf")
    return logits[:, label] - others.amax(dim=1)


class Sides(NamedTuple):
    """What attacked images of the positive class count as; all boolean ``(N,)``.

    Attributes:
        positive, negative: the oracle sees the class, or another one, beyond doubt.
        positive_at_best, negative_at_best: the same with what is unclear to it, by its best guess.
    """

    positive: np.ndarray
    negative: np.ndarray
    positive_at_best: np.ndarray
    negative_at_best: np.ndarray


def sides(oracle_label: np.ndarray, oracle_clear: np.ndarray, label: int) -> Sides:
    """Sides of the images by the oracle's labels ``(N,)`` and whether they are clear ``(N,)``.

    ASSUME: an unclear image is neither a positive nor a negative; the paper has people in mind.
    Judges that never saw strong noise may misread what people read still, so that Type II images
    are to be counted by their label as well.
    """
    seen = oracle_label == label
    return Sides(seen & oracle_clear, ~seen & oracle_clear, seen, ~seen)


def roc_corners(negative: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(false, true) positive rates at every corner of the ROC, both ascending, from 0 to 1.

    ``negative`` ``(M,)`` and ``positive`` ``(N,)`` are scores; higher means positive. Points on a
    straight line between two others are left out.
    """
    thresholds = np.unique(np.concatenate([negative, positive]))[::-1]
    above = [
        (len(scores) - np.searchsorted(np.sort(scores), thresholds)) / len(scores)
        for scores in (negative, positive)
    ]
    fpr, tpr = (np.concatenate([[0.0], rates]) for rates in above)
    turns = np.diff(fpr)[:-1] * np.diff(tpr)[1:] != np.diff(fpr)[1:] * np.diff(tpr)[:-1]
    corner = np.concatenate([[True], turns, [True]])
    return fpr[corner], tpr[corner]


def auc_interval(negative: np.ndarray, positive: np.ndarray) -> Rate:
    """Area under the ROC of ``(M,)`` and ``(N,)`` scores with a 95 % interval; NaN for none.

    The areas that the measured one does not contradict, with the variance that Hanley and McNeil
    (1982) give for each of them; like Wilson's, the interval does not shrink to a point at an area
    of 1. ``n`` is the size of the smaller side.
    """
    area = roc_auc(negative, positive)
    m, n = len(negative), len(positive)
    if not m or not n:
        return Rate(area, area, area, 0)

    def excess(candidate: float) -> float:
        q1 = candidate / (2 - candidate)
        q2 = 2 * candidate**2 / (1 + candidate)
        variance = candidate * (1 - candidate)
        variance += (n - 1) * (q1 - candidate**2) + (m - 1) * (q2 - candidate**2)
        return (candidate - area) ** 2 - Z95**2 * variance / (m * n)

    # excess is 0 at both ends of [0, 1] if the area is there: look just inside of it
    near = 1e-9
    low = brentq(excess, 0.0, area * (1 - near)) if area > 0 else 0.0
    high = brentq(excess, area + (1 - area) * near, 1.0) if area < 1 else 1.0
    return Rate(area, low, high, min(m, n))
