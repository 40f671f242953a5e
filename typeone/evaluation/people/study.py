"""Measure a study with people: success of attacks, agreement, careless answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from typeone.evaluation.intervals import Rate, rate
from typeone.evaluation.measurements import measurement
from typeone.evaluation.people.agreement import annotator_figures, kappa_interval
from typeone.evaluation.people.annotations import FACES, SAME
from typeone.evaluation.people.sample import RECONSTRUCTION, Run
from typeone.evaluation.people.success import (
    COLUMNS,
    FAILURE,
    LEFT_OUT,
    digit_measures,
    face_measures,
    people_rates,
)
from typeone.runtime.logs import logger

TEXTS = {
    "true_success": "f1 keeps its label, most people see something else",
    "targeted_success": "f1 keeps the label, most people see the target",
    "gender_changed": "most people see a face of the other gender",
    "still_a_face": "most people see a face",
    "same_person": "most people see the person of the original beside it",
    "label_seen": "most people see the label",
}
ALONE = ("same_person", "label_seen")
"""Measures that people give and no network."""

Examples = Mapping[str, Mapping[tuple[str, str], pd.DataFrame]]
"""Judged examples by question and by (attack, target).

Columns: image (its name), label, target_label; f1_label_after for digits, distance for faces.
"""


class Study(NamedTuple):
    """Results of a study.

    Attributes:
        people: one row per measure of an attack on a target, columns `COLUMNS`.
        annotators: one row per person, see `annotator_figures`.
        rows: of the verdict table, see `measurement`.
    """

    people: pd.DataFrame
    annotators: pd.DataFrame
    rows: list[dict[str, Any]]


def named_examples(
    examples: Iterable[tuple[Run, pd.DataFrame]],
) -> dict[tuple[str, str], pd.DataFrame]:
    """Return judged examples with the name of each image, by (attack, target), seeds together."""
    tables: dict[tuple[str, str], list[pd.DataFrame]] = {}
    for run, rows in examples:
        names = [run.name(position) for position in rows["position"]]
        tables.setdefault((run.attack, run.target), []).append(rows.assign(image=names))
    return {key: pd.concat(parts, ignore_index=True) for key, parts in tables.items()}


def counted_labels(
    question: str, attack: str, rows: pd.DataFrame, *, same_person: float
) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Return the labels that count, by measure and image; ``same_person``: see `face_measures`."""
    if question == "person":
        return {"same_person": dict.fromkeys(rows["image"], (SAME,))}
    names = FACES if question == "face" else [str(digit) for digit in range(10)]
    if attack == RECONSTRUCTION:
        shown = zip(rows["image"], rows["label"], strict=True)
        return {"label_seen": {image: (names[label],) for image, label in shown}}
    if question == "face":
        return face_measures(rows, FACES[:2], same_person)
    return digit_measures(rows)


