"""Number of images that a detector rejects, at every threshold that the page offers (IV-C)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

SCALE = 200
"""Number of thresholds spaced evenly over the scores, and of those at quantiles of clean images."""


def thresholds(scores: np.ndarray, clean: np.ndarray, named: Sequence[float]) -> np.ndarray:
    """Return ascending thresholds: evenly spaced, at quantiles of ``clean``, and ``named``.

    They reach from 0 to beyond every score: at the first all images are rejected, at the last none.
    """
    beyond = float(np.nextafter(np.float64(scores.max()), np.inf))
    even = np.linspace(0.0, beyond, SCALE + 1)
    quantiles = np.quantile(clean.astype(float), np.linspace(0, 1, SCALE + 1))
    found = np.unique(np.concatenate([even, quantiles, np.asarray(named, float)]))
    return found[found <= max(beyond, *named)] if len(named) else found


def rejected(scores: np.ndarray, at: np.ndarray) -> list[int]:
    """Count scores that are not below each of the ascending thresholds ``at``, as IV-C rejects."""
    ordered = np.sort(scores.astype(float))
    return (len(ordered) - np.searchsorted(ordered, at, side="left")).tolist()


def detector(frame: pd.DataFrame, *, named: Sequence[float]) -> dict[str, Any]:
    """Return counts of one detector: ``frame`` has one row per image with ``attack`` and ``score``.

    ``clean`` are the negatives. Images that are not ``counted``, if there is that column, are left
    out. ``named`` are published thresholds.
    """
    frame = frame[frame["counted"]] if "counted" in frame else frame
    by_name = {
        name: group["score"].to_numpy() for name, group in frame.groupby("attack", sort=False)
    }
    at = thresholds(frame["score"].to_numpy(), by_name["clean"], named)
    return {
        "thresholds": at.tolist(),
        "named": list(named),
        "images": {
            name: {"n": len(scores), "rejected": rejected(scores, at)}
            for name, scores in by_name.items()
        },
    }
