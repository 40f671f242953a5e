"""What experiments write down reaches the verdict table, seeds pooled, on numbers done by hand."""

import math

import pandas as pd
import pytest

from typeone.evaluation.intervals import Rate, mean_interval, pool_seeds, rate_of
from typeone.evaluation.measurements import measurement, pooled
from typeone.reporting import verdicts


def entry(identity, published, direction="match"):
    return {
        **{"id": identity, "paper_item": "II-B", "description": "as printed", "unit": "fraction"},
        **{"published": published, "direction": direction, "note": "stated", "n": 500},
    }


def frame(*rows):
    return pd.DataFrame(rows)


def test_seeds_of_an_id_are_pooled_in_the_order_of_the_rows():
    rows = [
        measurement("b", rate_of(2, 10), seed=1, description="of b"),
        measurement("a", rate_of(1, 10), seed=1, description="of a"),
        measurement("b", rate_of(4, 10), seed=2, description="of b"),
    ]
    b, a = pooled(frame(*rows))
    assert (b.id, b.seeds, a.id, a.seeds) == ("b", 2, "a", 1)
    assert b.value == pytest.approx(pool_seeds([rate_of(2, 10), rate_of(4, 10)]))
    assert a.value[:4] == rate_of(1, 10)[:4]
    assert (a.description, a.unit) == ("of a", "fraction")


def test_only_shares_are_held_to_the_unit_interval():
    steps = mean_interval(pd.Series([100.0, 300.0]).to_numpy())
    (found,) = pooled(frame(measurement("s", steps, seed=0, description="", unit="steps")))
    assert found.value.value == 200
    assert found.value.high > 300


def test_without_a_published_number_there_is_no_verdict():
    value = rate_of(3, 4)
    (found,) = pooled(frame(measurement("beyond.x", value, seed=0, description="x", note="why")))
    row = verdicts.from_measurement(found, None)
    assert (row["id"], row["verdict"], row["note"]) == ("beyond.x", "", "why")
    assert math.isnan(row["published"])
    assert (row["ours"], row["n"], row["seeds"]) == (0.75, 4, 1)


@pytest.mark.parametrize(("hits", "verdict"), [(98, "reproduced"), (80, "not reproduced")])
def test_a_published_share_is_compared_as_a_proportion(hits, verdict):
    (found,) = pooled(frame(measurement("alp.x", rate_of(hits, 100), seed=0, description="")))
    row = verdicts.from_measurement(found, entry("alp.x", 0.985))
    assert (row["verdict"], row["published"], row["note"]) == (verdict, 0.985, "stated")


@pytest.mark.parametrize(("ours", "verdict"), [(9e-5, "reproduced"), (1.1e-4, "not reproduced")])
def test_a_published_bound_is_met_from_below_only(ours, verdict):
    value = Rate(ours, 0.0, 1.0, 100_000)
    (found,) = pooled(frame(measurement("sphere.error_rate", value, seed=0, description="")))
    row = verdicts.from_measurement(found, entry("sphere.error_rate", 1e-4, "below"))
    assert row["verdict"] == verdict
