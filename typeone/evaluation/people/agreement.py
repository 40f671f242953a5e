"""How far do people agree, with each other, with themselves, and on images that nothing changed?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from typeone.evaluation.intervals import Rate, rate
from typeone.evaluation.people.annotations import majority

CARELESS = {"accuracy": "clean images wrong", "consistency": "repeats differ"}
"""What a person is reported for, by the share that is low."""


def label_counts(answers: pd.DataFrame) -> np.ndarray:
    """How many people gave each label, ints ``(images, labels)``, where two or more answered.

    ``answers``: image, label, one row a person and image.
    """
    table = pd.crosstab(answers["image"], answers["label"]).to_numpy()
    return table[table.sum(axis=1) >= 2]


def fleiss_kappa(counts: np.ndarray) -> float:
    """Fleiss' kappa (1971) of ``counts`` ``(N, labels)``; NaN where chance alone agrees on all.

    Images may have different numbers of people, two at least: the agreement of an image is that of
    its pairs of people, the share of a label that of all answers.
    """
    n = counts.sum(axis=1)
    if not len(n):
        return math.nan
    observed = float(np.mean(((counts**2).sum(axis=1) - n) / (n * (n - 1))))
    shares = counts.sum(axis=0) / counts.sum()
    by_chance = float((shares**2).sum())
    return math.nan if by_chance == 1 else (observed - by_chance) / (1 - by_chance)


def kappa_interval(answers: pd.DataFrame, *, draws: int, rng: np.random.Generator) -> Rate:
    """`fleiss_kappa` with its 95 % interval by ``draws`` samples of the images.

    People stay as they are: drawn again, one would agree with himself.
    """
    counts = label_counts(answers)
    value = fleiss_kappa(counts)
    if math.isnan(value):
        return Rate(math.nan, math.nan, math.nan, 0)
    chosen = rng.integers(len(counts), size=(draws, len(counts)))
    drawn = np.array([fleiss_kappa(counts[rows]) for rows in chosen])
    drawn = drawn[~np.isnan(drawn)]  # samples in which all gave one label
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Rate(value, min(value, float(low)), max(value, float(high)), len(counts))


def annotator_figures(
    answers: pd.DataFrame, truths: pd.Series, *, limits: dict[str, float]
) -> pd.DataFrame:
    """One row a person: what he gave, and how far it can be trusted.

    ``answers``: question, image, label, annotator, showing. ``truths``: the label of clean images,
    by (question, image). ``limits``: by name in `CARELESS`, the share below which a person is
    reported, if the upper end of Wilson's 95 % interval lies below it: few answers tell nothing.

    Columns annotator, answers; for agreement (with what most of the others saw), consistency (of
    images that came back) and accuracy (on clean images) the share and its n; careless, a reason
    or «».
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
    """Whether a label is that of most others, bool, where there are others and most agree."""
    agree: list[bool] = []
    for question, group in own.groupby("question", sort=False):
        votes = majority(others[others["question"] == question])
        # a tie is called unclear although nobody said so, and counts for nobody
        votes = votes[votes["votes"] * 2 > votes["voters"]].set_index("image")["label"]
        both = group[group["image"].isin(votes.index)]
        agree += (both["label"] == both["image"].map(votes)).tolist()
    return np.array(agree, dtype=bool)


def resampled_votes(
    answers: pd.DataFrame, images: Sequence[str], *, draws: int, rng: np.random.Generator
) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Votes of samples of the people, drawn with replacement.

    ``answers``: image, label, annotator, one row a person and image. Returns the votes for each
    label ``(draws + 1, images, labels)``, of which the first are those of all people once, what
    the labels are, and how often each image is drawn in a sample ``(draws + 1, images)``.
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
