"""Rows of the verdict table: published number, measured number, and whether they agree.

A row is a dictionary with the keys `COLUMNS`. Two proportions agree if Newcombe's 95 % interval of
their difference contains 0, where the published one is also a sample; two means agree if the normal
interval does. The verdict does not rank the two. Measured rows without a published number have no
verdict.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from typeone.evaluation.intervals import (
    Rate,
    mean_interval,
    means_agree,
    pool_seeds,
    proportions_agree,
    rate,
    rate_of,
)
from typeone.evaluation.measurements import Measurement

COLUMNS = (
    *("id", "paper_item", "description", "published", "ours", "ci_low", "ci_high", "n", "seeds"),
    *("seed_sd", "people", "people_low", "people_high", "people_n"),
    *("unit", "verdict", "note", "artifact"),
)

PUBLISHED_BY_PEOPLE = ("faces.success_rate",)
"""Ids of numbers that the paper measured with people (IV-B); answers of people here decide them."""

SAME_PERSON = 1.242
"""Distance of FaceNet's embeddings below which the paper takes two faces for one person (IV-B)."""


def by_seed(examples: pd.DataFrame, flags: pd.Series) -> Rate:
    """Return the share of ``flags``, aligned with ``examples``, pooled over the examples' seeds."""
    rates = [rate(group.to_numpy()) for _, group in flags.groupby(examples["seed"])]
    return pool_seeds(rates, shared=shared_by_seeds(examples))


def mean_by_seed(examples: pd.DataFrame, column: str, *, bounded: bool = True) -> Rate:
    """Return the mean of ``column`` of examples, pooled over their seeds."""
    means = [mean_interval(group.to_numpy()) for _, group in examples.groupby("seed")[column]]
    return pool_seeds(means, shared=shared_by_seeds(examples), bounded=bounded)


def shared_by_seeds(examples: pd.DataFrame) -> float:
    """Return the share of the examples of a seed that another seed has too, on average.

    ``examples``: columns seed and, with several seeds, index (of the test image), each at most once
    in a seed.
    """
    others = examples["seed"].nunique() - 1
    if not others:
        return 1.0
    having = examples["index"].value_counts()
    return float((having * (having - 1)).sum() / (others * having.sum()))


def rates_by_seed(rates: pd.DataFrame) -> Rate:
    """Pool detection rates of one attack, metric and threshold, one row per seed.

    ``rates``: columns rate, n and, for `pool_seeds`, shared.
    """
    each = [rate_of(r.rate * r.n, r.n) for r in rates.itertuples()]
    return pool_seeds(each, shared=float(rates["shared"].mean()))


def errors_by_seed(checkpoints: Sequence[Mapping[str, Any]]) -> Rate:
    """Pool the test errors in the metadata of checkpoints of several seeds.

    All are measured on the same test images.
    """
    return pool_seeds([rate_of(c["test_error"] * c["test_n"], c["test_n"]) for c in checkpoints])


def measured(identity: str, value: Rate, **rest: Any) -> dict[str, Any]:
    """Return a row about a measured number; ``rest`` overrides further columns."""
    row = dict.fromkeys(COLUMNS, "") | {
        **{"id": identity, "published": math.nan, "unit": "fraction"},
        **{"ours": value.value, "ci_low": value.low, "ci_high": value.high, "n": value.n},
        "seed_sd": value.seed_sd,
        **dict.fromkeys(("people", "people_low", "people_high", "people_n"), math.nan),
    }
    return row | rest


