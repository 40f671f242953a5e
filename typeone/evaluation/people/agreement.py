"""Measure agreement between people, on repeated images, and with the labels of clean images."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from typeone.evaluation.intervals import Rate, rate
from typeone.evaluation.people.annotations import majority

CARELESS = {"accuracy": "clean images wrong", "consistency": "repeats differ"}
"""Reason to report a person as careless, by the name of the low share."""


def label_counts(answers: pd.DataFrame) -> np.ndarray:
    """Count the people per label, ints ``(images, labels)``, where two or more answered.

    ``answers``: image, label, one row per person and image.
    """
    table = pd.crosstab(answers["image"], answers["label"]).to_numpy()
    return table[table.sum(axis=1) >= 2]


def fleiss_kappa(counts: np.ndarray) -> float:
    """Return Fleiss' kappa (1971) of ``counts`` ``(N, labels)``; NaN if agreement by chance is 1.

    Images may have different numbers of people, at least two. The agreement of an image is that of
    its pairs of people. The share of a label is its share of all answers.
    """
    n = counts.sum(axis=1)
    if not len(n):
        return math.nan
    observed = float(np.mean(((counts**2).sum(axis=1) - n) / (n * (n - 1))))
    shares = counts.sum(axis=0) / counts.sum()
    by_chance = float((shares**2).sum())
    return math.nan if by_chance == 1 else (observed - by_chance) / (1 - by_chance)


def kappa_interval(answers: pd.DataFrame, *, draws: int, rng: np.random.Generator) -> Rate:
    """Return `fleiss_kappa` with a 95 % bootstrap interval over ``draws`` resamples of the images.

    People are not resampled: a person drawn twice would agree with himself.
    """
    counts = label_counts(answers)
    value = fleiss_kappa(counts)
    if math.isnan(value):
        return Rate(math.nan, math.nan, math.nan, 0)
    chosen = rng.integers(len(counts), size=(draws, len(counts)))
    drawn = np.array([fleiss_kappa(counts[rows]) for rows in chosen])
    drawn = drawn[~np.isnan(drawn)]  # drop resamples with one label only
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Rate(value, min(value, float(low)), max(value, float(high)), len(counts))


def annotator_figures(
    answers: pd.DataFrame, truths: pd.Series, *, limits: dict[str, float]
) -> pd.DataFrame:
    """Return one row per person: the number of answers and measures of reliability.

    Args:
        answers: columns question, image, label, annotator, showing.
        truths: the label of clean images, by (question, image).
        limits: by name in `CARELESS`, the share below which a person is reported. The upper end of
            Wilson's 95 % interval must be below it, because a few answers are not enough.

    Returns:
        Columns annotator, answers; for agreement (with most of the others), consistency (on
            repeated images) and accuracy (on clean images) the share and its n; careless, a reason
            or an empty string.
    """
    first = answers[answers["showing"] == 1]
    rows = []
    for person, own in first.groupby("annotator", sort=True):
        again = answers[(answers["annotator"] == person) & (answers["showing"] == 2)]
        keys = ["question", "image"]
        twice = own.merge(again, on=keys, suffixes=("", "_again"))
        checked = own.join(truths.rename("truth"), on=keys, how="inner")
        shares = {
            "agreement": rate(_as_others(own, first[first["annotator"] != person])),
            "consistency": rate((twice["label"] == twice["label_again"]).to_numpy()),
            "accuracy": rate((checked["label"] == checked["truth"]).to_numpy()),
        }
        reasons = [text for k, text in CARELESS.items() if shares[k].high < limits[k]]
        row = {"annotator": person, "answers": len(own) + len(again)}
        for name, share in shares.items():
            row |= {name: share.value, f"{name}_n": share.n}
        rows.append(row | {"careless": "; ".join(reasons)})
    return pd.DataFrame(rows)


def _as_others(own: pd.DataFrame, others: pd.DataFrame) -> np.ndarray:
    """Return whether each label is that of most others, where others answered and most agree."""
    agree: list[bool] = []
    for question, group in own.groupby("question", sort=False):
        votes = majority(others[others["question"] == question])
        # `majority` labels a tie as unclear although nobody did: leave ties out
        votes = votes[votes["votes"] * 2 > votes["voters"]].set_index("image")["label"]
        both = group[group["image"].isin(votes.index)]
        agree += (both["label"] == both["image"].map(votes)).tolist()
    return np.array(agree, dtype=bool)


def resampled_votes(
    answers: pd.DataFrame, images: Sequence[str], *, draws: int, rng: np.random.Generator
) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Return votes of ``draws`` resamples of the people, drawn with replacement.

    ``answers``: image, label, annotator, one row per person and image. Returns the votes for each
    label ``(draws + 1, images, labels)``, of which the first are those of all people once; the
    labels; and how often each image is drawn in a resample ``(draws + 1, images)``.
    """
    people, labels = sorted(answers["annotator"].unique()), sorted(answers["label"].unique())
    given = np.zeros((len(people), len(images), len(labels)), dtype=np.int64)
    at = [pd.Index(axis) for axis in (people, list(images), labels)]
    columns = answers["annotator"], answers["image"], answers["label"]
    given[tuple(i.get_indexer(c) for i, c in zip(at, columns, strict=True))] = 1

    def sample(size: int) -> np.ndarray:
        drawn = rng.multinomial(size, np.full(size, 1 / size), size=draws)
        return np.concatenate([np.ones((1, size), dtype=np.int64), drawn])

    votes = np.tensordot(sample(len(people)), given, axes=1)
    return votes, labels, sample(len(images))
