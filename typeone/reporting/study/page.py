"""The sheet: one offline page whose source does not reveal where an image comes from."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np
from jinja2 import Environment, StrictUndefined
from PIL import Image

from typeone.evaluation.people.annotations import LABELS
from typeone.evaluation.people.sample import Item


@dataclass(frozen=True)
class Sheet:
    """Content of a sheet.

    Attributes:
        items: in any order; the page contains them in the order of their numbers.
        repeats: by question, number of items that are shown to each person twice.
        seed: of the numbers and, with a person's name, of the order.
    """

    items: Sequence[Item]
    repeats: Mapping[str, int]
    seed: int

    @property
    def digest(self) -> str:
        """Identifier of this sheet, for the answers that a browser stores."""
        told = sorted(item.number(self.seed) + item.digest for item in self.items)
        return hashlib.sha256("".join(told).encode()).hexdigest()[:10]


def _address(picture: np.ndarray) -> str:
    """Return a uint8 picture ``(C, H, W)`` as PNG in a data address."""
    pixels = picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def render_sheet(sheet: Sheet) -> str:
    """Return the page as text, with numbered pictures and no further data about them.

    At most a third of a question's items are repeated, so that other items come between.
    """
    items = [
        {
            "id": item.number(sheet.seed),
            "question": item.question,
            "digest": item.digest,
            "pictures": [_address(picture) for picture in item.pictures],
        }
        for item in sorted(sheet.items, key=lambda item: item.number(sheet.seed))
    ]
    asked = [q for q in LABELS if any(item.question == q for item in sheet.items)]
    counts = {q: sum(item.question == q for item in sheet.items) for q in asked}
    told = {
        "sheet": sheet.digest,
        "seed": sheet.seed,
        "repeats": {q: min(sheet.repeats[q], counts[q] // 3) for q in asked},
        "items": items,
    }
    page = Environment(undefined=StrictUndefined, autoescape=True, trim_blocks=True)
    assets = resources.files("typeone.reporting.study") / "assets"
    source, style, behaviour = (
        (assets / f"sheet.{kind}").read_text() for kind in ("html", "css", "js")
    )
    template = page.from_string(source)
    return template.render(told=told, style=style, behaviour=behaviour)
