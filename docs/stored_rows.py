"""What a stored run measured, the digits pooled over its seeds.

docs/results/full is a run with one seed (see docs/stored_run.py). Its folder seeds/N contains, in
the same layout, the rows and tables about digits of a run with seed N.
"""

from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from typeone.evaluation.intervals import Rate, pool_seeds, proportions_agree

PUBLISHED = Path(__file__).resolve().parent / "published-values.csv"
MEASURED = ["ours", "ci_low", "ci_high", "n", "verdict"]
KEYS = {
    "attacks": ["target", "attack", "measure"],
    "table1": ["attack", "metric", "threshold", "nominal"],
    "strengthening": ["network", "what"],
}
"""Columns that name a row, by table about digits."""


def runs_by_seed(run: Path) -> dict[int, Path]:
    """Return the folder of each seed, ``run`` itself first."""
    (own,) = yaml.safe_load((run / "settings.yaml").read_text())["seeds"]
    others = {int(path.parent.name): path.parent for path in run.glob("seeds/*/verdicts.csv")}
    return {own: run} | dict(sorted(others.items()))


def by_seed(run: Path) -> pd.DataFrame:
    """Return value, interval, n and verdict of each id that all seeds measured; a column a seed."""
    runs = runs_by_seed(run).items()
    found = {n: pd.read_csv(path / "verdicts.csv", index_col="id")[MEASURED] for n, path in runs}
    seeds = pd.concat(found, axis=1, join="inner")
    return seeds[seeds.xs("ours", axis=1, level=1).notna().all(axis=1)]


def table_of(run: Path, name: str) -> pd.DataFrame:
    """Return a table of `KEYS`, indexed by them: ``value``, the mean over ``seeds`` seeds."""
    files = [folder / "tables" / f"{name}.csv" for folder in runs_by_seed(run).values()]
    names = dict.fromkeys(set(KEYS[name]) - {"nominal"}, str)  # "true" is the name of a measure
    rows = pd.concat(pd.read_csv(file, dtype=names) for file in files)
    values = rows.groupby(KEYS[name])["value"]
    return pd.DataFrame({"value": values.mean(), "seeds": values.size()})


def over_seeds(rows: pd.DataFrame, unit: str, published: pd.DataFrame) -> dict[str, Any]:
    """Return the columns of a row of verdicts.csv pooled over the seeds, by the workflow's rules.

    ``lowest`` and ``highest`` are the smallest and largest value of a seed. Fig. 6 is reproduced if
    the published value is in the mean range.

    Args:
        rows: value, interval, n and verdict, one seed a row.
        published: docs/published-values.csv by id, those of this row.
    """
    rates = [Rate(r.ours, r.ci_low, r.ci_high, int(r.n)) for r in rows.itertuples()]
    value = pool_seeds(rates, bounded=unit in ("fraction", "probability"))
    agreed = set(rows["verdict"])
    verdict = agreed.pop() if len(agreed) == 1 else ""
    if len(published) and verdict != "inconsistent as stated":
        theirs = published.iloc[0]
        same = value.low <= theirs["published"] <= value.high
        if unit == "fraction":
            same = proportions_agree(value, theirs["published"], int(theirs["n"]))
        verdict = "reproduced" if same else "not reproduced"
    ends = {"lowest": rows["ours"].min(), "highest": rows["ours"].max()}
    counted = {"n": str(value.n), "seeds": len(rows), "seed_sd": value.seed_sd}
    pooled = {"ours": value.value, "ci_low": value.low, "ci_high": value.high, **counted, **ends}
    return pooled | {"verdict": verdict}


def rows_of(run: Path) -> pd.DataFrame:
    """Return the rows of verdicts.csv by id, pooled where all seeds measured one.

    Also those of further.csv, an attack of a later commit on the same networks.
    """
    files = [file for name in ("verdicts", "further") if (file := run / f"{name}.csv").exists()]
    rows = pd.concat(pd.read_csv(file, dtype={"n": str}) for file in files).set_index("id")
    seeds, published = by_seed(run), pd.read_csv(PUBLISHED, index_col="id")
    if len(runs_by_seed(run)) == 1:
        return rows
    pooled = {
        name: over_seeds(
            seeds.loc[name].unstack(), rows.loc[name, "unit"], published[published.index == name]
        )
        for name in seeds.index
    }
    frame = pd.DataFrame.from_dict(pooled, orient="index")
    rows = rows.reindex(columns=[*rows, *(column for column in frame if column not in rows)])
    rows.loc[frame.index, list(frame)] = frame
    return rows
