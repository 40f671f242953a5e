"""Fig. 5a, 5b and 7a: one filmstrip per example, from the original to the SVAE's last image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from typeone.data.shapes import FEMALE, MALE
from typeone.reporting.plotting import filmstrips, moments
from typeone.runtime.artifacts import Records

GENDERS = {FEMALE: "female", MALE: "male"}


def figure5a(trace: Records, *, columns: int, caption: str) -> Figure:
    """Draw the image transition of digits without f1: one filmstrip per class (III-B)."""
    first = {int(trace["label"][i]): p for i, p in reversed(list(enumerate(trace["position"])))}
    rows = [_walk(trace, p, columns, _step) for _, p in sorted(first.items())]
    labels = [f"{label} → {(label + 1) % 10}" for label in sorted(first)]
    return filmstrips(rows, labels=labels, caption=caption)


def figure5b(
    examples: Records, trace: Records, *, faces: int, columns: int, caption: str
) -> Figure:
    """Draw the transition of the first ``faces`` traced women and as many men (III-B).

    Here and in Fig. 7a, the original comes first; a trace starts with its reconstruction.
    """
    followed = np.unique(trace["position"])
    rows, labels = [], []
    for gender, name in GENDERS.items():
        for position in followed[examples["label"][followed] == gender][:faces]:
            original = (examples["image"][position], "original")
            rows.append([original, *_walk(trace, position, columns - 1, _step)])
            labels.append(f"{name} →\n{GENDERS[examples['target_label'][position]]}")
    return filmstrips(rows, labels=labels, caption=caption)


def figure7a(examples: Records, trace: Records, *, columns: int, caption: str) -> Figure:
    """Draw Type I attacks on digits, one filmstrip per class, with f1's confidence in it (IV-A).

    The label of each strip contains the oracle's label of the last image, with ? if it is not clear
    to the oracle.
    """
    rows, labels = [], []
    for p in sorted(set(trace["position"]), key=lambda p: examples["label"][p]):
        original = (examples["image"][p], f"{examples['f1_confidence_before'][p]:.2f}")
        rows.append([original, *_walk(trace, p, columns - 1, _confidence)])
        seen = f"{examples['judge_label'][p]}{'' if examples['judge_clear'][p] else '?'}"
        labels.append(f"{examples['label'][p]} → {examples['target_label'][p]}\noracle {seen}")
    return filmstrips(rows, labels=labels, caption=caption)


def _walk(
    trace: Records, position: int, columns: int, title: Callable[[Records, int], str]
) -> list[tuple[np.ndarray, str]]:
    """Return ``columns`` images of one example's trace, each with its ``title``."""
    rows = np.flatnonzero(trace["position"] == position)
    chosen = rows[moments(trace["image"][rows], columns)]
    return [(trace["image"][i], title(trace, i)) for i in chosen]


def _step(trace: Records, i: int) -> str:
    return f"{trace['step'][i]}"


def _confidence(trace: Records, i: int) -> str:
    return f"{trace['f1_confidence'][i]:.2f}"
