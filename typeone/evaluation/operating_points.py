"""Measure where each type of attack moves f1 on the ROC of one class (Section I, Fig. 1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from torch import Tensor

from typeone.data.images import from_uint8
from typeone.evaluation.intervals import Rate, rate
from typeone.evaluation.one_vs_rest import Sides, class_margin, sides
from typeone.evaluation.roc import auc_interval, roc_corners
from typeone.models.predictions import predict
from typeone.runtime.artifacts import Records

Kind = Literal["type1", "type2"]


class Figure(NamedTuple):
    """One measured value of an f1: the end of its id, the value, and its texts in tables."""

    name: str
    value: Rate
    description: str
    note: str = ""


def roc_rows(
    negative: np.ndarray, positive: np.ndarray, *, attack: str, counted: str
) -> pd.DataFrame:
    """Return rows (attack, counted, fpr, tpr) of one ROC of scores; no rows if a side is empty.

    ``counted``: ``oracle`` or ``label``, the labels that assign images to a side.
    """
    if not len(negative) or not len(positive):
        return pd.DataFrame()
    fpr, tpr = roc_corners(negative, positive)
    return pd.DataFrame({"attack": attack, "counted": counted, "fpr": fpr, "tpr": tpr})


def clean_figures(negatives: np.ndarray, positives: np.ndarray, digit: str) -> Iterator[Figure]:
    """Yield figures of clean digits from their scores; ``digit``: the positive class in texts."""
    yield Figure(
        "clean.tpr", rate(positives > 0), f"f1 says {digit}, of the test digits that are {digit}"
    )
    yield Figure("clean.fpr", rate(negatives > 0), f"f1 says {digit}, of the other test digits")
    area = auc_interval(negatives, positives)
    yield Figure("clean.auc", area, f"ROC area of f1, {digit} against the other digits")


def type2_figures(
    name: str, scores: np.ndarray, side: Sides, negatives: np.ndarray, digit: str
) -> Iterator[Figure]:
    """Yield figures of attack ``name``; an image is positive if the oracle still sees the class.

    ``scores``, ``side``: of the attacked images ``(N,)``. ``negatives``: scores of clean ones.
    """
    of = f"images of attack {name} on {digit}"
    unclear = "images unclear to the oracle are left out"
    by_label = f"each counted as {digit}, whatever the oracle sees"
    still = rate(side.positive)
    yield Figure(f"{name}.still", still, f"oracle sees {digit} clearly, of {of}")
    yield Figure(
        f"{name}.tpr",
        rate(scores[side.positive] > 0),
        f"f1 says {digit}, of {of} that the oracle sees as {digit}",
        unclear,
    )
    yield Figure(
        f"{name}.tpr_with_unclear",
        rate(scores[side.positive_at_best] > 0),
        f"f1 says {digit}, of {of} that the oracle's best guess calls {digit}",
    )
    yield Figure(
        f"{name}.tpr_by_label", rate(scores > 0), f"f1 says {digit}, of all {of}", by_label
    )
    yield Figure(
        f"{name}.auc",
        auc_interval(negatives, scores[side.positive]),
        f"ROC area of f1, {of} for positives",
        unclear,
    )
    yield Figure(
        f"{name}.auc_by_label",
        auc_interval(negatives, scores),
        f"ROC area of f1, all {of} for positives",
        by_label,
    )


def type1_figures(
    name: str, scores: np.ndarray, side: Sides, positives: np.ndarray, digit: str
) -> Iterator[Figure]:
    """Yield figures of attack ``name``; an image is negative if the oracle sees another class.

    ``scores``, ``side``: of the attacked images ``(N,)``. ``positives``: scores of clean ones.
    """
    of = f"images of attack {name} on {digit}"
    unclear = "images unclear to the oracle are left out"
    gone = rate(side.negative)
    yield Figure(f"{name}.gone", gone, f"oracle clearly sees something else, of {of}")
    yield Figure(
        f"{name}.fpr",
        rate(scores[side.negative] > 0),
        f"f1 says {digit}, of {of} in which the oracle sees something else",
        unclear,
    )
    yield Figure(
        f"{name}.fpr_with_unclear",
        rate(scores[side.negative_at_best] > 0),
        f"f1 says {digit}, of {of} that the oracle's best guess calls something else",
    )
    yield Figure(
        f"{name}.auc",
        auc_interval(scores[side.negative], positives),
        f"ROC area of f1, {of} for negatives",
        unclear,
    )


def operating_points(
    f1: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    attacked: Mapping[str, Records | Mapping[str, np.ndarray]],
    *,
    kinds: Mapping[str, Kind],
    positive: int,
) -> tuple[list[Figure], list[pd.DataFrame]]:
    """Return figures and ROC curves of one f1, see `roc_rows`.

    Args:
        images, labels: clean digits, ``(N, 1, 28, 28)`` in [0, 1] and ``(N,)``.
        attacked: judged examples by attack, columns label, adversarial_image (uint8), judge_label
            and judge_clear. Only images of class ``positive`` are used.
        kinds: kind by attack.
    """
    digit = f"a {positive}"

    def score(batch: Tensor) -> np.ndarray:
        return class_margin(predict(f1, batch), positive).numpy()

    clean = score(images)
    is_positive = (labels == positive).numpy()
    positives, negatives = clean[is_positive], clean[~is_positive]
    figures = list(clean_figures(negatives, positives, digit))
    curves = [roc_rows(negatives, positives, attack="clean", counted="oracle")]
    for name, table in attacked.items():
        chosen = np.asarray(table["label"]) == positive
        scores = score(from_uint8(table["adversarial_image"][chosen]))
        side = sides(table["judge_label"][chosen], table["judge_clear"][chosen], positive)
        if kinds[name] == "type2":
            figures += type2_figures(name, scores, side, negatives, digit)
            kept = scores[side.positive]
            curves.append(roc_rows(negatives, kept, attack=name, counted="oracle"))
            curves.append(roc_rows(negatives, scores, attack=name, counted="label"))
        else:
            figures += type1_figures(name, scores, side, positives, digit)
            gone = scores[side.negative]
            curves.append(roc_rows(gone, positives, attack=name, counted="oracle"))
    return figures, curves
