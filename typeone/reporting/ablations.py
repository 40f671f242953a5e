"""Measures of the variants of an attack, which figure and report show."""

from __future__ import annotations

import pandas as pd

from typeone.evaluation.intervals import Rate, rate

MEASURES = {
    "f1_kept": "f1 keeps the label",
    "type1_success_oracle": "… and the oracle leaves it",
    "type1_success_clear": "… and is sure",
    "type1_success_clean": "… and the image is clean",
}
"""Columns of judged examples, with f1_kept added, in words; each is a part of the one before."""


def rates_of_variants(judged: pd.DataFrame) -> dict[str, tuple[float, dict[str, Rate]]]:
    """Return the mean steps and the rate of each of `MEASURES`, by variant in order of the table.

    ``judged``: examples with the columns variant, label, f1_label_after, steps, and success.
    """
    judged = judged.assign(f1_kept=judged["f1_label_after"] == judged["label"])
    return {
        str(name): (
            float(rows["steps"].mean()),
            {measure: rate(rows[measure].to_numpy()) for measure in MEASURES},
        )
        for name, rows in judged.groupby("variant", sort=False)
    }
