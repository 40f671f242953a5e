"""Compute success rates of attacks on a recognizer from rows of judged examples (IV-B).

A Type I attack succeeds where the recognizer sees the same person, the judges see a face of the
other gender, and the judges see the labelled gender in the original. A face that they misread from
the start counts as a failure. The paper asked thirty people. Here the judges are a panel of
networks that no attack has used. Rates by people are computed in
typeone/evaluation/people/success.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from typeone.evaluation.clean_faces import UNLIKE, resembles_clean
from typeone.evaluation.intervals import Rate, mean_interval, rate
from typeone.evaluation.measurements import measurement
from typeone.evaluation.success import recognizer_success

Rows = Mapping[str, np.ndarray]
Found = dict[str, tuple[Rate, str]]
"""Rates and their descriptions, by name."""

NO_GENDER = -1
MAIN, FITTED = "paper", "far"
"""Names of the threshold of the published success rate, and of that of 1 % false accepts."""


def gender_changed(rows: Rows) -> np.ndarray:
    """Return where judges see the other gender, and the labelled one before, bool ``(N,)``.

    ``rows``: label, judge_label_before, judge_label and shows_class, ``(N,)`` each.
    """
    read_right = rows["judge_label_before"] == rows["label"]
    return rows["shows_class"] & read_right & (rows["judge_label"] == 1 - rows["label"])


def limit(name: str, threshold: float) -> str:
    """Describe a threshold by its value, or a fitted one, which differs from seed to seed, as such.

    ``name``: of the threshold.
    """
    if name == FITTED:
        return "at a threshold fitted to validation pairs"
    return f"distance at most {threshold:.3f}"


def same_person(rows: Rows, thresholds: Mapping[str, float]) -> Found:
    """Return the share of pairs that the recognizer takes for one person, at each threshold."""
    return {
        f"same_person.{name}": (
            rate(rows["distance"] <= threshold),
            f"same person to f1 ({limit(name, threshold)})",
        )
        for name, threshold in thresholds.items()
    }


def unlike_rates(rows: Rows) -> Found:
    """Return the shares of N faces that do not resemble clean ones, by `UNLIKE`."""
    return {name: (rate(rows[name]), text) for name, text in UNLIKE.items()}


def type1_rates(rows: Rows, thresholds: Mapping[str, float], main: str) -> Found:
    """Return rates of Algorithm 2 on N examples; a name without a threshold refers to ``main``.

    ``rows``: distance, target_label, judge_clear, shows_class, `gender_changed`, noisy, blurred,
    f2_image_label and f2_latent_label, ``(N,)`` each.
    """
    distance, target = rows["distance"], rows["target_label"]
    judged = np.where(rows["gender_changed"], target, NO_GENDER)
    other = "judges see a face of the other gender"
    found: Found = {}
    for name in (main, *(name for name in thresholds if name != main)):
        success = recognizer_success(distance, thresholds[name], judged, target)
        text = f"same person to f1 ({limit(name, thresholds[name])}), {other}"
        found["true_success" if name == main else f"true_success.{name}"] = rate(success), text
    success = recognizer_success(distance, thresholds[main], judged, target)
    found["clear_success"] = (
        rate(success & rows["judge_clear"]),
        "true success, clear to the judges",
    )
    found["clean_success"] = (
        rate(success & rows["judge_clear"] & resembles_clean(rows)),
        "clear success on a face that is neither noisy nor blurred",
    )
    by_f2 = recognizer_success(distance, thresholds[main], rows["f2_image_label"], target)
    found["f2_success"] = rate(by_f2), "same person to f1, the other gender to f2 on the image"
    found |= same_person(rows, thresholds)
    found["gender_changed"] = rate(rows["gender_changed"]), other
    found["f2_latent"] = rate(rows["f2_latent_label"] == target), "other gender to f2 on the latent"
    found["still_a_face"] = rate(rows["shows_class"]), "judges see a face"
    return found | unlike_rates(rows)


def type2_rates(rows: Rows, thresholds: Mapping[str, float]) -> Found:
    """Return rates of noise on N examples.

    ``rows``: distance, label, judge_label, shows_class, noisy and blurred, ``(N,)`` each.
    """
    kept = rows["shows_class"] & (rows["judge_label"] == rows["label"])
    return {
        **same_person(rows, thresholds),
        "gender_kept": (rate(kept), "judges see a face of its gender"),
        "still_a_face": (rate(rows["shows_class"]), "judges see a face"),
        **unlike_rates(rows),
    }


def success_note(prefix: str, source: str) -> str:
    """Return the note of the published success rate: the ids of the same rate counted otherwise.

    It contains no number, because a note of several seeds is that of the first. ``prefix``: that of
    the ids of the attack.
    """
    return (
        "judged by networks that no attack uses; the paper asked 30 people; clear to all of them: "
        f"{prefix}.clear_success; at other thresholds: {prefix}.true_success.*; clean pairs of a "
        f"man and a woman that f1 accepts as one person: beyond.{source}.opposite_gender_pairs.*"
    )


def face_measurements(
    rows: Rows,
    *,
    run: tuple[str, str, int],
    targeted: bool,
    thresholds: Mapping[str, float],
    source: str,
    published: str,
) -> Iterator[dict[str, Any]]:
    """Yield rows of the verdict table on one attack on one recognizer.

    Args:
        rows: judged examples, see `type1_rates` and `type2_rates`.
        run: attack, recognizer, seed.
        targeted: whether the attack is of Type I.
        thresholds: distances by name; the published success rate is at `MAIN`.
        source: source of the faces.
        published: id of the published success rate, used for the attack ``paper``.
    """
    attack, recognizer, seed = run
    found = type1_rates(rows, thresholds, MAIN) if targeted else type2_rates(rows, thresholds)
    prefix = f"beyond.{source}.{attack}.{recognizer}"
    if attack == "paper":
        yield measurement(
            published,
            found["true_success"][0],
            seed=seed,
            description=f"{source} faces, Type I success",
            note=success_note(prefix, source),
        )
    subject = f"{source} faces, {attack} on {recognizer}"
    for name, (value, text) in found.items():
        yield measurement(f"{prefix}.{name}", value, seed=seed, description=f"{subject}: {text}")
    yield measurement(
        f"{prefix}.distance",
        mean_interval(rows["distance"].astype(float)),
        seed=seed,
        description=f"{subject}: mean distance of the embeddings, original to attacked",
        unit="L2",
    )
