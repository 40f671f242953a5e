"""Margins, sides and curves on numbers done by hand; the area's interval against a bootstrap."""

import math

import numpy as np
import pytest
import torch

from typeone.evaluation.intervals import rate_of
from typeone.evaluation.one_vs_rest import class_margin, sides
from typeone.evaluation.roc import auc_interval, roc_auc, roc_corners, roc_curve, threshold_at

# ------------------------------------------------------------------------------------ margins


def test_a_margin_is_the_lead_over_the_best_other_class():
    logits = torch.tensor([[1.0, 5.0, 2.0], [7.0, 5.0, 2.0], [0.0, 3.0, 3.0]])
    assert class_margin(logits, 1).tolist() == [3, -2, 0]
    assert logits[0, 1] == 5  # the argument stays


def test_it_is_positive_where_the_classifier_says_the_class():
    logits = torch.randn(500, 10, generator=torch.Generator().manual_seed(0))
    assert torch.equal(class_margin(logits, 3) > 0, logits.argmax(dim=1) == 3)


def test_unclear_images_are_on_no_side_but_that_of_the_best_guess():
    seen = sides(np.array([3, 3, 8, 8]), np.array([True, False, True, False]), 3)
    assert seen.positive.tolist() == [True, False, False, False]
    assert seen.negative.tolist() == [False, False, True, False]
    assert seen.positive_at_best.tolist() == [True, True, False, False]
    assert seen.negative_at_best.tolist() == [False, False, True, True]


# ------------------------------------------------------------------------------------- curves


@pytest.mark.parametrize(
    ("negative", "positive", "corners"),
    [
        ([0, 1], [2, 3], [(0, 0), (0, 1), (1, 1)]),
        ([2, 3], [0, 1], [(0, 0), (1, 0), (1, 1)]),
        ([0, 2], [1, 3], [(0, 0), (0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1)]),
        ([1, 1], [1, 1], [(0, 0), (1, 1)]),  # ties: a diagonal
        ([1], [1, 2], [(0, 0), (0, 0.5), (1, 1)]),
    ],
)
def test_corners_by_hand(negative, positive, corners):
    found = roc_corners(np.array(negative, float), np.array(positive, float))
    assert list(zip(*map(list, found), strict=True)) == corners


def test_the_area_under_the_corners_is_the_chance_of_a_right_order():
    rng = np.random.default_rng(0)
    for _ in range(20):
        negative, positive = rng.integers(0, 9, 40), rng.integers(2, 12, 25)  # with ties
        fpr, tpr = roc_corners(negative, positive)
        area = (np.diff(fpr) * (tpr[1:] + tpr[:-1]) / 2).sum()
        assert area == pytest.approx(roc_auc(negative, positive), abs=1e-12)


def test_a_decision_at_zero_is_a_point_of_the_curve():
    rng = np.random.default_rng(1)
    negative, positive = rng.normal(-1, 1, 300), rng.normal(1, 1, 200)
    fpr, tpr = roc_corners(negative, positive)
    at = (negative > 0).mean(), (positive > 0).mean()
    assert np.interp(at[0], fpr, tpr, left=0) >= at[1] - 1 / 200  # a step of the curve
    assert (tpr[fpr < at[0]] <= at[1]).all()


@pytest.mark.parametrize(
    ("negative", "positive", "fpr", "tpr"),
    [
        # thresholds 1, 0.5 and 0 of the negatives; a score at the threshold is flagged
        ([0, 0, 1, 1], [1, 1, 2, 0], [0.5, 0.5, 1], [0.75, 0.75, 1]),
        ([0, 1, 2], [1, 1, 3], [1 / 3, 2 / 3, 1], [1 / 3, 1, 1]),
        ([1, 1], [1, 1], [1, 1, 1], [1, 1, 1]),
        ([3, 3], [1, 2], [1, 1, 1], [0, 0, 0]),
    ],
)
def test_a_curve_with_ties_by_hand(negative, positive, fpr, tpr):
    found = roc_curve(np.array(negative, float), np.array(positive, float), points=3)
    assert found[0].tolist() == pytest.approx([0, *fpr, 1])
    assert found[1].tolist() == pytest.approx([0, *tpr, 1])


def test_a_threshold_flags_the_share_that_it_may_and_no_more():
    rng = np.random.default_rng(4)
    for _ in range(50):
        scores = rng.integers(0, 6, rng.integers(1, 30)).astype(float)  # with ties
        wanted = rng.random()
        threshold = threshold_at(scores, wanted)
        assert (scores >= threshold).mean() <= wanted + 1e-9
        lower = scores[scores < threshold]  # the next score that it could flag as well
        if len(lower):
            assert (scores >= lower.max()).mean() > wanted


# -------------------------------------------------------------------------------------- areas


def test_with_one_negative_and_one_positive_the_interval_is_wilsons():
    """The area is then a single comparison, whose variance is A (1 - A)."""
    found = auc_interval(np.array([0.0]), np.array([1.0]))
    assert found[:4] == pytest.approx(rate_of(1, 1)[:4], abs=1e-8)  # the root's tolerance
    found = auc_interval(np.array([1.0]), np.array([0.0]))
    assert found[:4] == pytest.approx(rate_of(0, 1)[:4], abs=1e-8)


def test_the_ends_are_where_the_variance_of_hanley_and_mcneil_puts_them():
    rng = np.random.default_rng(2)
    negative, positive = rng.normal(0, 1, 60), rng.normal(1, 1, 30)
    found = auc_interval(negative, positive)
    for end in (found.low, found.high):
        q1, q2 = end / (2 - end), 2 * end**2 / (1 + end)
        variance = end * (1 - end) + 29 * (q1 - end**2) + 59 * (q2 - end**2)
        error = math.sqrt(variance / (30 * 60))
        assert abs(found.value - end) / error == pytest.approx(1.959964, abs=1e-5)
    assert found.low < found.value < found.high


def test_the_interval_is_about_that_of_a_bootstrap():
    rng = np.random.default_rng(3)
    negative, positive = rng.normal(0, 1, 400), rng.normal(1.2, 1, 100)
    found = auc_interval(negative, positive)
    again = [
        roc_auc(rng.choice(negative, len(negative)), rng.choice(positive, len(positive)))
        for _ in range(1000)
    ]
    # a thousand draws give an end of a percentile interval to about 0.003
    assert found[1:3] == pytest.approx(np.quantile(again, [0.025, 0.975]), abs=0.015)


@pytest.mark.parametrize(("m", "n"), [(1, 1), (3, 50), (9000, 20), (9000, 1000)])
def test_at_the_extremes_it_still_has_a_width(m, n):
    perfect = auc_interval(np.zeros(m), np.ones(n))
    assert (perfect.value, perfect.high, perfect.n) == (1, 1, min(m, n))
    assert 0 < perfect.low < 1
    useless = auc_interval(np.ones(m), np.zeros(n))
    assert (useless.value, useless.low) == (0, 0)
    assert 0 < useless.high < 1


def test_nothing_to_compare_is_unknown():
    found = auc_interval(np.zeros(0), np.ones(3))
    assert math.isnan(found.value)
    assert found.n == 0
