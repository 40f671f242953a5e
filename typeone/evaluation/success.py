"""Success criteria of attacks on the labels of stored images (Eq. 1 and 2, IV-B).

The labels are those that networks give to the uint8 image in the artifact, or `NO_LABEL`.
"""

from __future__ import annotations

import numpy as np

from typeone.models.predictions import NO_LABEL


def type1_success(label: np.ndarray, f1_after: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """Return Eq. 2: f1 keeps the label, the judge (f2, oracle, people) sees another, ``(N,)``"""
    return (f1_after == label) & (judged != label)


def type1_targeted_success(
    label: np.ndarray, f1_after: np.ndarray, judged: np.ndarray, target: np.ndarray
) -> np.ndarray:
    """Return `type1_success` where the judge sees exactly the target label, ``(N,)``."""
    return type1_success(label, f1_after, judged) & (judged == target)


def label_changed(label: np.ndarray, f1_after: np.ndarray) -> np.ndarray:
    """Return whether f1 sees another class, ``(N,)``; where it has no label, it does not."""
    return (f1_after != label) & (f1_after != NO_LABEL)


def type2_success(label: np.ndarray, f1_after: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """Return Eq. 1: f1 leaves the label, the judge still sees it, ``(N,)``."""
    return label_changed(label, f1_after) & (judged == label)


def recognizer_success(
    distance: np.ndarray, threshold: float, judged: np.ndarray, target: np.ndarray
) -> np.ndarray:
    """Return success of IV-B: f1 sees the same person, the judge sees the other gender, ``(N,)``.

    ``judged``: a gender, or any other value where the judge sees no face.
    """
    return (distance <= threshold) & (judged == target)
