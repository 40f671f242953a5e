"""What a network was not trained on: test digits, and the networks of another seed."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from typeone.runtime.artifacts import read_model_metadata


def unseen_test_digits(path: str | os.PathLike[str], numbers: np.ndarray) -> np.ndarray:
    """Which of the test digits ``numbers`` ``(N,)`` a checkpoint may be tested on, bool ``(N,)``.

    A classifier that was trained on attacked test digits (typeone.defenses.retraining) tells in its
    checkpoint which; every other may be tested on all.
    """
    return ~np.isin(numbers, read_model_metadata(path).get("trained_test_digits", []))


def next_seed(seeds: Sequence[int]) -> dict[int, int]:
    """For each seed the next one, whose networks know nothing of its own; of a single one none."""
    if len(seeds) == 1:
        return {}
    return dict(zip(seeds, [*seeds[1:], seeds[0]], strict=True))
