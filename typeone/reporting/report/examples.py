"""Attacked examples of the page: original, attacked image, labels by f1 and by the judges."""

from __future__ import annotations

from typing import Any

import numpy as np

from typeone.evaluation.intervals import Rate, rate
from typeone.reporting.report.sprites import Sheets
from typeone.runtime.artifacts import Records

GENDERS = ("woman", "man", "no face")
"""Names of the labels that judges of faces give."""


def plain(values: np.ndarray, digits: int = 4) -> list[Any]:
    """Convert an array for JSON: numbers rounded to ``digits``, others to None."""
    if values.dtype.kind == "f":
        return [round(float(v), digits) if np.isfinite(v) else None for v in values]
    return values.tolist()


def spoken(value: Rate) -> dict[str, Any]:
    """Convert a rate with its interval for JSON."""
    return {"value": value.value, "low": value.low, "high": value.high, "n": value.n}


def rates_of(rows: Records) -> dict[str, Rate]:
    """Return the rates of judged digits by their text: of a Type II attack those of Type II."""
    if "type2_success_oracle" in rows.columns:
        return {
            "f1 changes its label": rate(rows["found_stored"]),
            "… and the oracle still sees the old class": rate(rows["type2_success_oracle"]),
        }
    return {
        "f1 keeps the label": rate(rows["f1_label_after"] == rows["label"]),
        "the oracle sees another class": rate(rows["judge_label"] != rows["label"]),
        "both (true success)": rate(rows["type1_success_oracle"]),
        "… and the oracle is sure": rate(rows["type1_success_clear"]),
        "… and the image is clean": rate(rows["type1_success_clean"]),
    }


def digits(rows: Records, sheets: Sheets, *, count: int) -> dict[str, Any]:
    """Return the first ``count`` attacked digits of one attack, classifier and seed.

    ``rates`` are of all examples of the table, shown or not.
    """
    shown = slice(0, count)
    label, seen = rows["label"], rows["judge_label"]
    kept = rows["f1_label_after"] == label
    told: dict[str, Any] = {
        "label": label[shown].astype(str).tolist(),
        "seen": seen[shown].astype(str).tolist(),
        "sure": plain(rows["judge_confidence"][shown]),
        "clear": plain(rows["judge_clear"][shown]),
        "changed": plain((seen != label)[shown]),
        "f1": rows["f1_label_after"][shown].astype(str).tolist(),
        "kept": plain(kept[shown]),
        "confidence": plain(rows["f1_confidence_after"][shown]),
        "distance": plain(rows["distance_l2"][shown], 3),
        "index": plain(rows["index"][shown]),
    }
    if "target_label" in rows.columns:
        told["goal"] = rows["target_label"][shown].astype(str).tolist()
    blind = rows["gradient_vanishes"] if "gradient_vanishes" in rows.columns else np.array([False])
    rates = rates_of(rows)
    if blind.any():
        rates["not measured: f1 has no gradient"] = rate(blind)
    return {
        **told,
        "before": sheets.add(rows["image"][shown]),
        "after": sheets.add(rows["adversarial_image"][shown]),
        "n": len(rows),
        "rates": {text: spoken(value) for text, value in rates.items()},
    }


def faces(rows: Records, sheets: Sheets, *, count: int, threshold: float) -> dict[str, Any]:
    """Return the first ``count`` attacked faces of one attack, recognizer and seed.

    ``threshold``: distance up to which f1 takes two faces for one person. ``rates`` are of all
    examples of the table, shown or not.
    """
    shown = slice(0, count)
    kept = rows["distance"] <= threshold
    changed, face = rows["gender_changed"], rows["shows_class"]
    names = np.array(GENDERS)
    return {
        "label": names[rows["label"][shown]].tolist(),
        "seen": names[rows["judge_label"][shown]].tolist(),
        "clear": plain(rows["judge_clear"][shown]),
        "changed": plain((changed & face)[shown]),
        "f1": np.where(kept[shown], "same person", "other person").tolist(),
        "kept": plain(kept[shown]),
        "embedding": plain(rows["distance"][shown], 3),
        "distance": plain(rows["distance_l2"][shown], 3),
        "index": plain(rows["index"][shown]),
        "before": sheets.add(rows["image"][shown]),
        "after": sheets.add(rows["adversarial_image"][shown]),
        "n": len(rows),
        "rates": {
            "f1 sees the same person": spoken(rate(kept)),
            "the judges see the other gender": spoken(rate(changed)),
            "both, and still a face": spoken(rate(kept & changed & face)),
        },
    }
