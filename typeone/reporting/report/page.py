"""Render the page: rows and images in one HTML file that works offline.

A Content-Security-Policy lists each script by its SHA-256, so that no other script can run,
whatever an artifact contains, and nothing can be fetched. Text from artifacts is escaped by Jinja;
numbers for the plots are JSON that the browser does not execute. plotly.js draws the interactive
plots; figures are the stored PNG files.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from markupsafe import Markup
from PIL import Image
from plotly.offline import get_plotlyjs

from typeone.reporting.report.sprites import Sheets, data_uri
from typeone.reporting.report.tables import VERDICTS
from typeone.reporting.templates import templates

SCRIPTS = ("page", "verdicts", "filmstrips", "examples", "detector", "ablations", "timings")


@dataclass(frozen=True)
class Page:
    """Content of a page.

    Attributes:
        run: description of the run, by name, in order: preset, seeds, machine, commit.
        verdicts: of `tables.verdict_rows`.
        tables: title, caption, heads and rows of each.
        figures: title, caption, address and size of each; of `figure`.
        sheets: of all images that ``data`` refers to.
        data: data of the plots and examples, by the name of the script that draws them: filmstrips,
            examples, detector, ablations, timings, seconds (per attack).
        links: description, name and relative address of files beside the page.
    """

    run: Mapping[str, str]
    verdicts: Sequence[Mapping[str, Any]]
    tables: Sequence[Mapping[str, Any]]
    figures: Sequence[Mapping[str, Any]]
    sheets: Sheets
    data: Mapping[str, Any]
    links: Sequence[Mapping[str, str]]


def figure(path: str | os.PathLike[str], title: str) -> dict[str, Any]:
    """Return a PNG file for the page, with its caption from `reporting.plotting.save_figure`."""
    with Image.open(path) as image:
        caption, (width, height) = image.info.get("Description", ""), image.size
    uri = data_uri(Path(path).read_bytes(), "png")
    name = Path(path).stem
    told = {"title": title, "caption": caption, "name": name}
    return {**told, "uri": uri, "width": width, "height": height}


def source(text: str) -> str:
    """Return the name of a script of this ``text`` in a Content-Security-Policy."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def render(page: Page) -> str:
    """Return the page as HTML; the same page gives the same text."""
    assets = resources.files("typeone.reporting.report") / "assets"
    # no script may contain its own end tag: neither plotly.js nor ours does
    scripts = [get_plotlyjs(), *((assets / f"{name}.js").read_text() for name in SCRIPTS)]
    environment = templates("typeone.reporting.report")
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False}  # and in the given order
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
        f"form-action 'none'; script-src {' '.join(map(source, scripts))}"
    )
    return environment.get_template("page.html.jinja").render(
        page=page,
        policy=policy,
        scripts=[Markup(script) for script in scripts],
        style=Markup((assets / "page.css").read_text()),
        signs=VERDICTS,
        counts={k: sum(r["kind"] == k for r in page.verdicts) for k in VERDICTS},
        groups=sorted(
            {row["group"] for row in page.verdicts}, key=lambda g: (g.startswith("beyond"), g)
        ),
    )
