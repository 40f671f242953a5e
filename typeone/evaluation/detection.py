"""Measure detectors at published thresholds, and at thresholds fitted on clean images (IV-C)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from typeone.evaluation.intervals import rate
from typeone.evaluation.measurements import measurement
from typeone.evaluation.roc import roc_auc, roc_curve, threshold_at
from typeone.runtime.logs import logger

FIT = "validation"
"""Value of the column attack for the clean faces that thresholds are fitted on."""

FLAGS = ["f1_right", "counted"]
"""Columns of scores about an image: whether f1 is right, and whether rates count it."""


def pivoted(scores: pd.DataFrame) -> pd.DataFrame:
    """Pivot the scores of one attack to one row per image.

    Returns one column per (squeezer, metric), ``f1_right`` and ``counted``. ``scores``: index (of
    the test digit), squeezer, metric, score, f1_right, counted.
    """
    table = scores.pivot(index="index", columns=["squeezer", "metric"], values="score")
    table.columns = table.columns.to_flat_index()
    return table.join(scores.groupby("index")[FLAGS].first())


def detection_tables(
    scores: pd.DataFrame,
    *,
    zetas: Sequence[float],
    false_positive_rates: Sequence[float],
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return detection rates and ROC curves of one classifier of digits.

    At the published thresholds, "clean" are all test digits, as in Table I, and "original" are the
    digits that the attacks started from. f1 classifies these correctly. Fitted thresholds therefore
    use the clean digits that f1 also classifies correctly and that no attack started from. They are
    fitted on one random half of these digits. The other half is "clean" at fitted thresholds and
    gives the negatives of the ROC. Images that are not ``counted``, where a Type II attack failed,
    are in no rate; an attack of which none is counted has no row. ``shared`` of a rate is for
    `pool_seeds`: the share of the test digits that it is measured on, drawn anew for each seed.

    Args:
        scores: columns of `pivoted` and the column attack, with ``clean`` for unattacked digits.
        zetas: published thresholds.
        false_positive_rates: shares of clean digits that the fitted thresholds flag.
        seed: seed of the random split into halves.
    """
    attacks = {name: pivoted(frame) for name, frame in scores.groupby("attack", sort=False)}
    clean = attacks.pop("clean")
    started = sorted(set().union(*(frame.index for frame in attacks.values())))
    apart = clean.index[clean["f1_right"] & ~clean.index.isin(started)]
    order = np.random.default_rng(seed).permutation(len(apart))
    fit, test = (clean.loc[apart[half]] for half in np.array_split(order, 2))
    original = clean.loc[started]
    counted = {name: frame[frame["counted"]] for name, frame in attacks.items()}
    attacks = {name: frame for name, frame in counted.items() if len(frame)}
    rates, curves = [], []
    for key in clean.columns.drop(FLAGS):
        squeezer, metric = key
        thresholds = [("zeta", zeta, zeta, clean) for zeta in zetas]
        thresholds += [
            ("false_positive_rate", wanted, threshold_at(fit[key].to_numpy(), wanted), test)
            for wanted in false_positive_rates
        ]
        for kind, nominal, zeta, negatives in thresholds:
            for name, frame in {"clean": negatives, "original": original, **attacks}.items():
                value = rate(frame[key].to_numpy() >= zeta)
                rates.append(
                    {
                        **{"attack": name, "squeezer": squeezer, "metric": metric},
                        **{"threshold": kind, "nominal": nominal, "zeta": zeta},
                        **{"rate": value.value, "low": value.low, "high": value.high, "n": value.n},
                        "shared": value.n / len(clean),
                    }
                )
        for name, frame in attacks.items():
            negative, positive = test[key].to_numpy(), frame[key].to_numpy()
            fpr, tpr = roc_curve(negative, positive)
            curve = {"fpr": fpr, "tpr": tpr, "auc": roc_auc(negative, positive)}
            what = {"attack": name, "squeezer": squeezer, "metric": metric}
            curves.append(pd.DataFrame(curve).assign(**what)[[*what, *curve]])
    return pd.DataFrame(rates), pd.concat(curves, ignore_index=True)


def face_detection_rows(
    scores: pd.DataFrame,
    *,
    ids: Mapping[str, str],
    labels: Mapping[str, str],
    source: str,
    zeta: float,
    false_positive_rate: float,
    seed: int,
) -> Iterator[dict[str, Any]]:
    """Yield one row per (images, squeezer, threshold), see `measurement`, with these as columns.

    The threshold is fitted on clean validation faces (`FIT`). No rate is measured on them.

    Args:
        scores: columns attack, squeezer and score.
        ids: prefix of the row ids by name of the images (a value of the column attack), in order.
        labels: description of the images by the same name.
        source: source of the faces.
        zeta: published threshold.
        false_positive_rate: share of clean validation faces that the fitted threshold flags.
    """
    for squeezer, frame in scores.groupby("squeezer", sort=False):
        size = str(squeezer).removeprefix("median_")
        shown = {name: part["score"].to_numpy() for name, part in frame.groupby("attack")}
        fitted = threshold_at(shown[FIT], false_positive_rate)
        limits = {
            "zeta": (zeta, "", f"zeta={zeta:g}"),
            "fitted": (
                fitted,
                f".fpr_{false_positive_rate:g}",
                f"{100 * false_positive_rate:g}% of clean validation faces",
            ),
        }
        for name, begin in ids.items():
            for threshold, (limit, suffix, text) in limits.items():
                value = rate(shown[name] >= limit)
                told = (seed, name, squeezer, limit, value.value, value.n)
                logger.info("seed %d, %s, %s at %.3f: %.3f of %d", *told)
                row = measurement(
                    f"{begin}.{size}{suffix}",
                    value,
                    seed=seed,
                    description=f"{source} faces, detection rate, median {size}, {text}: "
                    f"{labels[name]}",
                )
                columns = {"attack": name, "squeezer": squeezer, "threshold": threshold}
                yield row | columns | {"zeta": limit}
