"""The card of a classifier: `card.html` with pictures, `card.json` with numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from typeone.evaluation.audit.measure import Findings
from typeone.reporting.card.contents import CardContents, card_contents
from typeone.reporting.card.page import SHOWN, Page
from typeone.reporting.tables.attacks import MEASURES

TYPE1 = {{"found": "detected"}.get(name, name): head for name, head in MEASURES.items()}
TYPE1 |= {"kept": "label kept"}
TYPE2 = {"found": "label changed", "same": "same class", "detected": "detected", "distance": "L2"}
"""Measures of both types and their heads, in order."""


@dataclass(frozen=True)
class Example:
    """An attacked image on a card: what the network and the judges see before and after.

    Images are uint8 ``(C, H, W)``; confidences are in [0, 1].
    """

    before: np.ndarray
    after: np.ndarray
    judges_before: int
    network: int
    network_confidence: float
    judges: int
    judge_confidence: float
    clean: bool


def most_convincing(rows: Mapping[str, np.ndarray], count: int = SHOWN) -> list[Example]:
    """Return the ``count`` successes of an attack of which network and judges are surest.

    Clean successes come first, then clear, then true ones.
    """
    grades = [rows[f"type1_success_{k}"] for k in ("oracle", "clear", "clean")]
    grade = np.sum(grades, axis=0)
    sure = np.minimum(rows["f1_confidence_after"], rows["judge_confidence"])
    order = np.lexsort([-sure, -grade])
    return [
        Example(
            before=rows["image"][i],
            after=rows["adversarial_image"][i],
            judges_before=int(rows["judge_label_before"][i]),
            network=int(rows["f1_label_after"][i]),
            network_confidence=float(rows["f1_confidence_after"][i]),
            judges=int(rows["judge_label"][i]),
            judge_confidence=float(rows["judge_confidence"][i]),
            clean=bool(rows["type1_success_clean"][i]),
        )
        for i in order[:count]
        if grade[i]
    ]


@dataclass(frozen=True)
class Card(Page):
    """The card of a classifier.

    Attributes:
        contents: its numbers, see `CardContents`; docs/card.schema.json is their schema.
        examples: the most convincing images of the headline attack.
    """

    template = "card.html.jinja"
    heads = TYPE1, TYPE2
    contents: CardContents
    examples: Sequence[Example]


def make_card(
    findings: Findings, *, network: str, note: Mapping[str, Any], source: Mapping[str, Any]
) -> Card:
    """Return the card of ``findings``; see `card_contents`."""
    contents = card_contents(findings, network=network, note=note, source=source)
    name = contents.headline
    return Card(contents, most_convincing(findings.examples[name]) if name else [])
