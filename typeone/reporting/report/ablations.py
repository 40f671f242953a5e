"""Ablations of an attack: success of its variants, one setting changed at a time."""

from __future__ import annotations

from typing import Any

from typeone.evaluation.intervals import rate
from typeone.reporting.report.examples import spoken
from typeone.runtime.artifacts import Records


def ablations(rows: Records) -> list[dict[str, Any]]:
    """Return one entry per variant, in the order of the table: its rates, and its mean steps."""
    frame = rows.frame()
    kept = frame["f1_label_after"] == frame["label"]
    flags = {
        "f1 keeps the label": kept,
        "… and the oracle leaves it": frame["type1_success_oracle"],
        "… and is sure": frame["type1_success_clear"],
        "… and the image is clean": frame["type1_success_clean"],
    }
    return [
        {
            "variant": str(name),
            "steps": float(group["steps"].mean()),
            "rates": {k: spoken(rate(v[group.index].to_numpy())) for k, v in flags.items()},
        }
        for name, group in frame.groupby("variant", sort=False)
    ]
