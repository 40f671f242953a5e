"""The card of a recognizer of faces: its numbers, its examples and its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from typeone.evaluation.audit.recognizers import FaceFindings
from typeone.evaluation.clean_faces import resembles_clean
from typeone.evaluation.intervals import mean_interval, rate
from typeone.reporting.card.page import SHOWN, Page
from typeone.reporting.card.parts import (
    FORMAT,
    Contents,
    Measure,
    Result,
    Source,
    described,
    headline_of,
    is_blind,
    measure_of,
)

TYPE1 = {
    **{"kept": "same person", "turned": "gender turned", "true": "true", "clear": "clear"},
    **{"clean": "clean", "noisy": "noisy", "blurred": "blurred"},
    **{"face": "still a face", "distance": "distance"},
}
TYPE2 = {"left": "another person", "same": "same gender", "distance": "distance"}
"""Measures of both types and their heads, in order."""


class FaceAttackResult(Result):
    """One attack on the recognizer."""

    name: str = described("Name in the kit.")
    label: str = described("Its description.")
    kind: str = described("svae (Type I) or type2.")
    measures: dict[str, Measure] = described(
        "Type I: kept (the same person to the network), turned (the judges see a face of the other "
        "gender, and the labelled one before), true (both), clear (true, and the judges agree and "
        "are sure), clean (clear, and neither noisy nor blurred), noisy (noisier than nearly all "
        "clean faces), blurred (less sharp than nearly all of these), face (still one to the "
        "judges), distance (of embeddings). Type II: left (another person to the network), same "
        "(and to the judges a face of the same gender), distance. Empty if the network's gradient "
        "vanishes at more than a tenth of the faces."
    )


class FaceCardContents(Contents):
    """A card of a recognizer."""

    shown = ("kept", "turned", "true", "clear", "clean")
    changed = ("left", "another person", "same gender")

    faces: str = described("Source of the kit's faces.")
    threshold: float = described("Largest distance of embeddings of one person.")
    accepted: dict[str, Measure] = described(
        "Share of plain pairs that are one person to the network: same (of one person; absent if "
        "nobody has two faces), different (two people), opposite (a woman and a man). Pairs share "
        "faces, so the intervals are too narrow."
    )
    attacks: list[FaceAttackResult]


def measures(rows: Mapping[str, np.ndarray], kind: str) -> dict[str, Measure]:
    """Return the measures of one attack; empty if it was not measured."""
    if is_blind(rows):
        return {}
    known = ~rows["lost"]
    if kind == "svae":
        true = rows["kept"] & rows["gender_changed"]
        clear = true & rows["judge_clear"]
        found = {
            "kept": rate(rows["kept"]),
            "turned": rate(rows["gender_changed"]),
            "true": rate(true),
            "clear": rate(clear),
            "clean": rate(clear & resembles_clean(rows)),
            "noisy": rate(rows["noisy"]),
            "blurred": rate(rows["blurred"]),
            "face": rate(rows["shows_class"]),
        }
    else:
        left = known & ~rows["kept"]
        same = rows["shows_class"] & (rows["judge_label"] == rows["label"])
        found = {"left": rate(left), "same": rate(left & same)}
    if known.any():
        found["distance"] = mean_interval(rows["distance"][known].astype(float))
    return {name: measure_of(value) for name, value in found.items()}


@dataclass(frozen=True)
class FaceExample:
    """A face before and after the attack, uint8 ``(3, H, W)``, and what was seen."""

    before: np.ndarray
    after: np.ndarray
    distance: float
    judges_before: str
    judges: str
    clean: bool


def most_convincing(rows: Mapping[str, np.ndarray], count: int = SHOWN) -> list[FaceExample]:
    """Return the ``count`` true successes of an attack of which the judges are surest.

    Clean successes come first, then clear ones.
    """
    true = rows["kept"] & rows["gender_changed"]
    clean = rows["judge_clear"] & resembles_clean(rows)
    order = np.lexsort([-rows["judge_confidence"], ~rows["judge_clear"], ~clean])
    genders = ("female", "male")
    return [
        FaceExample(
            before=rows["image"][i],
            after=rows["adversarial_image"][i],
            distance=float(rows["distance"][i]),
            judges_before=genders[int(rows["judge_label_before"][i])],
            judges=genders[int(rows["judge_label"][i])],
            clean=bool(clean[i]),
        )
        for i in [i for i in order if true[i]][:count]
    ]


@dataclass(frozen=True)
class FaceCard(Page):
    """The card of a recognizer.

    Attributes:
        contents: its numbers; docs/face-card.schema.json is their schema.
        examples: the most convincing faces of the headline attack.
    """

    template = "face-card.html.jinja"
    heads = TYPE1, TYPE2
    contents: FaceCardContents
    examples: Sequence[FaceExample]


def make_face_card(
    findings: FaceFindings, *, network: str, note: Mapping[str, Any], source: Mapping[str, Any]
) -> FaceCard:
    """Return the card of ``findings``.

    Args:
        network: name of the network.
        note: that of the kit.
        source: of `Source`, but ``kit``.
    """
    labels = {attack["name"]: attack["label"] for attack in note["attacks"]}
    results = [
        FaceAttackResult(
            name=name,
            label=labels[name],
            kind=findings.kinds[name],
            seconds=round(findings.seconds[name], 1),
            measures=measures(rows, findings.kinds[name]),
        )
        for name, rows in findings.examples.items()
    ]
    best = headline_of(results)
    contents = FaceCardContents(
        format=FORMAT,
        network=network,
        faces=note["source"],
        threshold=findings.threshold,
        accepted={kind: measure_of(value) for kind, value in findings.accepted.items()},
        headline=best,
        attacks=results,
        warnings=findings.warnings,
        source=Source(**source, kit=dict(note)),
    )
    return FaceCard(contents, most_convincing(findings.examples[best]) if best else [])
