"""How often attacks on a recognizer succeed (IV-B): rates of judged examples, from their rows.

A Type I attack has succeeded where the recognizer sees the same person while the judges see a face
of the other gender, and in the original one of the labelled gender: a face that they misread from
the start counts as a failure. The paper asked thirty people; here a panel of networks answers that
no attack has seen. What people say stands beside it (typeone/evaluation/people/success.py).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from typeone.evaluation.intervals import Rate, rate
from typeone.evaluation.success import recognizer_success

Rows = Mapping[str, np.ndarray]
Found = dict[str, tuple[Rate, str]]
"""By name: a rate, and what it is the share of."""

NO_GENDER = -1


def gender_changed(rows: Rows) -> np.ndarray:
    """Where judges see a face of the other gender, and saw the labelled one before, bool ``(N,)``.

    ``rows``: label, judge_label_before, judge_label and still_a_face, ``(N,)`` each.
    """
    read_right = rows["judge_label_before"] == rows["label"]
    return rows["still_a_face"] & read_right & (rows["judge_label"] == 1 - rows["label"])


def same_person(rows: Rows, thresholds: Mapping[str, float]) -> Found:
    """Share of pairs that the recognizer takes for one person, at each threshold."""
    return {
        f"same_person.{name}": (
            rate(rows["distance"] <= threshold),
            f"same person to f1 (distance at most {threshold:.3f})",
        )
        for name, threshold in thresholds.items()
    }


def type1_rates(rows: Rows, thresholds: Mapping[str, float], main: str) -> Found:
    """Rates of Algorithm 2 on N examples; those that name no threshold are at the ``main`` one.

    ``rows``: distance, target_label, judge_clear, still_a_face, `gender_changed`, f2_image_label
    and f2_latent_label, ``(N,)`` each.
    """
    distance, target = rows["distance"], rows["target_label"]
    judged = np.where(rows["gender_changed"], target, NO_GENDER)
    other = "judges see a face of the other gender"
    found: Found = {}
    for name in (main, *(name for name in thresholds if name != main)):
        success = recognizer_success(distance, thresholds[name], judged, target)
        text = f"same person to f1 (distance at most {thresholds[name]:.3f}), {other}"
        found["true_success" if name == main else f"true_success.{name}"] = rate(success), text
    success = recognizer_success(distance, thresholds[main], judged, target)
    found["clear_success"] = (
        rate(success & rows["judge_clear"]),
        "true success, clear to the judges",
    )
    by_f2 = recognizer_success(distance, thresholds[main], rows["f2_image_label"], target)
    found["f2_success"] = rate(by_f2), "same person to f1, the other gender to f2 on the image"
    found |= same_person(rows, thresholds)
    found["gender_changed"] = rate(rows["gender_changed"]), other
    found["f2_latent"] = rate(rows["f2_latent_label"] == target), "other gender to f2 on the latent"
    found["still_a_face"] = rate(rows["still_a_face"]), "judges see a face"
    return found


def type2_rates(rows: Rows, thresholds: Mapping[str, float]) -> Found:
    """Rates of noise on N examples: distance, label, judge_label, still_a_face, ``(N,)`` each."""
    kept = rows["still_a_face"] & (rows["judge_label"] == rows["label"])
    return {
        **same_person(rows, thresholds),
        "gender_kept": (rate(kept), "judges see a face of its gender"),
        "still_a_face": (rate(rows["still_a_face"]), "judges see a face"),
    }
