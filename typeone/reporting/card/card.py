"""Make a card and write it: `card.html` with pictures, `card.json` with numbers."""

from __future__ import annotations

import html
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from typeone.evaluation.audit.measure import Findings
from typeone.reporting.card.contents import CardContents, Measure, card_contents
from typeone.reporting.report.sprites import Sheets
from typeone.reporting.tables.attacks import MEASURES
from typeone.runtime.atomic_files import atomic_path

SHOWN = 12
"""Examples on a card."""

SMOKE = "smoke"
"""The preset whose numbers mean nothing."""
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
class Card:
    """The result of an audit; a notebook shows it as a page.

    Attributes:
        contents: its numbers, see `CardContents`.
        examples: the most convincing images of the headline attack.
    """

    contents: CardContents
    examples: Sequence[Example]

    @property
    def json(self) -> str:
        """The numbers as JSON, in the format of docs/card.schema.json."""
        return self.contents.model_dump_json(indent=1) + "\n"

    @property
    def html(self) -> str:
        """The page; it works offline and contains no script."""
        return render(self)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write ``card.html`` and ``card.json`` into a folder, which is made if needed."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        for name, text in (("card.json", self.json), ("card.html", self.html)):
            with atomic_path(Path(folder) / name) as path:
                path.write_text(text, encoding="utf-8")

    def _repr_html_(self) -> str:
        page = html.escape(self.html, quote=True)
        return f'<iframe srcdoc="{page}" style="width:100%;height:44rem;border:0"></iframe>'


def make_card(
    findings: Findings, *, network: str, note: Mapping[str, Any], source: Mapping[str, Any]
) -> Card:
    """Return the card of ``findings``; see `card_contents`."""
    contents = card_contents(findings, network=network, note=note, source=source)
    name = contents.headline
    return Card(contents, most_convincing(findings.examples[name]) if name else [])


def share(measure: Measure) -> str:
    """Format a number with its interval."""
    return f"{measure.value:.2f} [{measure.low:.2f}, {measure.high:.2f}]"


def render(card: Card) -> str:
    """Return the page of a card."""
    sheets = Sheets()
    pictures = [picture for e in card.examples for picture in (e.before, e.after)]
    if pictures:
        sheets.add(np.stack(pictures))
    environment = Environment(
        loader=PackageLoader("typeone.reporting.card", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    loader = environment.loader
    assert loader is not None
    style, _, _ = loader.get_source(environment, "card.css")
    contents = card.contents
    return environment.get_template("card.html.jinja").render(
        card=contents,
        best=next((a for a in contents.attacks if a.name == contents.headline), None),
        type1=[a for a in contents.attacks if a.kind != "type2"],
        type2=[a for a in contents.attacks if a.kind == "type2"],
        heads1=TYPE1,
        heads2=TYPE2,
        examples=card.examples,
        sheet=next(iter(sheets), None),
        smoke=SMOKE,
        share=share,
        style=Markup(style),
    )
