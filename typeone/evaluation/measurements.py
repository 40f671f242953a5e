"""Rows of measured values, which the verdict table joins with the published values.

An evaluation writes one row per (id, seed); `pooled` combines the seeds of an id. An id of
docs/published-values.csv gets a verdict. An id that starts with ``beyond.`` gets none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from typeone.evaluation.intervals import Rate, pool_seeds

if TYPE_CHECKING:  # jobs that only measure start without pandas
    import pandas as pd

MEASURED = {
    **{"id": str, "seed": np.int64, "description": str, "unit": str, "note": str},
    **{"value": float, "low": float, "high": float, "n": np.int64, "shared": float},
}
"""Columns of `measurement` and their types, for a table that may have no rows."""


class Measurement(NamedTuple):
    """One measured value, pooled over seeds.

    Attributes:
        id, description, unit, note: texts of the verdict table.
        value: mean over the seeds with its interval.
        seeds: number of seeds.
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
    shared: float = 1.0,
) -> dict[str, Any]:
    """Return one row: ``value`` for the networks of ``seed``, with texts for the verdict table.

    ``shared``: the share of the examples that another seed has too, see `pool_seeds`.
    """
    return {
        **{"id": identity, "seed": seed, "description": description, "unit": unit, "note": note},
        **{"value": value.value, "low": value.low, "high": value.high, "n": value.n},
        "shared": shared,
    }


def pooled(frame: pd.DataFrame) -> Iterator[Measurement]:
    """Yield one `Measurement` per id of the rows of `measurement`, in their order.

    Description, unit and note are those of the first seed. Intervals in units other than
    ``fraction`` and ``probability`` are not clipped to [0, 1].

    Raises:
        ValueError: an id has two rows of one seed.
    """
    for twice in frame[frame.duplicated(["id", "seed"])].itertuples():
        raise ValueError(f"{twice.id} is measured twice for seed {twice.seed}")
    for identity, group in frame.groupby("id", sort=False):
        first = group.iloc[0]
        values = [Rate(r.value, r.low, r.high, r.n) for r in group.itertuples()]
        bounded = first["unit"] in ("fraction", "probability")
        value = pool_seeds(values, shared=float(group["shared"].mean()), bounded=bounded)
        description, unit, note = (str(first[k]) for k in ("description", "unit", "note"))
        yield Measurement(str(identity), description, unit, note, value, len(group))
