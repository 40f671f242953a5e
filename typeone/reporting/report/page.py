"""The page itself: rows and images put into one HTML file that runs without a network.

A Content-Security-Policy names each script by its SHA-256, so that nothing else can run, whatever
stands in an artifact, and nothing can be fetched. Text from artifacts goes through Jinja's
escaping, numbers for the plots through JSON that the browser does not execute. plotly.js draws the
plots that one can move; figures are the stored PNG files.
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

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image
from plotly.offline import get_plotlyjs

from typeone.reporting.report.sprites import Sheets, data_uri
from typeone.reporting.report.tables import VERDICTS

SCRIPTS = ("page", "verdicts", "filmstrips", "examples", "detector", "ablations", "timings")


@dataclass(frozen=True)
class Page:
    """What a page holds.

    Attributes:
        run: what is said of the whole run, by name, in order: preset, seeds, machine, commit.
        verdicts: of `tables.verdict_rows`.
        tables: title, caption, heads and rows of each.
        figures: title, caption, address and size of each; of `figure`.
        sheets: of all images that ``data`` names.
        data: what the plots and the examples are drawn from, by the name of the script that does:
            filmstrips, examples, detector, ablations, timings.
        links: told, name and address, from where the page lies, of files beside it.
    """

    run: Mapping[str, str]
    verdicts: Sequence[Mapping[str, Any]]
    tables: Sequence[Mapping[str, Any]]
    figures: Sequence[Mapping[str, Any]]
    sheets: Sheets
    data: Mapping[str, Any]
    links: Sequence[Mapping[str, str]]


def figure(path: str | os.PathLike[str], title: str) -> dict[str, Any]:
    """A PNG file for the page, with its caption as `reporting.plotting.save_figure` wrote it."""
    with Image.open(path) as image:
        caption, (width, height) = image.info.get("Description", ""), image.size
    uri = data_uri(Path(path).read_bytes(), "png")
    name = Path(path).stem
    told = {"title": title, "caption": caption, "name": name}
    return {**told, "uri": uri, "width": width, "height": height}


def source(text: str) -> str:
    """How a Content-Security-Policy names a script of this ``text``."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def render(page: Page) -> str:
    """The page as HTML; the same page gives the same text."""
    assets = resources.files("typeone.reporting.report") / "assets"
    # nothing in a script may end it: plotly.js holds no such text, ours neither
    scripts = [get_plotlyjs(), *((assets / f"{name}.js").read_text() for name in SCRIPTS)]
    environment = Environment(
        loader=PackageLoader("typeone.reporting.report", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
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
