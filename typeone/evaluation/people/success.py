"""Compute success rates of attacks from the majority of people, with intervals.

An attack succeeds if f1 keeps its label and most people see something else. The interval treats
images and people as sampled. Both are resampled, each with replacement and independently of the
other (the pigeonhole bootstrap, Owen 2007), and each resample has its own majority. The interval is
never narrower than Wilson's over the images: where all agree, the bootstrap alone is a point.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from typeone.evaluation.intervals import Rate, rate_of
from typeone.evaluation.people.agreement import resampled_votes
from typeone.evaluation.people.annotations import UNCLEAR

COLUMNS = {
    **{"id": str, "description": str, "unclear": str},
    **{"value": float, "low": float, "high": float, "n": int, "annotators": int},
}
"""Columns of a table of people's rates, and their types; unclear: `FAILURE` or `LEFT_OUT`."""

FAILURE, LEFT_OUT = "failure", "left out"


def people_rates(
    answers: pd.DataFrame,
    wanted: Mapping[str, Mapping[str, Sequence[str]]],
    *,
    draws: int,
    rng: np.random.Generator,
) -> dict[str, dict[str, Rate]]:
    """Return the share of images with a wanted majority, by measure and rule for unclear ones.

    The rules are `FAILURE` (unclear images count as failures) and `LEFT_OUT`. ``answers``: image,
    label, annotator, one row per person and image. ``wanted``: by measure and image the labels that
    count; every image of ``answers`` is in each. Ties are unclear.
    """
    images = sorted(answers["image"].unique())
    votes, labels, weights = resampled_votes(answers, images, draws=draws, rng=rng)
    top = votes.max(axis=2)
    tied = (votes == top[:, :, None]).sum(axis=2) > 1
    label = votes.argmax(axis=2)
    seen = top > 0  # False in a resample with none of the image's people
    clear = seen & ~tied
    if UNCLEAR in labels:
        clear &= label != labels.index(UNCLEAR)
    found: dict[str, dict[str, Rate]] = {}
    for measure, by_image in wanted.items():
        counts = np.array([[name in by_image[image] for name in labels] for image in images])
        success = clear & counts[np.arange(len(images))[None], label]
        found[measure] = {
            FAILURE: _interval(success, weights * seen),
            LEFT_OUT: _interval(success, weights * clear),
        }
    return found


def _interval(success: np.ndarray, weights: np.ndarray) -> Rate:
    """Return the share of ``success`` ``(draws + 1, images)`` in row 0 and its interval."""
    n = weights.sum(axis=1)
    shares = (success * weights).sum(axis=1)[n > 0] / n[n > 0]
    if not n[0]:
        return Rate(math.nan, math.nan, math.nan, 0)
    own = rate_of(shares[0] * n[0], n[0])
    low, high = np.percentile(shares[1:], [2.5, 97.5]) if len(shares) > 1 else (1.0, 0.0)
    return own._replace(low=min(own.low, float(low)), high=max(own.high, float(high)))


def digit_measures(rows: pd.DataFrame) -> dict[str, dict[str, Sequence[str]]]:
    """Return the labels that count as a success of Type I, by measure and image.

    ``rows``: image, label, target_label, f1_label_after.
    """
    digits = set(map(str, range(10)))
    other: dict[str, Sequence[str]] = {}
    target: dict[str, Sequence[str]] = {}
    for row in rows.itertuples():
        kept = row.f1_label_after == row.label
        other[row.image] = tuple(digits - {str(row.label)}) if kept else ()
        target[row.image] = (str(row.target_label),) if kept else ()
    return {"true_success": other, "targeted_success": target}


def face_measures(
    rows: pd.DataFrame, genders: Sequence[str], threshold: float
) -> dict[str, dict[str, Sequence[str]]]:
    """Return the same for faces, and measures that do not depend on f1.

    ``rows``: image, target_label, distance. ``genders``: people's labels of gender 0 and 1.
    """
    changed: dict[str, Sequence[str]] = {
        r.image: (genders[r.target_label],) for r in rows.itertuples()
    }
    same = dict(zip(rows["image"], rows["distance"] <= threshold, strict=True))
    return {
        "true_success": {image: want if same[image] else () for image, want in changed.items()},
        "gender_changed": changed,
        "still_a_face": dict.fromkeys(changed, tuple(genders)),
    }
