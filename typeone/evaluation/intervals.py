"""Rates with their intervals, pooled over seeds, on NumPy arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Z95 = 1.959963984540054  # standard normal quantile at 0.975


class Rate(NamedTuple):
    """A figure between 0 and 1 with its 95 % interval (Wilson's, for a proportion).

    ``n``: examples behind it; of each seed, when several were pooled. ``seed_sd``: standard
    deviation over the seeds, NaN for one.
    """

    value: float
    low: float
    high: float
    n: int
    seed_sd: float = math.nan


def rate_of(successes: float, n: float) -> Rate:
    """``successes`` of ``n`` as a proportion with Wilson's score interval (1927); NaN for n = 0."""
    n = round(n)
    if n == 0:
        return Rate(math.nan, math.nan, math.nan, 0)
    p = round(successes) / n
    centre = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * math.sqrt(p * (1 - p) / n + Z95**2 / (4 * n**2))
    # at p = 0 and p = 1 the exact bound is p itself, which rounding can miss by 1e-17
    return Rate(p, min(p, max(0.0, centre - half)), max(p, min(1.0, centre + half)), n)


def rate(successes: np.ndarray) -> Rate:
    """Share of True in a boolean array ``(N,)`` with its interval."""
    return rate_of(int(np.count_nonzero(successes)), len(successes))


def mean_interval(values: np.ndarray) -> Rate:
    """Mean of ``(N,)`` numbers with its normal 95 % interval."""
    half = Z95 * float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0
    mean = float(np.mean(values))
    return Rate(mean, mean - half, mean + half, len(values))


def pool_seeds(rates: Sequence[Rate], *, bounded: bool = True) -> Rate:
    """One figure of several trainings: the mean over the seeds.

    The seeds see the same examples, so that these count once: the interval is the mean distance to
    the single ones' ends, widened in quadrature by 1.96 standard errors of the mean over the seeds.
    (Student's factor for two seeds, 12.7, would let any two figures agree.) It is cut to [0, 1]
    when ``bounded``.
    """
    values = np.array([r.value for r in rates])
    mean = float(values.mean())
    sd = float(values.std(ddof=1)) if len(rates) > 1 else math.nan
    seeds = Z95 * sd / math.sqrt(len(rates)) if len(rates) > 1 else 0.0
    below = math.hypot(float(np.mean([r.value - r.low for r in rates])), seeds)
    above = math.hypot(float(np.mean([r.high - r.value for r in rates])), seeds)
    n = min(r.n for r in rates)
    low, high = mean - below, mean + above
    if bounded:
        low, high = max(0.0, low), min(1.0, high)
    return Rate(mean, low, high, n, sd)


def proportions_agree(ours: Rate, published: float, published_n: int) -> bool:
    """Whether two proportions are compatible: Newcombe's 95 % interval of p1 - p2 holds 0.

    Newcombe (1998), method 10: both are samples, the published one of ``published_n``.
    """
    theirs = rate_of(published * published_n, published_n)
    difference = ours.value - theirs.value
    below = math.hypot(ours.value - ours.low, theirs.high - theirs.value)
    above = math.hypot(ours.high - ours.value, theirs.value - theirs.low)
    return difference - below <= 0 <= difference + above
