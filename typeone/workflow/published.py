"""Look up the numbers of the paper by the ids of docs/published-values.csv."""

import csv
from pathlib import Path


def published_value(base: str | Path, identity: str) -> float:
    """Return a number of the paper.

    Args:
        base: the folder that contains docs/.
        identity: the id of the number.
    """
    with Path(base, "docs", "published-values.csv").open(encoding="utf-8", newline="") as file:
        return next(float(r["published"]) for r in csv.DictReader(file) if r["id"] == identity)
