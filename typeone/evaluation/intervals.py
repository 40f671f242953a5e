"""Rates with confidence intervals, pooled over seeds, on NumPy arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Z95 = 1.959963984540054  # standard normal quantile at 0.975


class Rate(NamedTuple):
    """A measured value with its 95 % interval (Wilson's, for a proportion in [0, 1]).

    ``n``: number of examples; of several seeds, about that of different ones. ``seed_sd``: standard
    deviation over the seeds, NaN for one seed.
    """

    value: float
    low: float
    high: float
    n: int
    seed_sd: float = math.nan


def rate_of(successes: float, n: float) -> Rate:
    """Return ``successes`` of ``n`` with Wilson's score interval (1927); NaN for n = 0."""
    n = round(n)
    if n == 0:
        return Rate(math.nan, math.nan, math.nan, 0)
    p = round(successes) / n
    centre = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * math.sqrt(p * (1 - p) / n + Z95**2 / (4 * n**2))
    # at p = 0 and p = 1 the exact bound is p itself, which rounding can miss by 1e-17
    return Rate(p, min(p, max(0.0, centre - half)), max(p, min(1.0, centre + half)), n)


def rate(successes: np.ndarray) -> Rate:
    """Return the share of True in a boolean array ``(N,)`` with its interval.

    Raises:
        TypeError: the array is of another type; a NaN among objects would count as True.
    """
    if successes.dtype != np.bool_:
        raise TypeError(f"successes are {successes.dtype}; needs bool")
    return rate_of(int(np.count_nonzero(successes)), len(successes))


def mean_interval(values: np.ndarray) -> Rate:
    """Return the mean of ``(N,)`` numbers with its normal 95 % interval."""
    half = Z95 * float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0
    mean = float(np.mean(values))
    return Rate(mean, mean - half, mean + half, len(values))


def pool_seeds(rates: Sequence[Rate], *, shared: float = 1.0, bounded: bool = True) -> Rate:
    """Pool the rates of k trainings: the mean over the seeds with an interval.

    ``shared`` is the share f of a seed's examples that another seed has too: 1 if all are measured
    on the same ones, n / N for n drawn of N anew for each seed. The interval is the mean distance
    to the ends of the single intervals, times sqrt((1 + (k - 1) f) / k), the factor of the standard
    error of a mean of k means with correlation f, and widened in quadrature by 1.96 standard errors
    of the mean over the seeds. (Student's factor for two seeds, 12.7, would let any two figures
    agree.) With f < 1 the spread over the seeds contains part of the sampling error again, so the
    interval is rather too wide. It is clipped to [0, 1] if ``bounded``.

    Raises:
        ValueError: ``shared`` is not in [0, 1].
    """
    if not 0 <= shared <= 1:
        raise ValueError(f"shared is {shared}; needs a share in [0, 1]")
    k = len(rates)
    values = np.array([r.value for r in rates])
    mean = float(values.mean())
    sd = float(values.std(ddof=1)) if k > 1 else math.nan
    seeds = Z95 * sd / math.sqrt(k) if k > 1 else 0.0
    repeats = 1 + (k - 1) * shared  # so many seeds have the same example
    once = math.sqrt(repeats / k)
    below = math.hypot(once * float(np.mean([r.value - r.low for r in rates])), seeds)
    above = math.hypot(once * float(np.mean([r.high - r.value for r in rates])), seeds)
    n = round(sum(r.n for r in rates) / repeats)
    low, high = mean - below, mean + above
    if bounded:
        low, high = max(0.0, low), min(1.0, high)
    return Rate(mean, low, high, n, sd)


def means_agree(ours: Rate, published: float, published_n: int) -> bool:
    """Return whether two means agree: the 95 % interval of their difference contains 0.

    ASSUME: the published sample, of size ``published_n``, has the spread of ours.
    """
    half = max(ours.high - ours.value, ours.value - ours.low)
    return abs(ours.value - published) <= half * math.sqrt(1 + ours.n / published_n)


def proportions_agree(ours: Rate, published: float, published_n: int) -> bool:
    """Return whether two proportions agree: Newcombe's 95 % interval of p1 - p2 contains 0.

    Newcombe (1998), method 10. Both are samples; the published one is of size ``published_n``.
    """
    theirs = rate_of(published * published_n, published_n)
    difference = ours.value - theirs.value
    below = math.hypot(ours.value - ours.low, theirs.high - theirs.value)
    above = math.hypot(ours.high - ours.value, theirs.value - theirs.low)
    return difference - below <= 0 <= difference + above
