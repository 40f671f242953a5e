"""Held-out data of a network: test digits that it has not seen, and networks of another seed."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from typeone.runtime.artifacts import read_model_metadata


def unseen_test_digits(path: str | os.PathLike[str], numbers: np.ndarray) -> np.ndarray:
    """Return which test digits ``numbers`` ``(N,)`` a checkpoint may be tested on, bool ``(N,)``.

    The checkpoint of a classifier that was trained on attacked test digits
    (typeone.defenses.retraining) lists them. Every other classifier may be tested on all.
    """
    return ~np.isin(numbers, read_model_metadata(path).get("trained_test_digits", []))


def next_seed(seeds: Sequence[int]) -> dict[int, int]:
    """Map each seed to the next one, whose networks are independent; empty for a single seed."""
    if len(seeds) == 1:
        return {}
    return dict(zip(seeds, [*seeds[1:], seeds[0]], strict=True))
