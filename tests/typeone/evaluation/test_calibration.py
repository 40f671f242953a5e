"""Agreement of the oracle with people, on images few enough to count by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from typeone.evaluation.calibration import COLUMNS, calibrate
from typeone.evaluation.intervals import rate_of
from typeone.runtime.errors import InputError

# image, what people call it, what the oracle sees, how sure it is, whether it is clear to it
SEEN = [
    ("a", "3", 3, 0.99, True),
    ("b", "4", 4, 0.95, True),
    ("c", "4", 9, 0.97, True),
    ("d", "unclear", 1, 0.90, True),
    ("e", "1", 1, 0.94, True),
    ("f", "7", 7, 0.80, False),
    ("g", "7", 1, 0.79, False),
    ("h", "unclear", 5, 0.50, False),
    ("i", "5", 6, 0.49, False),
    ("j", "5", 5, 1.0000001, True),  # float32 can round a softmax past 1
]
# (those that count, of how many)
COUNTED = {
    "agreement": (5, 8),  # a b e f j of all but d and h
    "agreement_clear": (4, 5),  # a b e j of a b c e j
    "agreement_unclear": (1, 3),  # f of f g i
    "people_unclear_where_clear": (1, 6),  # d of a b c d e j
    "people_digit_where_unclear": (3, 4),  # f g i of f g h i
    "agreement_confidence_0.00_0.50": (0, 1),  # i
    "agreement_confidence_0.50_0.80": (0, 1),  # g; people call h no digit
    "agreement_confidence_0.80_0.95": (2, 2),  # e f; people call d no digit
    "agreement_confidence_0.95_1.00": (3, 4),  # a b j of a b c j
}


def frames(seen=SEEN):
    """What people and what the oracle see, in different orders."""
    image, label, judge_label, confidence, clear = zip(*seen, strict=True)
    people = pd.DataFrame({"image": image, "label": label})
    oracle = pd.DataFrame(
        {
            "image": [*image, "nobody was shown this"],
            "judge_label": [*judge_label, 8],
            "judge_confidence": [*confidence, 0.99],
            "judge_clear": [*clear, True],
        }
    )
    return people, oracle.iloc[::-1]


def test_measures_are_those_counted_by_hand():
    rows = calibrate(*frames())
    assert list(rows.columns) == list(COLUMNS)
    assert list(rows["measure"]) == list(COUNTED)
    found = rows[["value", "ci_low", "ci_high", "n"]].to_numpy()
    np.testing.assert_array_equal(found, [rate_of(*c)[:4] for c in COUNTED.values()])
    assert rows["description"].str.len().min() > 0
    assert rows["description"].is_unique


def test_intervals_are_wilsons():
    # 5 of 8: centre (p + z²/2n) / (1 + z²/n), with z² = 3.8414588 and p = 0.625
    row = calibrate(*frames()).iloc[0]
    centre = (0.625 + 3.8414588 / 16) / (1 + 3.8414588 / 8)
    half = math.sqrt(3.8414588 * (0.625 * 0.375 / 8 + 3.8414588 / 256)) / (1 + 3.8414588 / 8)
    assert row["value"] == 0.625
    # z² has eight digits here
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(
        (centre - half, centre + half), abs=1e-7
    )


def test_what_nobody_labelled_is_unknown():
    people, oracle = frames()
    rows = calibrate(people.head(0), oracle)
    assert list(rows["measure"]) == list(COUNTED)
    assert (rows["n"] == 0).all()
    assert rows[["value", "ci_low", "ci_high"]].isna().all(axis=None)


def test_people_who_find_all_unclear_leave_agreement_unknown():
    people, oracle = frames([("a", "unclear", 3, 0.99, True)])
    rows = calibrate(people, oracle).set_index("measure")
    assert math.isnan(rows.loc["agreement", "value"])
    assert tuple(rows.loc["people_unclear_where_clear", ["value", "n"]]) == (1, 1)
    assert rows.loc["people_digit_where_unclear", "n"] == 0


def test_bins_hold_every_image_once():
    rows = calibrate(*frames()).set_index("measure")["n"]
    assert rows[rows.index.str.startswith("agreement_confidence")].sum() == rows["agreement"]


def test_two_labels_of_one_image_are_refused():
    people, oracle = frames([SEEN[0], SEEN[0]])
    with pytest.raises(InputError, match="people label 'a' more than once; needs one label"):
        calibrate(people, oracle)


def test_an_image_that_the_oracle_has_not_seen_is_refused():
    people, oracle = frames()
    with pytest.raises(InputError, match=r"label 'b', which the oracle has not seen \(1 such"):
        calibrate(people, oracle[oracle["image"] != "b"])
