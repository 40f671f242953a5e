"""What cards of both kinds share: files, the page, and the pictures of examples."""

from __future__ import annotations

import html
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pydantic import BaseModel

from typeone.reporting.card.parts import Measure
from typeone.reporting.report.sprites import Sheets
from typeone.runtime.atomic_files import atomic_path

SHOWN = 12
"""Examples on a card."""
SMOKE = "smoke"
"""The preset whose numbers mean nothing."""


class Page(ABC):
    """The result of an audit; a notebook shows it as a page."""

    contents: BaseModel

    @property
    def json(self) -> str:
        """The numbers as JSON, in the format of the schema in docs/."""
        return self.contents.model_dump_json(indent=1) + "\n"

    @property
    @abstractmethod
    def html(self) -> str:
        """The page; it works offline and contains no script."""

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
    return environment.get_template(template).render(
        **values, sheet=next(iter(sheets), None), smoke=SMOKE, share=share, style=Markup(style)
    )
