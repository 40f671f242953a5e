"""Format the verdict table as text for a terminal and as Markdown for a page."""

from __future__ import annotations

from typing import Any

import pandas as pd


def figure(value: float, digits: int) -> str:
    """Format ``value`` with ``digits`` decimals, or as a power of ten if they would all be 0."""
    shows = value == 0 or abs(value) >= 10.0**-digits
    return f"{value:.{digits}f}" if shows else f"{value:.1e}"


def interval(row: Any, digits: int) -> str:
    """Format the 95 % interval of a row of `DataFrame.itertuples`; empty if there is none."""
    if pd.isna(row.ci_low):
        return ""
    return f"[{figure(row.ci_low, digits)}, {figure(row.ci_high, digits)}]"


def by_people(row: Any) -> str:
    """Format the value by people with interval and number of images; empty if there is none."""
    if pd.isna(row.people):
        return ""
    ends = f"[{figure(row.people_low, 3)}, {figure(row.people_high, 3)}]"
    return f"{figure(row.people, 3)} {ends} of {row.people_n:.0f}"


def as_text(table: pd.DataFrame) -> str:
    """Format the table for a terminal; numbers that were not run share one line per reason."""
    ran = table[~table["verdict"].str.startswith("not run")]
    lines = [f"{'':56}{'published':>10}{'ours':>9}  95 % interval      verdict"]
    for row in ran.itertuples():
        if row.id.startswith("beyond.") and "beyond the paper" not in lines:
            lines += ["", "beyond the paper"]
        published = "" if pd.isna(row.published) else f"{row.published:.4g}"
        ours = f"{figure(row.ours, 4):>9}  {interval(row, 4):18}"
        line = f"{row.id:56}{published:>10}{ours} {row.verdict}"
        lines.append(line.rstrip())
    asked = table[table["people"].notna()]
    if len(asked):
        lines += ["", "by people (interval over images and people)"]
        lines += [f"  {row.id:54}{'':10}{by_people(row)}" for row in asked.itertuples()]
    without = table[table["verdict"].str.startswith("not run")]
    for why, group in without.groupby("verdict", sort=False):
        first, last = group["id"].iloc[[0, -1]]
        which = f"{len(group)} rows: {first} ... {last}" if len(group) > 1 else first
        lines.append(f"{why} ({which})")
    return "\n".join(lines) + "\n"


def as_markdown(table: pd.DataFrame) -> str:
    """Format the table for a page: a row for each number that ran, then reasons for the others."""
    ran = table[~table["verdict"].str.startswith("not run")]
    shown = pd.DataFrame(
        {
            "number": [f"`{name}`" for name in ran["id"]],
            "published": ["" if pd.isna(p) else f"{p:.4g}" for p in ran["published"]],
            "ours": [figure(ours, 3) for ours in ran["ours"]],
            "95 % interval": [interval(row, 3) for row in ran.itertuples()],
            "people": [by_people(row) for row in ran.itertuples()],
            "unit": ran["unit"],
            "n": ran["n"],
            "seeds": ran["seeds"],
            "verdict": ran["verdict"],
            "note": ran["note"],
        }
    )
    if ran["people"].isna().all():
        shown = shown.drop(columns="people")
    new = ran["id"].str.startswith("beyond.").to_numpy()
    published = shown[~new].to_markdown(index=False, disable_numparse=True)
    beyond_it = (
        shown[new]
        .drop(columns=["published", "verdict"])
        .to_markdown(index=False, disable_numparse=True)
    )
    without = table[table["verdict"].str.startswith("not run")]
    reasons = [
        f"- {why}: {', '.join(f'`{name}`' for name in group['id'])}"
        for why, group in without.groupby("verdict", sort=False)
    ]
    return "\n".join([published, "", *reasons, "", "## Beyond the paper", "", beyond_it, ""])
