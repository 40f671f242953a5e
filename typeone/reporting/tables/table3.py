"""Table III: accuracy of strengthened recognizers, published beside ours (IV-D)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from typeone.reporting.tables.cells import number, pooled_rows, with_interval

COLUMNS = {
    ("lfw", ""): "LFW",
    ("pairs", ""): "pairs of faces",
    ("svae", "old"): "Type I (SVAE)",
    ("fgsm", "old"): "FGSM",
    ("pgd", "old"): "PGD",
    ("svae", "fresh"): "Type I (SVAE), afresh",
    ("fgsm", "fresh"): "FGSM, afresh",
    ("pgd", "fresh"): "PGD, afresh",
}
THRESHOLDS = {"paper": "paper", "far": "fitted"}  # fitted: few false accepts, see the caption


def table3(
    measurements: pd.DataFrame,
    published: pd.Series,
    *,
    names: Mapping[str, str],
    labels: Mapping[str, str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the accuracies, pooled over seeds, and the table of the paper beside ours.

    ``names``: networks and their names in ids, in order. ``labels``: labels of these names in the
    table.
    """
    limits = measurements.groupby("id")["limit"].transform("mean")
    keys = ["network", "what", "when", "threshold", "limit"]
    rows = pooled_rows(measurements.assign(limit=limits), keys)
    cells = rows.set_index(["network", "threshold", "what", "when"]).sort_index()
    body = []
    for threshold, text in THRESHOLDS.items():
        for network, name in names.items():
            label = labels.get(name, name)
            mine = cells.loc[network, threshold]
            limit = {"threshold": f"{mine['limit'].iloc[0]:.3f}, {text}"}
            ours = {h: with_interval(mine.loc[k]) for k, h in COLUMNS.items() if k in mine.index}
            theirs = {
                head: number(published.get(f"table3.{name}.{what}"))
                for (what, when), head in COLUMNS.items()
                if when != "fresh"
            }
            body.append({"strengthened": label} | limit | ours)
            if threshold == "paper" and any(theirs.values()):
                body.append({"strengthened": f"{label}, published"} | limit | theirs)
    columns = ["strengthened", "threshold", *COLUMNS.values()]
    return rows, pd.DataFrame(body, columns=columns, dtype=object).fillna("")


def table3_caption(
    rows: pd.DataFrame,
    *,
    variant: str,
    source: str,
    recognizer: str,
    preset: str,
    false_accepts: float,
) -> str:
    """Return the caption; ``rows``: of `table3`."""
    seeds = rows["seeds"].max()
    counts = rows.groupby(["what", "when"])["n"].min()
    sizes = ", ".join(f"{COLUMNS[key]} {counts[key]}" for key in COLUMNS if key in counts.index)
    return (
        f"Ours: {source} faces, recognizer {recognizer}, Type I by variant {variant}, preset "
        f"{preset}, {seeds} seed{'s' if seeds > 1 else ''}, Wilson 95 % intervals; images or pairs "
        f'behind a figure: {sizes}. A figure is the share of right answers to "one person?" '
        "(distance at most the threshold). Pairs of faces and LFW: half of them are one person. "
        "Type I: the example and its original are two. FGSM, PGD: they are one. No test person "
        "was used in training; examples are tested whether or not they fooled a recognizer. "
        "Afresh: made against the recognizer of the row, else against the plain one. Fitted "
        "thresholds: "
        f"{100 * false_accepts:g}% false accepts of validation pairs. Published: FaceNet, CelebA."
    )
