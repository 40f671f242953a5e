"""Two concentric spheres (II-B, after Gilmer et al., 2018): samples and exact error rates.

Let B be the share of a point's squared norm in the h of n directions that a classifier depends on.
On a sphere B has the distribution Beta(h/2, (n-h)/2), so the least error has a closed form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy import integrate, stats
from torch import Tensor

from typeone.runtime.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Spheres:
    """Two spheres around 0.

    Attributes:
        dim: n, dimension of the space.
        inner, outer: their radii, inner < outer.
    """

    dim: int
    inner: float
    outer: float

    def oracle(self, points: Tensor) -> Tensor:
        """f2: whether points ``(..., n)`` are nearer to the outer sphere, bool ``(...)``."""
        return points.norm(dim=-1) > 0.5 * (self.inner + self.outer)


def sample_sphere(
    count: int, dim: int, radius: float, generator: torch.Generator, *, dtype: torch.dtype
) -> Tensor:
    """Draw points ``(count, dim)`` uniformly from one sphere: normal draws scaled to ``radius``."""
    draws = torch.randn(count, dim, generator=generator, dtype=dtype, device=generator.device)
    return draws * (radius / draws.norm(dim=1, keepdim=True))


def margin_error(spheres: Spheres, seen: int) -> float:
    """Error of the rule "outer if the seen squared norm exceeds inner²", mean of both spheres.

    The error is 0 on the inner sphere; on the outer one it is the probability of B <
    (inner/outer)². The mean is I_{(inner/outer)²}(h/2, (n-h)/2) / 2.
    """
    ratio = (spheres.inner / spheres.outer) ** 2
    return 0.5 * float(_share(spheres, seen).cdf(ratio))


def bayes_error(spheres: Spheres, seen: int) -> tuple[float, float]:
    """Least error of any rule that depends on h = ``seen`` directions, and its threshold.

    Given the seen squared norm s the direction is uniform on both spheres, so s is a sufficient
    statistic. With q = (inner/outer)², s in units of outer², a = h/2 and c = (n-h)/2 the ratio of
    the densities, outer to inner, is q^a ((1 - s) / (1 - s/q))^(c-1). For c > 1 it increases, so
    the best rule is a threshold. It is slightly below q, where the inner density is very small.

    Raises:
        InputError: fewer than three directions are missing; then the ratio does not increase.
    """
    missing = spheres.dim - seen
    if missing < 3 or seen < 1:
        raise InputError(
            f"hidden is {seen} with dim {spheres.dim}; needs 1 to dim - 3, so that three "
            "directions are missed"
        )
    q = (spheres.inner / spheres.outer) ** 2
    c = q ** (-0.5 * seen / (0.5 * missing - 1))
    threshold = (c - 1) / (c / q - 1)
    share = _share(spheres, seen)
    error = 0.5 * (share.cdf(threshold) + share.sf(threshold / q))
    return float(error), threshold * spheres.outer**2


def _share(spheres: Spheres, seen: int) -> stats.distributions.rv_frozen:
    """Distribution of B."""
    return stats.beta(0.5 * seen, 0.5 * (spheres.dim - seen))


def negative_probability(weights: np.ndarray) -> float:
    """P(sum of weights_i g_i² < 0) for independent standard normal g, by Imhof's integral (1961).

    ``weights`` ``(n,)``, not all 0. P = 1/2 - 1/pi * integral over u > 0 of sin(theta) / (u rho),
    theta = 1/2 sum arctan(weights_i u), rho = prod (1 + weights_i² u²)^(1/4).
    """
    weights = np.asarray(weights, dtype=np.float64)
    weights = weights / np.abs(weights).max()

    def integrand(u: float) -> float:
        theta = 0.5 * np.arctan(weights * u).sum()
        return math.sin(theta) / u * math.exp(-0.25 * np.log1p((weights * u) ** 2).sum())

    value, _ = integrate.quad(integrand, 0, math.inf, limit=500, epsabs=1e-9)
    return min(1.0, max(0.0, 0.5 - value / math.pi))


def quadratic_error(alphas: np.ndarray, bias: float, spheres: Spheres) -> tuple[float, float]:
    """Exact errors (inner sphere, outer sphere) of the rule sum alpha_i z_i² + bias > 0.

    ``alphas``: ``(n,)``, including zeros (Eq. 4). A uniform point of radius R is R g / |g| with g
    standard normal, so the sign of f1 is that of sum (alpha_i R² + bias) g_i².
    """
    inner = 1 - negative_probability(alphas * spheres.inner**2 + bias)
    return inner, negative_probability(alphas * spheres.outer**2 + bias)
