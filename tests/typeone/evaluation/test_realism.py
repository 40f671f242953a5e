"""How far images lie from data, where the answer is known on paper."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from typeone.evaluation.realism import KernelDistance, Reference, kernel_distance_interval
from typeone.runtime.errors import InputError


def column(*values):
    """Features of one dimension, ``(N, 1)``."""
    return np.array(values, dtype=float)[:, None]


# ---------------------------------------------------------------------- kernel distance


def by_loops(x, y):
    """The estimate of Bińkowski et al. (2018), Eq. 4, on lists of lists."""

    def kernel(a, b):
        return (sum(p * q for p, q in zip(a, b, strict=True)) / len(a) + 1) ** 3

    def within(of_it):
        pairs = [kernel(a, b) for i, a in enumerate(of_it) for j, b in enumerate(of_it) if i != j]
        return sum(pairs) / len(pairs)

    across = [kernel(a, b) for a in x for b in y]
    return within(x) + within(y) - 2 * sum(across) / len(across)


def kernel_distance(features, reference):
    return KernelDistance(reference)(features)


def test_the_kernel_distance_is_that_of_a_double_loop():
    rng = np.random.default_rng(1)
    for n, m, d in [(2, 2, 1), (3, 5, 4), (6, 2, 3)]:
        x, y = rng.normal(size=(n, d)), rng.normal(1, 2, size=(m, d))
        by_hand = by_loops(x.tolist(), y.tolist())
        # sums of up to 30 kernels in float64, in another order
        assert kernel_distance(x, y) == pytest.approx(by_hand, rel=1e-10)
        assert kernel_distance(y, x) == pytest.approx(by_hand, rel=1e-10)


def test_features_in_float32_are_summed_in_float64():
    rng = np.random.default_rng(2)
    x, y = (rng.normal(size=(5, 3)).astype(np.float32) for _ in range(2))
    by_hand = by_loops(x.astype(float).tolist(), y.astype(float).tolist())
    assert kernel_distance(x, y) == pytest.approx(by_hand, rel=1e-10)  # float32 would give 1e-6


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        # E k(x, x') + E k(y, y') - 2 E k(x, y) with k(x, y) = (xy + 1)³
        ((-1, 1), (-1, 1), 0.0),
        ((0, 1), (0, 1), 0.0),
        # (8 + 0 + 0 + 8) / 4 + (1 + 1 + 1 + 8) / 4 - 2 (1 + 0 + 1 + 8) / 4
        ((-1, 1), (0, 1), 1.75),
        ((0, 0), (2, 2), 124.0),
    ],
)
def test_over_all_samples_the_mean_is_exactly_the_distance_of_the_distributions(
    one, other, distance
):
    """Every sample of two and of three from two equally likely points, each once: no bias."""
    values = [
        kernel_distance(column(*x), column(*y))
        for x in itertools.product(one, repeat=2)
        for y in itertools.product(other, repeat=3)
    ]
    # 32 values below 1000 in float64
    assert np.mean(values) == pytest.approx(distance, abs=1e-12)


def test_small_samples_of_one_distribution_have_a_mean_near_zero():
    rng = np.random.default_rng(3)
    values = np.array(
        [kernel_distance(rng.normal(size=(4, 3)), rng.normal(size=(6, 3))) for _ in range(3000)]
    )
    error = values.std(ddof=1) / math.sqrt(len(values))
    # four standard errors: one seed in 16,000 would leave it
    assert abs(values.mean()) < 4 * error
    # counting each point with itself would add (E k(x, x) - E k(x, x')) / n to either half: the
    # first is at least 8, of |x|² / 3 with mean 1, the second 1 + 3 / 3; so 2.5 at least
    assert 4 * error < 2.5 / 10
    assert (values < 0).any()


def test_the_distance_of_points_apart_is_known_and_grows():
    zeros = column(0, 0, 0)
    found = [kernel_distance(column(*[shift] * 4), zeros) for shift in (0, 1, 2, 3)]
    assert found == [0, 7, 124, 999]  # (shift² + 1)³ + 1 - 2, all integers
    # (1 + 1)³ + (4 + 1)³ - 2 (-2 + 1)³
    assert kernel_distance(column(1, 1), column(-2, -2, -2)) == 8 + 125 + 2


def test_the_kernel_divides_by_the_number_of_features():
    # x·y / d is 1 for ones in any dimension: 8 + 1 - 2
    for d in (1, 2, 10):
        found = kernel_distance(np.ones((3, d)), np.zeros((2, d)))
        assert found == pytest.approx(7, abs=1e-12)  # float64


def test_the_interval_is_students_over_interleaved_parts():
    # parts 0, 0 and 1, 1 of the images, at distances 0 and 7: the standard error of 3.5 is 3.5
    found = kernel_distance_interval(column(0, 1, 0, 1), KernelDistance(column(0, 0, 0)), groups=2)
    half = 12.7062047 * 3.5  # Student's quantile at 0.975, one degree of freedom, to nine digits
    assert found[:4] == pytest.approx((3.5, 3.5 - half, 3.5 + half, 4), rel=1e-8)


def test_five_parts_by_default_and_parts_that_agree_leave_no_interval():
    shifts = [0, 1, 2, 3, 0]  # 0, 7, 124, 999, 0: each part of two images
    found = kernel_distance_interval(column(*shifts, *shifts), KernelDistance(column(0, 0)))
    half = 2.7764451 * np.std([0, 7, 124, 999, 0], ddof=1) / math.sqrt(5)  # four degrees
    assert found[:4] == pytest.approx((226, 226 - half, 226 + half, 10), rel=1e-7)
    alike = kernel_distance_interval(column(*[1] * 10), KernelDistance(column(0, 0)))
    assert alike[:4] == (7, 7, 7, 10)


def test_a_sample_against_itself_lies_below_zero():
    # 0 and 1: k is 1 across the two in either half, and (1 + 1 + 1 + 8) / 4 over all pairs
    assert kernel_distance(column(0, 1), column(0, 1)) == 1 + 1 - 2 * 11 / 4


def test_too_few_images_for_the_groups_are_refused():
    with pytest.raises(InputError, match=r"in 5 groups needs 10 images, has 9"):
        kernel_distance_interval(np.ones((9, 2)), KernelDistance(np.ones((20, 2))))


# ---------------------------------------------------------------------- which network judges


class Believing(nn.Module):
    """An SVAE whose f_dis believes in a multiple of the latent."""

    def __init__(self, scale):
        super().__init__()
        self.scale = scale

    def discriminate(self, latent):
        return self.scale * latent[:, 0]


FLAT = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))


def test_f_dis_of_the_runs_own_seed_is_asked():
    svaes = {3: Believing(1.0), 5: Believing(2.0)}
    reference = Reference(torch.rand(20, 1, 2, 2), FLAT, svaes)
    images = torch.rand(10, 1, 2, 2)
    for seed, scale in ((3, 1.0), (5, 2.0)):
        found = reference.measures(images, seed=seed, latent=torch.ones(10, 1))
        assert found["discriminator"].value == pytest.approx(1 / (1 + math.exp(-scale)))
    assert "discriminator" not in reference.measures(images, seed=3, latent=None)


def test_too_few_images_have_no_kernel_distance():
    """They must not stop a run at its end."""
    reference = Reference(torch.rand(20, 1, 2, 2), FLAT, {3: Believing(1.0)})
    found = reference.measures(torch.rand(9, 1, 2, 2), seed=3, latent=torch.ones(9, 1))
    assert set(found) == {"discriminator"}
    assert set(reference.measures(torch.rand(10, 1, 2, 2), seed=3, latent=None)) == {
        "kernel_distance"
    }
