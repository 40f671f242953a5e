"""What can be known of two spheres, against binomial sums, other distributions and simulation."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from typeone.runtime.errors import InputError
from typeone.theory.spheres import (
    Spheres,
    bayes_error,
    margin_error,
    negative_probability,
    quadratic_error,
    sample_sphere,
)

PAPER = Spheres(dim=100, inner=0.8, outer=1.0)
SMALL = Spheres(dim=12, inner=1.6, outer=2.0)  # as far apart as the paper's, and easily confused


def share_below(x, a, b):
    """P(Beta(a, b) < x) for whole a and b: at least a heads in a + b - 1 throws of chance x."""
    n = a + b - 1
    return math.fsum(math.comb(n, j) * x**j * (1 - x) ** (n - j) for j in range(a, n + 1))


# ------------------------------------------------------------------------------------- samples


def test_samples_lie_on_the_sphere_and_favour_no_direction():
    points = sample_sphere(40_000, 5, 0.8, torch.Generator().manual_seed(0), dtype=torch.float64)
    assert (points.norm(dim=1) - 0.8).abs().max() < 1e-12  # float64
    # a coordinate has variance r²/n; five deviations of its mean and of the second moments
    assert points.mean(dim=0).abs().max() < 5 * math.sqrt(0.64 / 5 / 40_000)
    moments = points.T @ points / 40_000
    assert (moments - torch.eye(5) * 0.64 / 5).abs().max() < 5 * 0.64 / 5 * math.sqrt(2 / 40_000)


def test_the_oracle_asks_which_sphere_is_nearer():
    points = torch.tensor([[0.8, 0.0], [0.0, 1.0], [0.89, 0.0], [0.0, 0.91]])
    assert Spheres(dim=2, inner=0.8, outer=1.0).oracle(points).tolist() == [0, 1, 0, 1]


# -------------------------------------------------------------------------------------- floors


def test_the_error_of_never_erring_inside_is_a_binomial_tail():
    # half of P(B < 0.64) with B of Beta(45, 5); 3.96e-6
    assert margin_error(PAPER, 90) == pytest.approx(0.5 * share_below(0.64, 45, 5), rel=1e-9)
    assert margin_error(PAPER, 90) == pytest.approx(3.96e-6, rel=1e-3)


def test_no_threshold_is_better_than_the_bayes_rule():
    error, threshold = bayes_error(PAPER, 90)

    def error_at(t):
        return 0.5 * (share_below(t, 45, 5) + 1 - share_below(min(t / 0.64, 1), 45, 5))

    assert error == pytest.approx(error_at(threshold), rel=1e-6)  # 1 - p loses ten digits
    assert 0.62 < threshold < 0.64
    others = [error_at(t) for t in np.linspace(0.6, 0.68, 801)]
    assert error <= min(others)
    assert error == pytest.approx(min(others), rel=1e-4)  # the grid is as fine as that
    assert error < margin_error(PAPER, 90)


def test_at_the_threshold_both_spheres_are_equally_likely():
    _, threshold = bayes_error(SMALL, 8)
    share = stats.beta(4, 2)
    on_inner, on_outer = (share.pdf(threshold / r**2) / r**2 for r in (1.6, 2.0))
    assert on_inner == pytest.approx(on_outer, rel=1e-9)


def test_the_bayes_rule_errs_as_often_when_simulated():
    error, threshold = bayes_error(SMALL, 8)
    generator, n, wrong = torch.Generator().manual_seed(1), 200_000, 0
    for radius, outer in ((1.6, False), (2.0, True)):
        points = sample_sphere(n, 12, radius, generator, dtype=torch.float64)
        # eight directions, not along the axes
        seen = points @ torch.linalg.qr(torch.randn(12, 12, generator=generator).double())[0][:, :8]
        wrong += int(((seen.square().sum(dim=1) > threshold) != outer).sum())
    assert wrong / (2 * n) == pytest.approx(error, abs=4 * math.sqrt(error / (2 * n)))


@pytest.mark.parametrize("seen", [98, 100, 0])
def test_fewer_than_three_missed_directions_are_refused(seen):
    with pytest.raises(InputError, match=rf"hidden is {seen} with dim 100; needs 1 to dim - 3"):
        bayes_error(PAPER, seen)


# ------------------------------------------------------------------------------ Imhof's integral


@pytest.mark.parametrize("a", [0.01, 1.0, 7.0])
def test_two_squares_compare_as_an_angle(a):
    # a g1² < g2² where the angle of (g2, g1) is below arctan(1 / sqrt(a))
    expected = 2 / math.pi * math.atan(1 / math.sqrt(a))
    # 1e-8 from here on: the integral's own tolerance
    assert negative_probability(np.array([a, -1.0])) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(("p", "q", "a"), [(3, 5, 2.0), (10, 90, 9.0), (90, 10, 0.5)])
def test_sums_of_squares_compare_as_fisher_has_it(p, q, a):
    weights = np.array([a] * p + [-1.0] * q)
    expected = stats.f(p, q).cdf(q / (a * p))
    assert negative_probability(weights) == pytest.approx(expected, abs=1e-8)


def test_what_has_one_sign_is_never_of_the_other():
    assert negative_probability(np.array([1.0, 2.0, 0.0])) == pytest.approx(0, abs=1e-8)
    assert negative_probability(-np.array([1.0, 2.0, 0.0])) == pytest.approx(1, abs=1e-8)


def test_a_network_of_equal_alphas_errs_as_the_margin_rule():
    alphas = np.array([3.0] * 90 + [0.0] * 10)
    inner, outer = quadratic_error(alphas, -3 * 0.64 * (1 + 1e-12), PAPER)
    assert inner == pytest.approx(0, abs=1e-8)
    assert 0.5 * outer == pytest.approx(margin_error(PAPER, 90), abs=1e-8)


def test_the_exact_error_is_the_simulated_one():
    alphas = np.array([1.0, 0.7, 1.3, 1.1, 0.9, 1.0, 1.2, 0.8, 0, 0, 0, 0])
    bias = -2.0
    generator, n = torch.Generator().manual_seed(2), 200_000
    for exact, radius, outer in zip(
        quadratic_error(alphas, bias, SMALL), (1.6, 2.0), (False, True), strict=True
    ):
        points = sample_sphere(n, 12, radius, generator, dtype=torch.float64)
        wrong = ((points.square() @ torch.from_numpy(alphas) + bias > 0) != outer).sum().item()
        assert exact == pytest.approx(wrong / n, abs=4 * math.sqrt(exact * (1 - exact) / n))
