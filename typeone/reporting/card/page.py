"""What cards of both kinds share: files, the page, and the pictures of examples."""

from __future__ import annotations

import html
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from markupsafe import Markup

from typeone.reporting.card.parts import Contents, Measure
from typeone.reporting.report.sprites import Sheets
from typeone.reporting.templates import templates
from typeone.runtime.atomic_files import atomic_path

SHOWN = 12
"""Examples on a card."""
SMOKE = "smoke"
"""The preset whose numbers mean nothing."""


class Pictured(Protocol):
    """An example on a card: an image before and after the attack, uint8 ``(C, H, W)``."""

    @property
    def before(self) -> np.ndarray: ...

    @property
    def after(self) -> np.ndarray: ...


class Page:
    """The result of an audit; a notebook shows it as a page.

    Attributes:
        template: file in ``assets``.
        heads: heads of the measures of Type I and of Type II, in order.
        contents: the numbers.
        examples: the most convincing images of the headline attack.
    """

    template: ClassVar[str]
    heads: ClassVar[tuple[Mapping[str, str], Mapping[str, str]]]
    contents: Contents
    examples: Sequence[Pictured]

    @property
    def json(self) -> str:
        """The numbers as JSON, in the format of the schema in docs/."""
        return self.contents.model_dump_json(indent=1) + "\n"

    @property
    def html(self) -> str:
        """The page; it works offline and contains no script."""
        attacks = self.contents.attacks
        return render(
            self.template,
            [picture for e in self.examples for picture in (e.before, e.after)],
            card=self.contents,
            best=next((a for a in attacks if a.name == self.contents.headline), None),
            type1=[a for a in attacks if a.kind != "type2"],
            type2=[a for a in attacks if a.kind == "type2"],
            heads=self.heads,
            examples=self.examples,
        )

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write ``card.html`` and ``card.json`` into a folder, which is made if needed."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        for name, text in (("card.json", self.json), ("card.html", self.html)):
            with atomic_path(Path(folder) / name) as path:
                path.write_text(text, encoding="utf-8")

    def _repr_html_(self) -> str:
        page = html.escape(self.html, quote=True)
        return f'<iframe srcdoc="{page}" style="width:100%;height:44rem;border:0"></iframe>'


def share(measure: Measure) -> str:
    """Format a number with its interval."""
    return f"{measure.value:.2f} [{measure.low:.2f}, {measure.high:.2f}]"


def render(template: str, pictures: Sequence[np.ndarray], **values: Any) -> str:
    """Return the page that a template makes of ``values``, with ``pictures`` in one sheet."""
    sheets = Sheets()
    if pictures:
        sheets.add(np.stack(pictures))
    environment = templates("typeone.reporting.card")
    loader = environment.loader
    assert loader is not None
    style, _, _ = loader.get_source(environment, "card.css")
    return environment.get_template(template).render(
        **values, sheet=next(iter(sheets), None), smoke=SMOKE, share=share, style=Markup(style)
    )
