"""Type I attacks side by side: what f1, the judges and the detector see of their images."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from typeone.evaluation.intervals import Rate
from typeone.reporting.beyond import BLIND
from typeone.reporting.tables.cells import with_interval
from typeone.reporting.verdicts import by_seed, mean_by_seed, rates_by_seed

MEASURES = {
    "kept": "f1 keeps y",
    "true": "true",
    "targeted": "targeted",
    "clear": "clear",
    "clean": "clean",
    "odd": "odd",
    "noisy": "noisy",
    "found": "detected",
    "distance": "L2",
}
"""Measures and their heads, in order."""

COLUMNS = [
    *("index", "label", "f1_label_after", "odd", "noisy", "distance_l2", "type1_success_oracle"),
    *("type1_targeted_oracle", "type1_success_clear", "type1_success_clean"),
]
"""Columns of judged examples that the table needs."""

CAPTION = (
    "Shares of the examples. true: f1 keeps y and the judges see another class; targeted: the "
    "class that the attack aimed at; clear: true, and the judges agree and are sure; clean: "
    "clear, and the image is neither odd (less probable to the density model than nearly all "
    "clean images of its class) nor noisy (changed more by a median filter); detected: "
    "by joint feature squeezing (L2), at the threshold that rejects {rejected} of clean images; "
    "L2: mean distance from x."
)


def compared(examples: pd.DataFrame) -> pd.DataFrame:
    """Return `COLUMNS` of judged examples, and ``gradient_vanishes`` if there is one.

    Raises:
        KeyError: a column of `COLUMNS` is missing.
    """
    blind = {"gradient_vanishes"} & set(examples.columns)
    return examples[[*COLUMNS, *blind]]


def attack_shares(examples: pd.DataFrame) -> dict[str, Rate]:
    """Return the measures of one attack on one classifier but ``found``, pooled over seeds.

    Empty if f1's gradient vanishes at more than `BLIND` of the images: the attack was not measured.
    """
    if "gradient_vanishes" in examples and examples["gradient_vanishes"].mean() > BLIND:
        return {}
    flags = {
        "kept": examples["f1_label_after"] == examples["label"],
        "true": examples["type1_success_oracle"],
        "targeted": examples["type1_targeted_oracle"],
        "clear": examples["type1_success_clear"],
        "clean": examples["type1_success_clean"],
        "odd": examples["odd"],
        "noisy": examples["noisy"],
    }
    return {
        **{name: by_seed(examples, values) for name, values in flags.items()},
        "distance": mean_by_seed(examples, "distance_l2", bounded=False),
    }


def attacks_table(
    examples: pd.DataFrame,
    rates: pd.DataFrame,
    *,
    labels: Mapping[str, str],
    false_positive_rate: float | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one row per (target, attack, measure), and the formatted table.

    Args:
        examples: judged examples with columns target, attack and seed, in the order of the table.
        rates: detection rates.
        labels: labels of attacks by name.
        false_positive_rate: share of clean images that the detector's threshold rejects; None if
            no threshold was fitted.
    """
    joint = rates[
        (rates["squeezer"] == "joint")
        & (rates["metric"] == "l2")
        & (rates["threshold"] == "false_positive_rate")
        & (rates["nominal"] == false_positive_rate)
    ]
    rows, body = [], []
    for (target, attack), group in examples.groupby(["target", "attack"], sort=False):
        found = attack_shares(group)
        scored = joint[(joint["target"] == target) & (joint["attack"] == attack)]
        if found and len(scored):
            found["found"] = rates_by_seed(scored)
        keys = {"target": target, "attack": attack}
        rows += [
            {**keys, "measure": name, **found[name]._asdict()} for name in MEASURES if name in found
        ]
        cells = {
            head: with_interval(found[name]._asdict()) if name in found else "not measured"
            for name, head in MEASURES.items()
        }
        head = {"target": target, "attack": labels.get(attack, attack), "n": str(len(group))}
        body.append(head | cells)
    return pd.DataFrame(rows), pd.DataFrame(body)
