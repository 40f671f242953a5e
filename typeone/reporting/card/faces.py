"""The card of a recognizer of faces: its numbers, its examples and its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from typeone.evaluation.audit.recognizers import FaceFindings
from typeone.evaluation.intervals import mean_interval, rate
from typeone.reporting.card.page import SHOWN, Page, render
from typeone.reporting.card.parts import (
    FORMAT,
    Measure,
    Part,
    Source,
    described,
    is_blind,
    measure_of,
    plain_head,
    plain_line,
)

TYPE1 = {
    **{"kept": "same person", "turned": "gender turned", "true": "true", "clear": "clear"},
    **{"face": "still a face", "distance": "distance"},
}
TYPE2 = {"left": "another person", "same": "same gender", "distance": "distance"}
"""Measures of both types and their heads, in order."""
PAIRS = {"same": "one person", "different": "two people", "opposite": "a woman and a man"}
"""Kinds of plain pairs, and what they show."""


class FaceAttackResult(Part):
    """One attack on the recognizer."""

    name: str = described("Name in the kit.")
    label: str = described("Its description.")
    kind: str = described("svae (Type I) or type2.")
    seconds: float = described("Wall time of the attack.")
    measures: dict[str, Measure] = described(
        "Type I: kept (the same person to the network), turned (the judges see a face of the other "
        "gender, and the labelled one before), true (both), clear (true, and the judges agree and "
        "are sure), face, distance (of embeddings). Type II: left (another person to the network), "
        "same (and to the judges a face of the same gender), distance. Empty if the network's "
        "gradient vanishes at more than a tenth of the faces."
    )


class FaceCardContents(Part):
    """A card of a recognizer."""

    format: int = described(f"Format of this file, {FORMAT}.")
    network: str = described("Name of the network.")
    faces: str = described("Source of the kit's faces.")
    threshold: float = described("Largest distance of embeddings of one person.")
    accepted: dict[str, Measure] = described(
        "Share of plain pairs that are one person to the network: same (of one person; absent if "
        "nobody has two faces), different (two people), opposite (a woman and a man). Pairs share "
        "faces, so the intervals are too narrow."
    )
    headline: str | None = described(
        "The first attack of kind svae in the kit; null if it was not measured."
    )
    attacks: list[FaceAttackResult]
    warnings: list[str]
    source: Source

    def lines(self) -> list[str]:
        """Return the lines that a terminal shows."""
        shown = ("kept", "turned", "true", "clear")
        changed = ("left", "another person", "same gender")
        results = [plain_line(attack, shown, changed) for attack in self.attacks]
        return ["", plain_head(shown), *results, *(f"warning: {text}" for text in self.warnings)]


def measures(rows: Mapping[str, np.ndarray], kind: str) -> dict[str, Measure]:
    """Return the measures of one attack; empty if it was not measured."""
    if is_blind(rows):
        return {}
    known = ~rows["lost"]
    if kind == "svae":
        true = rows["kept"] & rows["gender_changed"]
        found = {
            "kept": rate(rows["kept"]),
            "turned": rate(rows["gender_changed"]),
            "true": rate(true),
            "clear": rate(true & rows["judge_clear"]),
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
    clear: bool


def most_convincing(rows: Mapping[str, np.ndarray], count: int = SHOWN) -> list[FaceExample]:
    """Return the ``count`` true successes of an attack of which the judges are surest."""
    true = rows["kept"] & rows["gender_changed"]
    order = np.lexsort([-rows["judge_confidence"], ~rows["judge_clear"]])
    genders = ("female", "male")
    return [
        FaceExample(
            before=rows["image"][i],
            after=rows["adversarial_image"][i],
            distance=float(rows["distance"][i]),
            judges_before=genders[int(rows["judge_label_before"][i])],
            judges=genders[int(rows["judge_label"][i])],
            clear=bool(rows["judge_clear"][i]),
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

    contents: FaceCardContents
    examples: Sequence[FaceExample]

    @property
    def html(self) -> str:
        contents = self.contents
        return render(
            "face-card.html.jinja",
            [picture for e in self.examples for picture in (e.before, e.after)],
            card=contents,
            best=next((a for a in contents.attacks if a.name == contents.headline), None),
            type1=[a for a in contents.attacks if a.kind != "type2"],
            type2=[a for a in contents.attacks if a.kind == "type2"],
            heads1=TYPE1,
            heads2=TYPE2,
            pairs=PAIRS,
            examples=self.examples,
        )


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
    first = next((result for result in results if result.kind == "svae"), None)
    best = first.name if first and first.measures else None
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
