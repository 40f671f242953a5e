"""Measure the accuracy of face judges on test faces and on images without a face.

The images without a face are of kinds that are not in the training data of the judges.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from typeone.data.face_variations import HELD_OUT_NONFACES
from typeone.data.faces import FaceTable
from typeone.evaluation.clean_faces import UNLIKE, CleanFaces, resembles_clean
from typeone.evaluation.intervals import rate
from typeone.evaluation.measurements import measurement
from typeone.evaluation.panels import Panel, Verdict
from typeone.models.face_judges import NO_FACE
from typeone.runtime.devices import seeded

BATCH = 256
ALL = "panel"
"""Name of the panel of all judges."""

BLIND = "age_gender"
"""Name of the judge that cannot recognise images without a face."""

Hits = Sequence[Tensor]
"""Whether judges are right on images, bool ``(N,)`` per batch."""


class Views(NamedTuple):
    """Verdicts on faces and on images without a face: lists with one entry per batch.

    Attributes:
        verdicts: on the faces, by panel.
        no_face: whether a panel sees no face, bool ``(N,)``, by panel and kind of image.
        columns: of `CleanFaces.columns`; the gender that the panel `ALL` sees decides.
    """

    verdicts: dict[str, list[Verdict]]
    no_face: dict[tuple[str, str], list[Tensor]]
    columns: list[dict[str, np.ndarray]]


def judge_views(
    panels: Mapping[str, Panel],
    table: FaceTable,
    *,
    clear_confidence: float,
    clean: CleanFaces,
    seed: int,
) -> Views:
    """Show the faces of ``table``, and images without a face, to each panel.

    Args:
        panels: by name; one is `ALL`.
        clean: limits of clean faces.
        seed: of the images without a face.
    """
    knowing = [name for name in panels if name != BLIND]
    verdicts: dict[str, list[Verdict]] = {name: [] for name in panels}
    no_face: dict[tuple[str, str], list[Tensor]] = {
        (name, kind.__name__): [] for name in knowing for kind in HELD_OUT_NONFACES
    }
    columns = []
    generator = seeded(seed)
    for rows in torch.arange(len(table)).split(BATCH):
        images = table.faces(rows)
        for name, panel in panels.items():
            verdicts[name].append(panel.verdict(images, clear_confidence=clear_confidence))
        columns.append(clean.columns(images, verdicts[ALL][-1].label))
        for kind in HELD_OUT_NONFACES:
            spoilt = kind(images, generator)
            for name in knowing:
                verdict = panels[name].verdict(spoilt, clear_confidence=clear_confidence)
                no_face[name, kind.__name__].append(~verdict.shows_class)
    return Views(verdicts, no_face, columns)


def judged_rates(views: Views, labels: Hits) -> Iterator[tuple[str, str, Hits, str]]:
    """Yield each measured rate as (panel, name, hits, description).

    ``labels``: genders of the faces, ``(N,)`` per batch.
    """
    for name, verdicts in views.verdicts.items():
        right = [v.label == y for v, y in zip(verdicts, labels, strict=True)]
        yield name, "gender_accuracy", right, "test faces with correctly classified gender"
        if name == BLIND:
            continue
        yield name, "face_rate", [v.shows_class for v in verdicts], "test faces classified as faces"
        for kind in HELD_OUT_NONFACES:
            hits = views.no_face[name, kind.__name__]
            text = f"faces {kind.__name__.replace('_', ' ')} not classified as faces"
            yield name, f"no_face_rate.{kind.__name__}", hits, text
    every = views.verdicts[ALL]
    yield ALL, "clear_rate", [v.clear for v in every], "test faces that are clear"
    both = [v.clear & (v.label == y) for v, y in zip(every, labels, strict=True)]
    yield ALL, "clear_and_right_rate", both, "test faces that are clear and correctly classified"
    for name, text in UNLIKE.items():
        flags = [torch.from_numpy(columns[name]) for columns in views.columns]
        yield ALL, f"{name}_rate", flags, f"test faces {text}"
    alike = [torch.from_numpy(resembles_clean(columns)) for columns in views.columns]
    clean = [v.clear & like for v, like in zip(every, alike, strict=True)]
    yield ALL, "clean_rate", clean, "test faces that are clear, not noisy and not blurred"


@torch.no_grad()
def judge_measurements(
    judges: Mapping[str, nn.Module],
    table: FaceTable,
    *,
    clear_confidence: float,
    clean: CleanFaces,
    prefix: str,
    seed: int,
) -> list[dict[str, Any]]:
    """Return rows on each judge and on the panel of all; their ids start with ``prefix``.

    ``table``: test faces. ``clean``: limits that tell whether they resemble clean ones. ``seed``:
    seed of the images without a face.
    """
    members = {name: [judge] for name, judge in judges.items()} | {ALL: list(judges.values())}
    panels = {name: Panel(some, classes=NO_FACE, batch=BATCH) for name, some in members.items()}
    views = judge_views(panels, table, clear_confidence=clear_confidence, clean=clean, seed=seed)
    labels = torch.from_numpy(np.asarray(table.labels)).split(BATCH)
    source = f"{table.metadata['source']} faces"
    called = {name: f"judge {name}" for name in judges} | {ALL: "panel of judges"}
    return [
        measurement(
            f"{prefix}.{name}.{what}",
            rate(torch.cat(list(hits)).numpy()),
            seed=seed,
            description=f"{called[name]}, {source}: {text}",
        )
        for name, what, hits, text in judged_rates(views, labels)
    ]
