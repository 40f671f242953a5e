"""Table II: detection rates of squeezed faces, published beside ours, with intervals (IV-C)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from typeone.reporting.tables.cells import number, pooled_rows, with_interval

KEYS = ["attack", "squeezer", "threshold"]
HEADS = {"zeta": "at the published threshold", "fitted": "at a fitted threshold"}


def table2(
    measurements: pd.DataFrame,
    published: pd.Series,
    *,
    names: Mapping[str, str],
    published_names: Mapping[str, str],
    ours: str,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rates, pooled over seeds, and the formatted table.

    ``measurements``: rows of our faces, then those of the authors' pairs, if any, which have no
    fitted threshold. ``names``: images and their labels, in order. ``published_names``: names in
    the ids of the published values. ``ours``: source of our faces.
    """
    rows = pooled_rows(measurements, KEYS)
    sizes = {squeezer: squeezer.removeprefix("median_") for squeezer in rows["squeezer"].unique()}
    rows["published"] = [
        published.get(f"table2.{published_names.get(r.attack)}.{sizes[r.squeezer]}")
        if r.threshold == "zeta"
        else None
        for r in rows.itertuples()
    ]
    cells = rows.set_index(KEYS)
    body = []
    for name, label in names.items():
        row = {"": label, "n": cells.loc[name, next(iter(sizes)), "zeta"]["n"]}
        for threshold, head in HEADS.items():
            for squeezer, size in sizes.items():
                key = name, squeezer, threshold
                if threshold == "zeta":
                    row[f"{size} published (CelebA)"] = number(cells.loc[key]["published"])
                row[f"{size} {ours}, {head}"] = (
                    with_interval(cells.loc[key]) if key in cells.index else ""
                )
        body.append(row)
    return rows, pd.DataFrame(body)
