"""Intervals and curves agree with published examples, with scipy and with counting."""

import itertools
import math

import numpy as np
import pytest
from scipy.stats import binomtest

from typeone.evaluation.held_out import next_seed
from typeone.evaluation.intervals import Rate, proportions_agree, rate, rate_of
from typeone.evaluation.roc import roc_auc, roc_curve, threshold_at
from typeone.training.algorithm1 import balanced_accuracy

# ------------------------------------------------------------------------------- proportions

Z2 = 3.841458820694124  # square of the normal quantile at 0.975: chi squared with one degree


@pytest.mark.parametrize(
    ("x", "low", "high"),
    [
        (0, 0, Z2 / (10 + Z2)),  # Wilson at 0 of n: [0, z² / (n + z²)]
        (10, 10 / (10 + Z2), 1),
        (5, 0.5 - 0.5 * math.sqrt(Z2 / (10 + Z2)), 0.5 + 0.5 * math.sqrt(Z2 / (10 + Z2))),
    ],
)
def test_wilson_where_it_has_a_short_form(x, low, high):
    found = rate_of(x, 10)
    assert (found.value, found.n) == (x / 10, 10)
    assert found[1:3] == pytest.approx((low, high), abs=1e-12)  # float64


@pytest.mark.parametrize(
    ("x", "n", "low", "high"),
    # Newcombe (1998), Statistics in Medicine 17:857-872, Table I, method 3: four printed decimals
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_published(x, n, low, high):
    assert rate_of(x, n)[1:3] == pytest.approx((low, high), abs=0.00005)


@pytest.mark.parametrize("n", [1, 7, 100, 10_000])
def test_wilson_is_that_of_scipy(n):
    for x in {0, 1, n // 3, n // 2, n - 1, n}:
        theirs = binomtest(x, n).proportion_ci(method="wilson")
        assert rate_of(x, n)[1:3] == pytest.approx((theirs.low, theirs.high), abs=1e-9)  # float64


@pytest.mark.parametrize("n", [1, 3, 49, 500, 997])
def test_the_interval_holds_its_rate_at_the_ends_too(n):
    nothing, everything = rate_of(0, n), rate_of(n, n)
    assert nothing.low == nothing.value == 0
    assert everything.high == everything.value == 1


def test_nothing_of_nothing_is_unknown():
    found = rate_of(0, 0)
    assert found.n == 0
    assert all(math.isnan(value) for value in found[:3])


def test_rate_counts_a_boolean_array():
    assert rate(np.array([True, False, False, True, False])) == rate_of(2, 5)


def wilson(x, n):
    interval = binomtest(x, n).proportion_ci(method="wilson")
    return x / n, interval.low, interval.high


def newcombe(x1, n1, x2, n2):
    """The interval of p1 - p2 of Newcombe (1998), method 10, from scipy's Wilson intervals."""
    (p1, l1, u1), (p2, l2, u2) = wilson(x1, n1), wilson(x2, n2)
    difference = p1 - p2
    low = difference - math.sqrt((p1 - l1) ** 2 + (u2 - p2) ** 2)
    return low, difference + math.sqrt((u1 - p1) ** 2 + (p2 - l2) ** 2)


PUBLISHED = {
    # Newcombe (1998), Statistics in Medicine 17:873-890, Table II, method 10
    (56, 70, 48, 80): (0.0524, 0.3339),
    (9, 10, 3, 10): (0.1705, 0.8090),
    (6, 7, 2, 7): (0.0582, 0.8062),
    (5, 56, 0, 29): (-0.0381, 0.1926),
    (0, 10, 0, 20): (-0.1611, 0.2775),
    (0, 10, 0, 10): (-0.2775, 0.2775),
    (10, 10, 0, 20): (0.6791, 1.0000),
    (10, 10, 0, 10): (0.6075, 1.0000),
}


@pytest.mark.parametrize("case", PUBLISHED)
def test_proportions_agree_where_newcombes_published_interval_holds_zero(case):
    x1, n1, x2, n2 = case
    low, high = PUBLISHED[case]
    assert newcombe(*case) == pytest.approx((low, high), abs=0.00005)  # printed to four decimals
    assert proportions_agree(rate_of(x1, n1), x2 / n2, n2) == (low <= 0 <= high)


def test_proportions_agree_exactly_where_newcombes_interval_holds_zero():
    """On a grid that crosses the verdict often, and with the two samples exchanged."""
    verdicts = []
    for x1, x2 in itertools.product(range(0, 31, 2), range(0, 51, 2)):
        low, high = newcombe(x1, 30, x2, 50)
        assert proportions_agree(rate_of(x1, 30), x2 / 50, 50) == (low <= 0 <= high), (x1, x2)
        assert proportions_agree(rate_of(x2, 50), x1 / 30, 30) == (low <= 0 <= high), (x1, x2)
        verdicts.append(low <= 0 <= high)
    assert 0.2 < np.mean(verdicts) < 0.8  # the grid asks both questions


def test_an_unknown_rate_agrees_with_nothing():
    assert not proportions_agree(Rate(math.nan, math.nan, math.nan, 0), 0.5, 100)


# -------------------------------------------------------------------------------------- scores


def test_balanced_accuracy_by_hand():
    # positives: 2 of 4 above 0 (0 is not above), negatives: 1 of 2 not above
    found = balanced_accuracy(np.array([3.0, 0.1, 0.0, -1.0]), np.array([0.0, 5.0]))
    assert found == 0.5 * (0.5 + 0.5)
    assert balanced_accuracy(np.array([1.0]), np.array([0.0, 5.0, 5.0, 5.0])) == 0.5 * (1 + 0.25)


@pytest.mark.parametrize(
    ("negative", "positive", "area"),
    [
        ([1, 2], [3, 4], 1),
        ([3, 4], [1, 2], 0),
        ([1, 1], [1, 1, 1], 0.5),
        # the positive 1 ties with one of three: 0.5; the positive 3 wins two and ties with one: 2.5
        ([1, 2, 3], [1, 3], 3 / 6),
        ([0, 1], [1], 0.75),
    ],
)
def test_auc_counts_pairs_and_ties_by_half(negative, positive, area):
    assert roc_auc(np.array(negative), np.array(positive)) == pytest.approx(area, abs=1e-12)


def test_auc_without_scores_is_unknown():
    assert math.isnan(roc_auc(np.array([]), np.array([1.0])))
    assert math.isnan(roc_auc(np.array([1.0]), np.array([])))


def tied_scores(n, seed):
    """Scores of which most occur more than once."""
    return np.random.default_rng(seed).integers(0, n // 3, n) / 7


@pytest.mark.parametrize("wanted", [0.01, 0.05, 0.1, 0.29, 0.5, 0.57])
@pytest.mark.parametrize("n", [7, 100, 250])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_threshold_keeps_the_false_positive_rate_and_is_the_tightest(wanted, n, dtype):
    scores = tied_scores(n, seed=n).astype(dtype)
    threshold = threshold_at(scores, wanted)
    # percent of n as whole numbers: 0.29 * 100 is 28.999... in floating point
    allowed = round(wanted * 100) * n // 100
    assert np.count_nonzero(scores >= threshold) <= allowed
    # the next score below would flag too many
    below = scores[scores < threshold].max()
    assert np.count_nonzero(scores >= below) > allowed


def test_the_threshold_by_hand():
    # of ten scores two may be flagged: the ties at 7 would be three
    scores = np.array([0, 1, 2, 3, 4, 5, 7, 7, 7, 9.0])
    assert np.count_nonzero(scores >= threshold_at(scores, 0.2)) == 1
    assert np.count_nonzero(scores >= threshold_at(scores, 0.4)) == 4
    assert np.count_nonzero(scores >= threshold_at(scores, 0.05)) == 0


@pytest.mark.parametrize(
    ("negative", "positive"),
    [
        ([0.1, 0.2, 0.3], [0.25, 0.9]),
        ([0.1, 0.2], [0.0, 0.9]),  # a positive below every negative
        ([0.5, 0.5], [0.5]),
    ],
)
def test_the_roc_runs_from_corner_to_corner(negative, positive):
    fpr, tpr = roc_curve(np.array(negative), np.array(positive))
    assert (fpr[0], tpr[0]) == (0, 0)
    assert (fpr[-1], tpr[-1]) == (1, 1)
    assert (np.diff(fpr) >= 0).all()
    assert (np.diff(tpr) >= 0).all()


def test_each_point_of_the_roc_is_reached_by_a_threshold():
    negative, positive = tied_scores(60, seed=1), tied_scores(90, seed=2) + 0.5
    thresholds = np.union1d(negative, positive)
    reachable = {(np.mean(negative >= t), np.mean(positive >= t)) for t in [*thresholds, np.inf]}
    fpr, tpr = roc_curve(negative, positive)
    assert set(zip(fpr.tolist(), tpr.tolist(), strict=True)) <= reachable


def test_the_area_below_the_roc_is_the_auc():
    rng = np.random.default_rng(3)
    negative, positive = rng.normal(size=200), rng.normal(1, size=300)
    fpr, tpr = roc_curve(negative, positive, points=2001)
    area = np.sum(np.diff(fpr) * (tpr[1:] + tpr[:-1]) / 2)
    # steps between two negatives are drawn straight: half a step of 1/200 at the most
    assert area == pytest.approx(roc_auc(negative, positive), abs=0.0025)


def test_each_seed_has_another_for_a_stranger_if_there_is_one():
    assert next_seed([1, 2]) == {1: 2, 2: 1}
    assert next_seed([4, 7, 5]) == {4: 7, 7: 5, 5: 4}
    assert next_seed([3]) == {}


@pytest.mark.parametrize("values", [[True, None], [1.0, math.nan], [1, 0]])
def test_only_truth_values_are_counted(values):
    """A column of a table with a missing value is of objects or floats; NaN would count as True."""
    with pytest.raises(TypeError, match="needs bool"):
        rate(np.array(values))
