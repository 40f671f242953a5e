"""Shared code of the tables: values pooled over seeds, and the format of cells."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from typeone.evaluation.measurements import pooled


def read_published(path: str | os.PathLike[str] | None) -> pd.Series:
    """Return the published values of docs/published-values.csv by id; empty without a ``path``."""
    if not path:  # a data set without numbers in the paper
        return pd.Series(dtype=float)
    return pd.read_csv(path).set_index("id")["published"]


def pooled_rows(measurements: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return one row per id, its index: the columns ``keys``, then value, interval, n and seeds."""
    known = measurements.drop_duplicates("id").set_index("id")[list(keys)]
    found = {m.id: {**m.value._asdict(), "seeds": m.seeds} for m in pooled(measurements)}
    return known.join(pd.DataFrame.from_dict(found, orient="index"))


def with_interval(row: Mapping[str, Any]) -> str:
    """Format value and interval of a row for a cell."""
    return f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def number(value: float | None) -> str:
    """Format a published value for a cell; empty if there is none."""
    return "" if pd.isna(value) else f"{value:.3f}"
