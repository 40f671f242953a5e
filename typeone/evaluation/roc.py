"""ROC curves of scores: area, corners, thresholds, on NumPy arrays."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats
from scipy.optimize import brentq

from typeone.evaluation.intervals import Z95, Rate


def roc_corners(negative: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (false, true) positive rates at every corner of the ROC, both ascending, from 0 to 1.

    ``negative`` ``(M,)`` and ``positive`` ``(N,)`` are scores; a higher score means positive.
    Points on a straight line between two others are omitted.
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
    """Return the area under the ROC of ``(M,)`` and ``(N,)`` scores with a 95 % interval.

    The interval contains the areas that the measured one does not contradict, with the variance
    that Hanley and McNeil (1982) give for each of them. Like Wilson's, it does not shrink to a
    point at an area of 1. ``n`` is the size of the smaller side. All values are NaN if a side is
    empty.
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

    # excess is 0 at both ends of [0, 1] if the area is there: search just inside
    near = 1e-9
    low = brentq(excess, 0.0, area * (1 - near)) if area > 0 else 0.0
    high = brentq(excess, area + (1 - area) * near, 1.0) if area < 1 else 1.0
    return Rate(area, low, high, min(m, n))


def roc_auc(negative: np.ndarray, positive: np.ndarray) -> float:
    """Return the area under the ROC: chance that a positive scores above a negative, ties half."""
    if not len(negative) or not len(positive):
        return math.nan
    ranks = stats.rankdata(np.concatenate([negative, positive]))[len(negative) :]
    n, m = len(negative), len(positive)
    return float((ranks.sum() - m * (m + 1) / 2) / (n * m))


def roc_curve(
    negative: np.ndarray, positive: np.ndarray, *, points: int = 201
) -> tuple[np.ndarray, np.ndarray]:
    """Return (false, true) positive rates at quantiles of ``negative``, both ascending."""
    thresholds = np.quantile(negative, np.linspace(1, 0, points))
    fpr = (negative[None] >= thresholds[:, None]).mean(axis=1)
    tpr = (positive[None] >= thresholds[:, None]).mean(axis=1)
    return np.concatenate([[0.0], fpr, [1.0]]), np.concatenate([[0.0], tpr, [1.0]])


def threshold_at(clean_scores: np.ndarray, false_positive_rate: float) -> float:
    """Return the smallest threshold that flags at most that share of ``clean_scores``.

    An image is flagged if its score is not below the threshold, as in IV-C.
    """
    ordered = np.sort(clean_scores)
    allowed = int(np.floor(false_positive_rate * len(ordered) + 1e-9))
    return float(np.nextafter(ordered[len(ordered) - allowed - 1], np.inf))
