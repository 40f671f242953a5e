"""Filmstrips of attacks: images from the original to the attacked one (Fig. 7)."""

from __future__ import annotations

from typing import Any

import numpy as np

from typeone.reporting.plotting import moments
from typeone.reporting.report.examples import GENDERS, plain
from typeone.reporting.report.sprites import Sheets
from typeone.runtime.artifacts import Records


def filmstrips(
    examples: Records, trace: Records, sheets: Sheets, *, frames: int
) -> list[dict[str, Any]]:
    """Return one strip per traced example, in order of label, with at most ``frames`` moments.

    A strip begins with the original. Images of the trace follow (the first is already a
    reconstruction) at equal distances along their path. The last image is the attacked one as
    stored, if the trace does not end with it. ``steps`` is None for the original and for such an
    end. ``values`` are f1's confidence in the original label or, for faces, the distance of f1's
    embeddings.
    """
    measure = "f1_confidence" if "f1_confidence" in trace.columns else "distance"
    place = {int(p): i for i, p in enumerate(examples["position"])}
    strips = []
    for position in sorted(
        set(trace["position"].tolist()), key=lambda p: _order(examples, place[p])
    ):
        row = place[position]
        walked = np.flatnonzero(trace["position"] == position)
        walked = walked[np.argsort(trace["step"][walked], kind="stable")]
        chosen = walked[moments(trace["image"][walked], frames)]
        first = examples["image"][row]
        last = examples["adversarial_image"][row]
        ends = [] if np.array_equal(trace["image"][chosen[-1]], last) else [last]
        images = np.stack([first, *trace["image"][chosen], *ends])
        steps = [None, *plain(trace["step"][chosen]), *[None] * len(ends)]
        before, after = _ends(examples, row, measure)
        values = [before, *plain(trace[measure][chosen]), *[after] * len(ends)]
        strips.append(
            {
                "title": _title(examples, row),
                "steps": steps,
                "values": values,
                "sheet": sheets.add(images),
            }
        )
    return strips


def _order(examples: Records, row: int) -> tuple[int, int]:
    return int(examples["label"][row]), row


def _ends(examples: Records, row: int, measure: str) -> tuple[float, float]:
    """Return the measure of the original and of the stored end."""
    if measure == "distance":
        return 0.0, round(float(examples["distance"][row]), 4)
    before, after = (examples[f"f1_confidence_{when}"][row] for when in ("before", "after"))
    return round(float(before), 4), round(float(after), 4)


def _title(examples: Records, row: int) -> str:
    """Return a title: label of the original, target, and label by the judges at the end."""
    label = int(examples["label"][row])
    doubt = "" if examples["judge_clear"][row] else "?"
    if "distance" not in examples.columns:  # f1 is a classifier, not a recognizer
        wanted = f" → {examples['target_label'][row]}"
        return f"{label}{wanted}, oracle {examples['judge_label'][row]}{doubt}"
    return f"{GENDERS[label]}, judges {GENDERS[examples['judge_label'][row]]}{doubt}"
