"""Rows of tables as cells of a page, and the sorted verdict table with its filters."""

from __future__ import annotations

from typing import Any

import pandas as pd

VERDICTS = {
    "reproduced": "✓",
    "not reproduced": "✗",
    "inconsistent as stated": "≠",
    "not run": "○",
    "beyond the paper": "+",
}
"""Sign of each kind of row, so that colour is not the only mark."""
SHOWN = ("id", "paper_item", "description", "published", "ours", "ci_low", "ci_high", "verdict")
DETAILS = {"n": "n", "seeds": "seeds", "seed_sd": "standard deviation over seeds"}


def number(value: Any) -> str:
    """Format a number with four significant digits; empty for a missing one."""
    if value is None or value == "" or pd.isna(value):
        return ""
    if isinstance(value, str):
        return value
    if float(value) == round(float(value)) and abs(value) < 1e7:
        return str(round(float(value)))
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.3e}"


def group_of(row: dict[str, Any]) -> str:
    """Return the group of a row: its item of the paper, or its part of the id beyond the paper."""
    if row["paper_item"]:
        return str(row["paper_item"])
    return f"beyond: {str(row['id']).split('.')[1]}"


def verdict_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the verdict table, published numbers first, each row with ``kind`` and ``group``.

    ``details``: all columns that are not always shown, including any that this code does not know.
    ``place``: positions of intervals inside [0, 1].
    """
    entries = []
    for row in frame.astype(object).where(frame.notna(), "").to_dict("records"):
        kind = str(row["verdict"]).split(":")[0] or "beyond the paper"
        interval = f"{number(row['ci_low'])} to {number(row['ci_high'])}"
        told = {DETAILS.get(k, k): number(v) for k, v in row.items() if k not in SHOWN and v != ""}
        known = row["ours"] != "" and row["ci_low"] != ""
        inside = known and 0 <= row["ci_low"] <= row["ours"] <= row["ci_high"] <= 1
        place = [row[k] for k in ("ci_low", "ours", "ci_high", "published")] if inside else None
        entries.append(
            {
                **{k: row[k] for k in SHOWN},
                "kind": kind,
                "group": group_of(row),
                "published_text": number(row["published"]),
                "ours_text": number(row["ours"]),
                "interval_text": interval if known else "",
                "details": {"id": row["id"], **told},
                "place": place,
            }
        )
    return sorted(entries, key=lambda entry: entry["kind"] == "beyond the paper")


def cells(frame: pd.DataFrame) -> tuple[list[dict[str, Any]], list[list[str]]]:
    """Return heads and rows of a table as text, with each interval beside its value.

    ``right`` of a head is true if its column contains numbers.
    """
    names = [name for name in frame if name not in ("low", "high")]
    with_interval = {"low", "high", "value"} <= set(frame)
    heads = [
        {
            "text": str(name).replace("_", " "),
            "right": bool(pd.api.types.is_numeric_dtype(frame[name])),
        }
        for name in names
    ]
    rows = []
    for row in frame.astype(object).where(frame.notna(), "").to_dict("records"):
        shown = {name: number(row[name]) for name in names}
        if with_interval and shown["value"]:
            shown["value"] += f" [{number(row['low'])}, {number(row['high'])}]"
        rows.append([shown[name] for name in names])
    return heads, rows
