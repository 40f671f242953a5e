"""Table I: detection rates of feature squeezing, published beside ours, with intervals (IV-C)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from typeone.reporting.tables.cells import number, with_interval
from typeone.reporting.verdicts import rates_by_seed

KEYS = ["attack", "metric", "threshold", "nominal"]
METRICS = {"l2": "L2", "l1": "L1"}


def table1(
    rates: pd.DataFrame,
    published: pd.Series,
    *,
    target: str,
    names: Mapping[str, str],
    published_names: Mapping[str, str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the joint detector's rates on ``target``, pooled over seeds, and the formatted table.

    ``names``: attacks and their labels, in order. ``published_names``: names in the ids of the
    published values, where they differ.
    """
    joint = rates[(rates["squeezer"] == "joint") & (rates["target"] == target)]
    rows = pd.DataFrame(
        {**dict(zip(KEYS, key, strict=True)), **rates_by_seed(group)._asdict()}
        for key, group in joint.groupby(KEYS, sort=False)
    )
    rows["published"] = [
        published.get(f"table1.{published_names.get(r.attack, r.attack)}.{r.nominal:.4f}")
        if r.threshold == "zeta"
        else None
        for r in rows.itertuples()
    ]
    cells = rows.set_index(["attack", "threshold", "nominal", "metric"])
    body = []
    for attack, label in names.items():
        row = {"": label}
        for kind, nominal in rows[["threshold", "nominal"]].drop_duplicates().to_numpy():
            head = f"zeta {nominal}" if kind == "zeta" else f"{100 * nominal:g}% clean"
            if (attack, kind, nominal, "l2") not in cells.index:  # no image of it is adversarial
                continue
            mine = {metric: cells.loc[attack, kind, nominal, metric] for metric in METRICS}
            if kind == "zeta" and len(published):
                row[f"{head} published"] = number(mine["l2"]["published"])
            row |= {f"{head} {METRICS[m]}": with_interval(cell) for m, cell in mine.items()}
        body.append(row)
    return rows, pd.DataFrame(body)
