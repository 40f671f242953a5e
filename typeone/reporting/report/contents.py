"""Contents of the report: one entry per attack, walk, detector and table of a run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from typeone.reporting.report import examples
from typeone.reporting.report.detection import detector
from typeone.reporting.report.filmstrips import filmstrips
from typeone.reporting.report.sprites import Sheets
from typeone.reporting.report.tables import cells
from typeone.runtime.artifacts import Records

MEASURES = {"digits": "f1's confidence in the old label", "faces": "distance of f1's embeddings"}


def shown_examples(
    runs: Iterable[tuple[str, str, str, Records]], sheets: Sheets, count: int, threshold: float
) -> list[dict[str, Any]]:
    """Return the explorer's entries of ``runs``: kind, name, description, examples of each."""
    found = []
    for kind, name, told, rows in runs:
        if kind == "faces":
            run = examples.faces(rows, sheets, count=count, threshold=threshold)
        else:
            run = examples.digits(rows, sheets, count=count)
        found.append({"name": name, "told": told, **run})
    return found


def shown_filmstrips(
    walks: Iterable[tuple[str, str, Records, Records]],
    sheets: Sheets,
    frames: int,
    threshold: float,
) -> list[dict[str, Any]]:
    """Return the filmstrips of ``walks``: kind, name, examples, trace of each."""
    return [
        {
            "name": name,
            "measure": MEASURES[kind],
            "threshold": threshold if kind == "faces" else None,
            "strips": filmstrips(rows, trace, sheets, frames=frames),
        }
        for kind, name, rows, trace in walks
    ]


def shown_detectors(
    detectors: Iterable[tuple[str, str, str, Mapping[str, str], Sequence[float], pd.DataFrame]],
    labels: Mapping[str, Mapping[str, str]],
) -> list[dict[str, Any]]:
    """Return the numbers of images that ``detectors`` reject.

    Args:
        detectors: kind, name, description, columns that select its scores, published thresholds,
            scores.
        labels: of attacks, by kind.
    """
    found = []
    for kind, name, told, chosen, zetas, frame in detectors:
        for column, value in chosen.items():
            frame = frame[frame[column] == value]
        frame = frame[frame["attack"] != "validation"]  # of faces; a threshold is fitted on them
        known = {"name": name, "told": told, "labels": labels[kind]}
        found.append(known | detector(frame, named=zetas))
    return found


def shown_tables(tables: Iterable[tuple[str, str, pd.DataFrame]]) -> list[dict[str, Any]]:
    """Return the cells of ``tables``: title, caption, rows of each."""
    found = []
    for title, caption, frame in tables:
        heads, rows = cells(frame)
        found.append({"title": title, "caption": caption, "heads": heads, "rows": rows})
    return found


def shown_links(
    links: Iterable[tuple[str, str, str]], folder: str | os.PathLike[str]
) -> list[dict[str, str]]:
    """Return links from a page in ``folder`` to files: description, name, path of each."""
    return [
        {"told": told, "name": name, "address": os.path.relpath(path, folder)}
        for told, name, path in links
    ]


def described(machine: Mapping[str, Any]) -> dict[str, str]:
    """Describe the ``machine`` and its system in words."""
    gpu = "" if machine["gpu"] == "none" else f", {machine['gpu']}"
    return {
        "machine": f"{machine['processor']}, {machine['cores']} cores{gpu}",
        "system": f"{machine['system']}; Python {machine['python']}, torch {machine['torch']}",
    }
