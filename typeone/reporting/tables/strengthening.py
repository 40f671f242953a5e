"""Strengthened classifiers in the form of Table III: one row per network, one column per test."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from typeone.reporting.tables.cells import number, pooled_rows, with_interval

COLUMNS = {
    "clean": "clean images",
    "type1_old": "Type I, old",
    "type1_fresh": "Type I, fresh",
    "type1_seen_old": "Type I, old, oracle's label",
    "type1_seen_fresh": "Type I, fresh, oracle's label",
    "fgsm_old": "FGSM, old",
    "fgsm_fresh": "FGSM, fresh",
    "pgd_old": "PGD, old",
    "pgd_fresh": "PGD, fresh",
    "pgd_restarts_fresh": "PGD, fresh, restarts",
}


def strengthening(
    measurements: pd.DataFrame, published: pd.Series, names: Mapping[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the accuracies, pooled over seeds, and the table with published rows below ours.

    ``names``: networks and their labels, in order.
    """
    rows = pooled_rows(measurements, ["network", "what"]).drop(columns="seed_sd")
    rows["published"] = [published.get(identity) for identity in rows.index]
    body = []
    for network, label in names.items():
        cells = rows[rows["network"] == network].set_index("what").to_dict("index")
        shown = {head: cells[what] for what, head in COLUMNS.items() if what in cells}
        theirs = {head: number(cell["published"]) for head, cell in shown.items()}
        body.append({"": label} | {head: with_interval(cell) for head, cell in shown.items()})
        if any(theirs.values()):
            body.append({"": f"{label}, published"} | theirs)
    return rows, pd.DataFrame(body, columns=["", *COLUMNS.values()], dtype=object).fillna("")
