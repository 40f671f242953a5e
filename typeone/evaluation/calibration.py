"""Compare the oracle's labels of attacked images with the labels that people give.

Beyond the paper, whose judge is the SVAE's own f2. Here true success is decided by an oracle
ensemble, and this module measures the ensemble against people. The shares are of the images that
people labelled. Intervals are Wilson's and treat the images as independent draws. Where several
images show the same digit under different attacks, the intervals are too narrow, if anything.
"""

from __future__ import annotations

import itertools
import math

import pandas as pd

from typeone.evaluation.intervals import rate
from typeone.evaluation.people.annotations import UNCLEAR
from typeone.runtime.errors import InputError

COLUMNS = {
    **{"measure": str, "description": str},
    **{"value": float, "ci_low": float, "ci_high": float, "n": int},
}
"""Columns of a calibration table and their types."""

CONFIDENCE_EDGES = (0.0, 0.5, 0.8, 0.95, 1.0)
"""Edges of bins of the oracle's confidence, lower edge included; finer where most images are."""


def calibrate(people: pd.DataFrame, oracle: pd.DataFrame) -> pd.DataFrame:
    """Return one row per measure with the columns `COLUMNS`; values are NaN where n is 0.

    Args:
        people: columns image and label (a digit as text, or "unclear"), one row per image, as
            returned by `typeone.evaluation.people.annotations.majority`.
        oracle: columns image, judge_label, judge_confidence and judge_clear, for at least these
            images; rows of other images are ignored.

    Raises:
        InputError: ``people`` has two labels for an image, or an image without a row in ``oracle``.
    """
    twice = people["image"][people["image"].duplicated()]
    if len(twice):
        raise InputError(
            f"people label {twice.iloc[0]!r} more than once; needs one label per image, as from "
            "typeone.evaluation.people.annotations.majority"
        )
    unseen = people["image"][~people["image"].isin(oracle["image"])]
    if len(unseen):
        raise InputError(
            f"people label {unseen.iloc[0]!r}, which the oracle has not seen ({len(unseen)} such "
            "images); needs a row of the oracle for each"
        )
    both = people[["image", "label"]].merge(oracle, on="image", validate="one_to_one")
    digit = (both["label"] != UNCLEAR).to_numpy(dtype=bool)
    agrees = digit & (both["label"] == both["judge_label"].astype(int).astype(str)).to_numpy(bool)
    clear = both["judge_clear"].to_numpy(dtype=bool)
    confidence = both["judge_confidence"].to_numpy(dtype=float)

    agreement = "oracle agrees with people, images people call a digit"
    # measure: (images counted, images considered, description)
    measures = {
        "agreement": (agrees, digit, agreement),
        "agreement_clear": (agrees, digit & clear, f"{agreement}, clear to the oracle"),
        "agreement_unclear": (agrees, digit & ~clear, f"{agreement}, unclear to the oracle"),
        "people_unclear_where_clear": (
            *(~digit, clear),
            "people call the image unclear, images clear to the oracle",
        ),
        "people_digit_where_unclear": (
            *(digit, ~clear),
            "people call the image a digit, images unclear to the oracle",
        ),
    }
    for low, high in itertools.pairwise(CONFIDENCE_EDGES):
        # a mean softmax in float32 can pass 1 by rounding: the last bin has no upper edge
        last = high == CONFIDENCE_EDGES[-1]
        inside = (low <= confidence) & (confidence < (math.inf if last else high))
        span = f"oracle's confidence in [{low:g}, {high:g}{']' if last else ')'}"
        measures[f"agreement_confidence_{low:.2f}_{high:.2f}"] = (
            *(agrees, digit & inside),
            f"{agreement}, {span}",
        )
    rows = []
    for name, (flags, among, text) in measures.items():
        share = rate(flags[among])
        rows.append((name, text, share.value, share.low, share.high, share.n))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
