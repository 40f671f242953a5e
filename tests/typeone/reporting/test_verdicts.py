"""The verdict table says what was measured, on frames small enough to count by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from typeone.evaluation.intervals import Rate, mean_interval, pool_seeds, rate_of
from typeone.evaluation.measurements import Measurement, measurement
from typeone.reporting import verdicts
from typeone.reporting.reproduction import pooled_over
from typeone.reporting.sources import Artifact


def entry(identity="table1.clean.0.2510", published=0.5, **rest):
    """A row of docs/published-values.csv."""
    return {
        "id": identity,
        "paper_item": "Table I",
        "description": "something measured",
        "published": published,
        "unit": "fraction",
        "direction": "match",
        "note": "as printed",
        "n": 500,
    } | rest


def numbers(row):
    return row["ours"], row["ci_low"], row["ci_high"], row["n"]


# ------------------------------------------------------------------------------- single rows


def test_the_mean_has_its_normal_interval():
    # 1, 2, 3, 4: mean 2.5, variance 5/3; the normal quantile to ten digits
    half = 1.9599639845 * math.sqrt(5 / 3 / 4)
    found = mean_interval(np.array([1.0, 2.0, 3.0, 4.0]))
    assert found[:4] == pytest.approx((2.5, 2.5 - half, 2.5 + half, 4), abs=1e-9)
    assert mean_interval(np.array([0.25]))[:4] == (0.25, 0.25, 0.25, 1)


def test_seeds_that_agree_keep_the_interval_of_one():
    assert pool_seeds([rate_of(3, 10), rate_of(3, 10)])[:4] == pytest.approx(rate_of(3, 10)[:4])


def test_seeds_that_differ_widen_the_interval():
    # 0.2 and 0.4: mean 0.3, deviation 0.1 * sqrt(2), standard error of the mean 0.1
    low, high = rate_of(20, 100), rate_of(40, 100)
    found = pool_seeds([low, high])
    seeds = 1.959964 * 0.1
    below = math.hypot((0.2 - low.low + 0.4 - high.low) / 2, seeds)
    above = math.hypot((low.high - 0.2 + high.high - 0.4) / 2, seeds)
    assert found.value == pytest.approx(0.3)
    # the quantile above has seven digits
    assert found.low == pytest.approx(0.3 - below, rel=1e-6)
    assert found.high == pytest.approx(0.3 + above, rel=1e-6)
    assert found.n == 100
    assert found.seed_sd == pytest.approx(0.1 * math.sqrt(2))


def test_four_seeds_widen_the_interval_by_half_their_deviation():
    # 0.299 and 0.301 twice: mean 0.3, deviation 0.001 * sqrt(4 / 3), standard error half of it
    found = pool_seeds([rate_of(k, 1000) for k in (299, 301, 299, 301)])
    sd = 0.001 * math.sqrt(4 / 3)
    one = rate_of(300, 1000)
    # Wilson's half-width at 0.299 and 0.301 differs from that at 0.3 by 1e-3 of it, in opposite
    # directions: their mean by less than 1e-5
    assert found.low == pytest.approx(0.3 - math.hypot(0.3 - one.low, 1.959964 * sd / 2), rel=1e-5)
    assert found.high == pytest.approx(
        0.3 + math.hypot(one.high - 0.3, 1.959964 * sd / 2), rel=1e-5
    )
    assert found.seed_sd == pytest.approx(sd)
    assert found.n == 1000


def test_the_interval_of_shares_ends_at_0_and_1_and_that_of_other_figures_does_not():
    # mean 0.9, deviation sqrt(2), standard error 1; single ends 0.1 below and 0.3 above
    figures = [Rate(-0.1, -0.2, 0.2, 7), Rate(1.9, 1.8, 2.2, 5)]
    low, high = 0.9 - math.hypot(0.1, 1.959964), 0.9 + math.hypot(0.3, 1.959964)
    free = pool_seeds(figures, bounded=False)
    # the quantile has seven digits; n is the mean of 7 and 5
    assert free == pytest.approx((0.9, low, high, 6, math.sqrt(2)), rel=1e-6)
    assert pool_seeds(figures)[:4] == pytest.approx((0.9, 0.0, 1.0, 6))


def test_examples_that_only_one_seed_has_narrow_the_interval():
    one = rate_of(30, 100)
    for shared, factor, n in ((0, math.sqrt(1 / 4), 400), (0.5, math.sqrt(2.5 / 4), 160)):
        found = pool_seeds([one] * 4, shared=shared)
        assert found.low == pytest.approx(0.3 - factor * (0.3 - one.low))
        assert found.high == pytest.approx(0.3 + factor * (one.high - 0.3))
        assert found.n == n
    with pytest.raises(ValueError, match=r"shared is 1\.5; needs a share"):
        pool_seeds([one], shared=1.5)


def test_the_interval_holds_the_true_rate_with_and_without_shared_examples():
    """Of five seeds, all successful on the same 0.3 of 2,000 images and measured on 200 of them."""
    rng = np.random.default_rng(0)
    covered, widths = {0.0: [], 1.0: []}, {0.0: [], 1.0: []}
    hard = np.arange(2000) < 600
    for _ in range(400):
        for shared in covered:
            drawn = rng.choice(2000, (1 if shared else 5, 200))
            right = [hard[drawn[-1 if shared else k]] for k in range(5)]
            found = pool_seeds([rate_of(r.sum(), 200) for r in right], shared=shared)
            covered[shared].append(found.low <= 0.3 <= found.high)
            widths[shared].append(found.high - found.low)
    assert np.mean(covered[1.0]) >= 0.93
    assert np.mean(covered[0.0]) >= 0.95
    assert np.mean(widths[0.0]) < 0.7 * np.mean(widths[1.0])


def test_the_share_of_common_examples_is_counted():
    def examples(*seeds):
        return pd.DataFrame(
            [{"index": i, "seed": seed} for seed, indices in enumerate(seeds) for i in indices]
        )

    assert verdicts.shared_by_seeds(examples([1, 2, 3])) == 1  # one seed
    assert verdicts.shared_by_seeds(examples([1, 2], [1, 2], [2, 1])) == 1
    assert verdicts.shared_by_seeds(examples([1, 2], [3, 4], [5, 6])) == 0
    assert verdicts.shared_by_seeds(examples([1, 2], [2, 3])) == 0.5
    assert verdicts.shared_by_seeds(examples([1, 2], [2, 3], [3, 4])) == pytest.approx(1 / 3)


def test_a_row_of_ours_has_no_published_number_and_no_verdict():
    row = verdicts.measured("beyond.x", rate_of(3, 4), description="three of four", seeds=2)
    assert list(row) == list(verdicts.COLUMNS)
    assert numbers(row) == rate_of(3, 4)[:4]
    assert math.isnan(row["published"])
    assert row["verdict"] == ""
    assert (row["id"], row["description"], row["seeds"]) == ("beyond.x", "three of four", 2)
    assert row["unit"] == "fraction"


@pytest.mark.parametrize(
    ("ours", "verdict"),
    # Newcombe (1998), Table II: of the differences of 5/56 and 9/10 from 0/29 and 3/10 only the
    # first interval holds zero
    [
        ((5, 56, 0, 29), "reproduced"),
        ((9, 10, 3, 10), "not reproduced"),
        ((56, 70, 48, 80), "not reproduced"),
    ],
)
def test_a_published_proportion_is_reproduced_where_the_difference_may_be_zero(ours, verdict):
    x, n, published_x, published_n = ours
    row = verdicts.against(
        entry(published=published_x / published_n, n=published_n), rate_of(x, n), seeds=3
    )
    assert list(row) == list(verdicts.COLUMNS)
    assert row["verdict"] == verdict
    assert numbers(row) == rate_of(x, n)[:4]
    assert row["published"] == published_x / published_n
    kept = {k: row[k] for k in ("id", "paper_item", "description", "unit", "note", "seeds")}
    assert kept == {
        "id": "table1.clean.0.2510",
        "paper_item": "Table I",
        "description": "something measured",
        "unit": "fraction",
        "note": "as printed",
        "seeds": 3,
    }


def test_a_row_that_was_not_run_says_why_and_has_no_number():
    row = verdicts.not_run(entry(published=1.0482, unit="L2"), "needs CelebA")
    assert list(row) == list(verdicts.COLUMNS)
    assert row["verdict"] == "not run: needs CelebA"
    assert all(math.isnan(row[k]) for k in ("ours", "ci_low", "ci_high"))
    assert row["n"] == 0
    assert (row["published"], row["unit"]) == (1.0482, "L2")


# ---------------------------------------------------------------------------------- mnist rows


def test_the_test_error_is_pooled_over_the_seeds():
    checkpoints = [{"test_error": 0.02, "test_n": 1000}, {"test_error": 0.03, "test_n": 1000}]
    row = verdicts.test_error(entry("mnist.mlp.test_error", 0.0273, n=10_000), checkpoints)
    assert numbers(row) == pool_seeds([rate_of(20, 1000), rate_of(30, 1000)])[:4]
    assert row["seeds"] == 2
    # 2.5 % of 1000 against 2.73 % of 10,000
    assert row["verdict"] == "reproduced"
    worse = [{"test_error": 0.05, "test_n": 10_000}]
    row = verdicts.test_error(entry(published=0.0273, n=10_000), worse)
    assert row["verdict"] == "not reproduced"


def figure6_frame(confidences):
    """4 → 5 examples that f1 still calls 4; and two that must not count."""
    frame = pd.DataFrame({"f1_confidence_after": confidences, "label": 4, "f1_label_after": 4})
    others = pd.DataFrame(
        {"f1_confidence_after": [0.0, 0.0], "label": [4, 5], "f1_label_after": [5, 5]}
    )
    return pd.concat([others, frame]).assign(seed=[0, 1] + [0] * len(confidences))


def test_figure_6_is_the_median_and_the_middle_nine_tenths():
    # of 0, 1, ..., 100 percent the percentiles are known
    frame = figure6_frame(np.arange(101) / 100)
    row = verdicts.figure6(entry("mnist.fig6.confidence", 0.9), frame)
    assert numbers(row) == pytest.approx((0.5, 0.025, 0.975, 101), abs=1e-12)
    assert row["verdict"] == "reproduced"
    assert row["seeds"] == 2
    assert "95 %" in row["note"]


@pytest.mark.parametrize("published", [0.02, 0.98])
def test_figure_6_outside_our_range_is_not_reproduced(published):
    row = verdicts.figure6(entry(published=published), figure6_frame(np.arange(101) / 100))
    assert row["verdict"] == "not reproduced"


def test_figure_6_without_an_example_was_not_run():
    row = verdicts.figure6(entry(published=0.99), figure6_frame([]))
    assert row["verdict"] == "not run: f1 keeps the label of no attacked 4"
    assert math.isnan(row["ours"])
    assert row["n"] == 0


# ------------------------------------------------------------------------------------- table I


def rates(*rows):
    """Rows of (attack, metric, threshold, nominal, seed, detected, n)."""
    names = ["attack", "metric", "threshold", "nominal", "seed", "detected", "n"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(rate=frame["detected"] / frame["n"], shared=0.25)


def table1(published, frame):
    boundary = ["deepfool", "cw_l2", "ead"]
    return verdicts.table1(published, frame, ours={"svae": "paper"}, boundary=boundary)


def test_table_1_pools_the_seeds_of_l2_and_tells_l1():
    frame = rates(
        ("fgsm", "l2", "zeta", 0.251, 0, 420, 500),
        ("fgsm", "l2", "zeta", 0.251, 1, 400, 500),
        ("fgsm", "l1", "zeta", 0.251, 0, 455, 500),
        ("fgsm", "l1", "zeta", 0.251, 1, 451, 500),
        # of other cells: not to be counted
        ("fgsm", "l2", "zeta", 0.6089, 0, 0, 100),
        ("clean", "l2", "zeta", 0.251, 0, 0, 100),
        ("fgsm", "l2", "false_positive_rate", 0.251, 0, 0, 100),
    )
    (row,) = table1([entry("table1.fgsm.0.2510", 0.8)], frame)
    assert numbers(row) == pool_seeds([rate_of(420, 500), rate_of(400, 500)], shared=0.25)[:4]
    l1 = pool_seeds([rate_of(455, 500), rate_of(451, 500)], shared=0.25)
    assert row["note"] == f"with L1: {l1.value:.3f} [{l1.low:.3f}, {l1.high:.3f}], differs"
    assert row["seeds"] == 2
    assert row["verdict"] == "reproduced"  # 0.82 against 0.80 of 500 each


def test_the_svae_of_table_1_is_the_papers_variant():
    frame = rates(
        ("paper", "l2", "zeta", 0.251, 0, 30, 100),
        ("paper", "l1", "zeta", 0.251, 0, 60, 100),
        ("sm", "l2", "zeta", 0.251, 0, 99, 100),
    )
    (row,) = table1([entry("table1.svae.0.2510", 0.306)], frame)
    assert row["ours"] == 0.3
    assert row["verdict"] == "reproduced"


@pytest.mark.parametrize(
    ("attack", "zeta", "detected", "verdict"),
    [
        # what Euclidean distance cannot give: boundary attacks above sqrt(1/2) = 0.7071
        ("deepfool", 0.9353, 0, "inconsistent as stated"),
        ("cw_l2", 0.9353, 0, "inconsistent as stated"),
        ("ead", 0.9353, 0, "inconsistent as stated"),
        ("ead", 0.7072, 0, "inconsistent as stated"),
        # below it the distance is no excuse
        ("ead", 0.7071, 0, "not reproduced"),
        ("deepfool", 0.6089, 0, "not reproduced"),
        # nor for attacks that go beyond the boundary, or for clean images
        ("fgsm", 0.9353, 0, "not reproduced"),
        ("svae", 0.9353, 0, "not reproduced"),
        ("clean", 0.9353, 0, "not reproduced"),
        # and where the number came out, nothing is inconsistent
        ("deepfool", 0.9353, 435, "reproduced"),
        # a higher rate needs no excuse either
        ("deepfool", 0.9353, 500, "not reproduced"),
    ],
)
def test_inconsistent_as_stated_is_kept_for_boundary_attacks_above_root_one_half(
    attack, zeta, detected, verdict
):
    name = "paper" if attack == "svae" else attack
    frame = rates(
        (name, "l2", "zeta", zeta, 0, detected, 500), (name, "l1", "zeta", zeta, 0, 450, 500)
    )
    (row,) = table1([entry(f"table1.{attack}.{zeta:.4f}", 0.872)], frame)
    assert row["verdict"] == verdict
    assert row["note"].startswith("with L1: 0.900")
    assert ("hardly exceeds sqrt(1/2)" in row["note"]) == (verdict == "inconsistent as stated")


def test_an_attack_with_a_margin_is_not_inconsistent():
    frame = rates(*(("ead", metric, "zeta", 0.9353, 0, 0, 500) for metric in ("l1", "l2")))
    published = [entry("table1.ead.0.9353", 0.872)]
    (row,) = verdicts.table1(published, frame, ours={}, boundary=["deepfool"])
    assert row["verdict"] == "not reproduced"


@pytest.mark.parametrize(
    ("mean", "unit", "verdict"),
    [
        # means of 979 with an interval of +-0.0115: theirs is as wide, together +-0.0163
        (0.836, "L2", "reproduced"),
        (0.837, "L2", "not reproduced"),
        (0.80, "L2", "not reproduced"),
        # as a proportion of 979 it would have an interval of +-0.024
        (0.842, "L2", "not reproduced"),
        (1.2, "L2", "not reproduced"),
    ],
)
def test_a_mean_is_compared_as_a_mean(mean, unit, verdict):
    published = entry("faces.published_pairs.mean_distance", 0.82, unit=unit, n=979)
    row = verdicts.against(published, Rate(mean, mean - 0.0115, mean + 0.0115, 979))
    assert row["verdict"] == verdict


def test_a_cell_that_is_not_configured_is_not_run():
    frame = rates(("fgsm", "l2", "zeta", 0.3, 0, 1, 10), ("fgsm", "l1", "zeta", 0.3, 0, 1, 10))
    published = [
        entry("table1.fgsm.0.2510"), entry("table1.fgsm.0.3000"), entry("table1.svae.0.2510")
    ]  # fmt: skip
    rows = table1(published, frame)
    assert [row["id"] for row in rows] == [e["id"] for e in published]
    assert rows[0]["verdict"] == "not run: `fgsm` at 0.2510 is not in the configuration"
    assert rows[1]["ours"] == 0.1
    assert rows[2]["verdict"] == "not run: `paper` at 0.2510 is not in the configuration"


# ------------------------------------------------------------------------------ measurements


@pytest.mark.parametrize(("ours", "verdict"), [(1.2419, "reproduced"), (1.2421, "not reproduced")])
def test_a_distance_is_reproduced_below_the_threshold_of_one_person(ours, verdict):
    """Also where the published distance is above 1, which no proportion could be."""
    found = Measurement("fig9.distance.4", "", "L2", "ours", Rate(ours, *[math.nan] * 2, 1), 1)
    published = entry("fig9.distance.4", 1.0482, unit="L2", direction="below_threshold")
    row = verdicts.from_measurement(found, published)
    assert (row["ours"], row["verdict"], row["note"]) == (ours, verdict, "ours")


def test_a_measurement_of_nothing_says_why_it_was_not_run():
    nothing = Rate(*[math.nan] * 3, 0)
    found = Measurement("fig9.distance.6", "", "L2", "quick attacks 2 of 6 rows", nothing, 1)
    published = entry("fig9.distance.6", 1.0449, unit="L2", direction="below_threshold")
    row = verdicts.from_measurement(found, published)
    assert row["verdict"] == "not run: quick attacks 2 of 6 rows"
    assert math.isnan(row["ours"])


def test_seeds_in_several_tables_are_pooled_and_every_table_is_named():
    """Recognizers are measured by a job a seed."""
    rates = {1: rate_of(7, 10), 2: rate_of(5, 10), 3: rate_of(9, 10)}
    tables = [
        Artifact(
            f"seed{seed}", pd.DataFrame([measurement("beyond.a", value, seed=seed, description="")])
        )
        for seed, value in rates.items()
    ]
    other = measurement("beyond.b", rate_of(1, 2), seed=1, description="")
    tables.append(Artifact("other", pd.DataFrame([other])))
    (one, of_one), (two, of_two) = pooled_over(tables)
    assert (one.id, one.seeds, one.value) == ("beyond.a", 3, pool_seeds(list(rates.values())))
    assert [table.path for table in of_one] == ["seed1", "seed2", "seed3"]
    assert (two.id, [table.path for table in of_two]) == ("beyond.b", ["other"])
    assert list(pooled_over([])) == []
    with pytest.raises(ValueError, match=r"beyond\.a is measured twice for seed 1"):
        list(pooled_over([tables[0], tables[0]]))


# people

ASKED = {"id": "faces.success_rate", "published": 0.698, "n": 1000, "note": "", "unit": "fraction"}
ASKED |= {"paper_item": "IV-B", "description": "by people"}


def test_people_stand_beside_our_number_and_leave_it_and_its_verdict():
    row = verdicts.measured("beyond.mnist.ours.mlp.true_success", rate_of(9, 10))
    assert math.isnan(row["people"])
    found = verdicts.beside_people(row, rate_of(3, 4))
    assert (found["people"], found["people_n"], found["ours"]) == (0.75, 4, 0.9)
    assert found["people_low"] == rate_of(3, 4).low
    assert {k: v for k, v in found.items() if "people" not in k} == {
        k: v for k, v in row.items() if "people" not in k
    }


@pytest.mark.parametrize(
    ("people", "verdict"), [(rate_of(70, 100), "reproduced"), (rate_of(5, 100), "not reproduced")]
)
def test_where_the_paper_asked_people_the_verdict_is_theirs(people, verdict):
    row = verdicts.against(ASKED, rate_of(200, 1000))
    assert row["verdict"] == "not reproduced"
    found = verdicts.beside_people(row, people, ASKED)
    assert (found["verdict"], found["note"]) == (verdict, "verdict by people")
    assert found["ours"] == 0.2


def test_nobody_decides_nothing():
    row = verdicts.against(ASKED, rate_of(200, 1000))
    assert verdicts.beside_people(row, rate_of(0, 0), ASKED)["verdict"] == row["verdict"]