def success_rows(
    answers: pd.DataFrame,
    examples: Examples,
    *,
    sources: Mapping[str, str],
    published: str,
    same_person: float,
    draws: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return one row per measure of an attack on a target, for both treatments of unclear images.

    Args:
        answers: of people, see `typeone.evaluation.people.annotations`.
        sources: name of the images in ids, by question.
        published: id of the published success rate of faces, used for the attack ``paper``.
        same_person: distance up to which f1 takes two faces for one person.
        draws: number of bootstrap resamples.
    """
    collected = []
    for question, by_attack in examples.items():
        given = answers[(answers["question"] == question) & (answers["showing"] == 1)]
        for (attack, target), rows in by_attack.items():
            own = given[given["image"].isin(rows["image"])]
            if own.empty:
                continue
            seen = rows[rows["image"].isin(own["image"])]
            wanted = counted_labels(question, attack, seen, same_person=same_person)
            rates = people_rates(own, wanted, draws=draws, rng=rng)
            people = own["annotator"].nunique()
            for measure, by_unclear in rates.items():
                ids = [f"beyond.{sources[question]}.{attack}.{target}.{measure}"]
                if (question, attack, measure) == ("face", "paper", "true_success"):
                    ids.append(published)
                for unclear, value in by_unclear.items():
                    text = f"{attack} on {target}: {TEXTS[measure]}, unclear is {unclear}"
                    logger.info("%s: %.3f of %d", text, value.value, value.n)
                    for identity in ids:
                        collected.append(
                            {"id": identity, "description": text, "unclear": unclear}
                            | {"value": value.value, "low": value.low, "high": value.high}
                            | {"n": value.n, "annotators": people}
                        )
    return pd.DataFrame(collected, columns=list(COLUMNS)).astype(COLUMNS)


def agreement_rows(
    answers: pd.DataFrame, annotators: pd.DataFrame, *, draws: int, rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """Yield rows of the verdict table about the people themselves.

    ``annotators``: see `annotator_figures`. ``draws``: number of bootstrap resamples.
    """
    for question, own in answers[answers["showing"] == 1].groupby("question", sort=False):
        kappa = kappa_interval(own, draws=draws, rng=rng)
        if kappa.n:
            people = own["annotator"].nunique()
            yield measurement(
                f"beyond.people.{question}.kappa",
                kappa,
                seed=0,
                description=f"Fleiss' kappa of {people} people, question {question}",
                unit="kappa",
            )
    texts = {
        "agreement": "answers that agree with most other people",
        "consistency": "repeated images with the same label",
        "accuracy": "clean images labelled correctly",
    }
    for name, text in texts.items():
        n = int(annotators[f"{name}_n"].sum())
        if n:
            right = round(float((annotators[name].fillna(0) * annotators[f"{name}_n"]).sum()))
            value = rate(np.arange(n) < right)
            yield measurement(f"beyond.people.{name}", value, seed=0, description=text)
    yield measurement(
        "beyond.people.careless",
        rate((annotators["careless"] != "").to_numpy()),
        seed=0,
        description="careless people; none is left out",
    )


def further_rows(people: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield rows of the verdict table that have no value of a network beside them.

    They are of images that most people can read, and of measures that no network gives. ``people``:
    see `success_rows`.
    """
    alone = people["id"].str.endswith(ALONE) & (people["unclear"] == FAILURE)
    for row in people[alone | (people["unclear"] == LEFT_OUT)].itertuples():
        if row.n and row.id.startswith("beyond."):
            value = Rate(row.value, row.low, row.high, row.n)
            identity = row.id.replace("beyond.", "beyond.people.", 1)
            end = ".of_clear" if row.unclear == LEFT_OUT else ""
            yield measurement(identity + end, value, seed=0, description=row.description)


def measure_study(
    answers: pd.DataFrame,
    truths: pd.Series,
    examples: Examples,
    *,
    careless: dict[str, float],
    draws: int,
    seed: int,
    **how: Any,
) -> Study:
    """Measure the ``answers`` of people; there may be none.

    Args:
        truths: labels that a careful person gives, by (question, image).
        careless: limits, see `annotator_figures`.
        draws, seed: number and seed of the bootstrap resamples.
        how: sources, published and same_person of `success_rows`.
    """
    if answers.empty:
        nobody = pd.DataFrame(columns=list(COLUMNS)).astype(COLUMNS)
        return Study(nobody, pd.DataFrame(columns=["annotator"]), [])
    rng = np.random.default_rng(seed)
    annotators = annotator_figures(answers, truths, limits=careless)
    for row in annotators[annotators["careless"] != ""].itertuples():
        logger.warning("%s may have been careless: %s", row.annotator, row.careless)
    people = success_rows(answers, examples, draws=draws, rng=rng, **how)
    rows = [*agreement_rows(answers, annotators, draws=draws, rng=rng), *further_rows(people)]
    return Study(people, annotators, rows)