def beside_people(
    row: Mapping[str, Any], people: Rate, published: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return ``row`` with the value by ``people`` beside the networks' value.

    ``published``: the entry of the row, if it has one. For `PUBLISHED_BY_PEOPLE` the verdict is by
    people, and the note records that.
    """
    told = {"people": people.value, "people_low": people.low, "people_high": people.high}
    row = {**row, **told, "people_n": people.n}
    if published is None or row["id"] not in PUBLISHED_BY_PEOPLE or not people.n:
        return row
    agree = proportions_agree(people, float(published["published"]), int(published["n"]))
    note = "; ".join(part for part in ("verdict by people", row["note"]) if part)
    return row | {"verdict": "reproduced" if agree else "not reproduced", "note": note}


def against(published: Mapping[str, Any], value: Rate, **rest: Any) -> dict[str, Any]:
    """Return a row that compares ``value`` with a ``published`` proportion or mean of its ``n``.

    ASSUME: where the paper does not state n, it is that of its set or of a related table (10,000
    test digits, 19,962 test faces of CelebA, 6,000 pairs of LFW, 500 digits for IV-D, half of 1,000
    faces for Table III).
    """
    verdict = rest.get("verdict")
    if verdict is None:
        agrees = proportions_agree if published["unit"] == "fraction" else means_agree
        agree = agrees(value, float(published["published"]), int(published["n"]))
        verdict = "reproduced" if agree else "not reproduced"
    row = measured(published["id"], value, verdict=verdict)
    kept = {k: published[k] for k in ("paper_item", "description", "published", "unit", "note")}
    return row | kept | rest


def from_measurement(found: Measurement, published: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a row about a measured value, with a verdict if there is a ``published`` entry.

    A published bound (direction ``below``) is reproduced by a mean below it, a published distance
    (``below_threshold``) by one below `SAME_PERSON`. A measurement with n = 0 was not run; its note
    contains the reason.
    """
    if published is None:
        row = measured(found.id, found.value, description=found.description, unit=found.unit)
        return row | {"note": found.note, "seeds": found.seeds}
    if not found.value.n:
        return not_run(published, found.note)
    bounds = {"below": float(published["published"]), "below_threshold": SAME_PERSON}
    rest: dict[str, Any] = {"seeds": found.seeds}
    if (bound := bounds.get(published["direction"])) is not None:
        rest["verdict"] = "reproduced" if found.value.value < bound else "not reproduced"
    row = against(published, found.value, **rest)
    return row | {"note": found.note or row["note"]}


def test_error(
    published: Mapping[str, Any], checkpoints: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Compare a published test error with that of checkpoints of several seeds."""
    value = errors_by_seed(checkpoints)
    return against(published, value, seeds=len(checkpoints))


def figure6(published: Mapping[str, Any], examples: pd.DataFrame) -> dict[str, Any]:
    """Compare the published confidence of one 4 → 5 image with all of ours that f1 still labels 4.

    The interval contains 95 % of ours, of all seeds together. The published value is one draw and
    not a mean, so it agrees if it is inside.
    """
    chosen = examples[(examples["label"] == 4) & (examples["f1_label_after"] == 4)]
    values = chosen["f1_confidence_after"].to_numpy()
    if not len(values):
        return not_run(published, "f1 keeps the label of no attacked 4")
    low, middle, high = np.percentile(values, [2.5, 50, 97.5])
    inside = low <= published["published"] <= high
    return against(
        published,
        Rate(float(middle), float(low), float(high), len(values)),
        verdict="reproduced" if inside else "not reproduced",
        note="ours: median, and where 95 % of the 4 → 5 examples lie that f1 still calls 4",
        seeds=examples["seed"].nunique(),
    )


def table1(
    published: Sequence[Mapping[str, Any]],
    rates: pd.DataFrame,
    *,
    ours: Mapping[str, str],
    boundary: Collection[str],
) -> list[dict[str, Any]]:
    """Return rows of Table I: the joint detector with L2, as stated; the note contains L1.

    ``published``: the entries. ``rates``: of one classifier, one row per (attack, metric, zeta,
    seed). ``ours``: name in ``rates`` of an attack of the ids, where it differs. ``boundary``:
    attacks that stop at f1's decision boundary.

    "inconsistent as stated" marks rates that the Euclidean distance can hardly give. An example at
    the boundary between two classes that share all of the softmax moves by at most sqrt(1/2) when
    squeezing returns it to one of them, so a threshold above that detects almost none.
    """
    rows = []
    for entry in published:
        _, attack, zeta = entry["id"].split(".", 2)
        name = ours.get(attack, attack)
        chosen = rates[
            (rates["attack"] == name)
            & (rates["threshold"] == "zeta")
            & np.isclose(rates["nominal"], float(zeta))
        ]
        if chosen.empty:
            rows.append(not_run(entry, f"`{name}` at {zeta} is not in the configuration"))
            continue
        by_metric = {metric: rates_by_seed(group) for metric, group in chosen.groupby("metric")}
        other = by_metric["l1"]
        row = against(
            entry,
            by_metric["l2"],
            seeds=chosen["seed"].nunique(),
            note=f"with L1: {other.value:.3f} [{other.low:.3f}, {other.high:.3f}], "
            + ("agrees" if proportions_agree(other, entry["published"], entry["n"]) else "differs"),
        )
        bounded = name in boundary and float(zeta) > math.sqrt(0.5)
        below = row["ours"] < entry["published"]
        if row["verdict"] == "not reproduced" and bounded and below:
            row["verdict"] = "inconsistent as stated"
            row["note"] += "; L2 from f1's boundary hardly exceeds sqrt(1/2)"
        rows.append(row)
    return rows


def not_run(published: Mapping[str, Any], why: str) -> dict[str, Any]:
    """Return a row about a published number that was not measured."""
    blank = Rate(math.nan, math.nan, math.nan, 0)
    return against(published, blank, verdict=f"not run: {why}")
