"""What an experiment measured, row by row, for the verdict table to join with what was published.

An evaluation writes one row a (id, seed); `pooled` makes one figure an id of them. An id of
docs/published-values.csv gets a verdict, an id that starts with ``beyond.`` none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from typeone.evaluation.intervals import Rate, pool_seeds

MEASURED = {
    **{"id": str, "seed": np.int64, "description": str, "unit": str, "note": str},
    **{"value": float, "low": float, "high": float, "n": np.int64},
}
"""The columns of `measurement`, for a table that may have no row."""


class Measurement(NamedTuple):
    """One figure of several seeds.

    Attributes:
        id, description, unit, note: as the verdict table shows them.
        value: the mean over the seeds with its interval.
        seeds: how many there were.
    """

    id: str
    description: str
    unit: str
    note: str
    value: Rate
    seeds: int


def measurement(
    identity: str,
    value: Rate,
    *,
    seed: int,
    description: str,
    unit: str = "fraction",
    note: str = "",
) -> dict[str, Any]:
    """One row: ``value`` of the networks of ``seed``, and what the verdict table says of it."""
    return {
        **{"id": identity, "seed": seed, "description": description, "unit": unit, "note": note},
        **{"value": value.value, "low": value.low, "high": value.high, "n": value.n},
    }


def pooled(frame: pd.DataFrame) -> Iterator[Measurement]:
    """The rows of `measurement` by id, in their order, the seeds of each pooled.

    What the first seed says of an id (description, unit, note) is said of all. Units other than
    ``fraction`` and ``probability`` are not held to [0, 1].
    """
    for identity, group in frame.groupby("id", sort=False):
        first = group.iloc[0]
        values = [Rate(r.value, r.low, r.high, r.n) for r in group.itertuples()]
        value = pool_seeds(values, bounded=first["unit"] in ("fraction", "probability"))
        description, unit, note = (str(first[k]) for k in ("description", "unit", "note"))
        yield Measurement(str(identity), description, unit, note, value, len(group))
