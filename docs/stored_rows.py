"""What a stored run measured, the digits pooled over its seeds.

docs/results/full is a run with one seed (see docs/stored_run.py). Its folder seeds/N contains, in
the same layout, the rows and tables about digits of a run with seed N.
"""

from functools import cache
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
VALUES = ["value", "low", "high", "n"]
TEST_DIGITS = 10_000


def runs_by_seed(run: Path) -> dict[int, Path]:
    """Return the folder of each seed, ``run`` itself first."""
    (own,) = yaml.safe_load((run / "settings.yaml").read_text())["seeds"]
    others = {int(path.parent.name): path.parent for path in run.glob("seeds/*/verdicts.csv")}
    return {own: run} | dict(sorted(others.items()))


def by_seed(run: Path) -> pd.DataFrame:
    """Return the columns `MEASURED` of ids that ``run`` and another seed measured, by seed."""
    runs = runs_by_seed(run).items()
    found = {n: pd.read_csv(path / "verdicts.csv", index_col="id")[MEASURED] for n, path in runs}
    seeds = pd.concat(found, axis=1)
    measured = seeds.xs("ours", axis=1, level=1).notna()
    return seeds[measured.iloc[:, 0] & (measured.sum(axis=1) > 1)]


def pooled(rates: pd.DataFrame, *, bounded: bool = True) -> Rate:
    """Pool rows of value, low, high and n over the seeds, by the workflow's rule.

    Each seed draws its n of the test digits anew.
    """
    each = [Rate(*row) for row in rates.itertuples(index=False)]
    return pool_seeds(each, shared=min(1, rates.iloc[:, 3].mean() / TEST_DIGITS), bounded=bounded)


@cache
def table_of(run: Path, name: str) -> pd.DataFrame:
    """Return a table of `KEYS`, indexed by them: `VALUES` pooled over ``seeds`` seeds."""
    files = [folder / "tables" / f"{name}.csv" for folder in runs_by_seed(run).values()]
    bounded = name != "attacks"  # that has distances
    names = dict.fromkeys(set(KEYS[name]) - {"nominal"}, str)  # "true" is the name of a measure
    rows = pd.concat(pd.read_csv(file, dtype=names) for file in files)
    found = {
        key: {**pooled(group[VALUES], bounded=bounded)._asdict(), "seeds": len(group)}
        for key, group in rows.groupby(KEYS[name], sort=False)
    }
    table = pd.DataFrame.from_dict(found, orient="index")
    return table.set_index(pd.MultiIndex.from_tuples(found, names=KEYS[name]))


def over_seeds(rows: pd.DataFrame, unit: str, published: pd.DataFrame) -> dict[str, Any]:
    """Return the columns of a row of verdicts.csv pooled over the seeds, by the workflow's rules.

    ``lowest`` and ``highest`` are the smallest and largest value of a seed. One exception: the
    range of Fig. 6 (a probability) is the mean range, not that of the examples of all seeds.

    Args:
        rows: the columns `MEASURED`, one seed a row.
        published: docs/published-values.csv by id, those of this row.
    """
    rates = rows[MEASURED[:4]].astype(float)
    value = pooled(rates, bounded=unit in ("fraction", "probability"))
    verdict = ""
    if len(published):
        theirs = published.iloc[0]
        if unit == "fraction":
            same = proportions_agree(value, theirs["published"], int(theirs["n"]))
        else:
            value = value._replace(low=rates["ci_low"].mean(), high=rates["ci_high"].mean())
            same = value.low <= theirs["published"] <= value.high
        below = value.value < theirs["published"]
        stated = "inconsistent as stated"
        otherwise = stated if below and stated in set(rows["verdict"]) else "not reproduced"
        verdict = "reproduced" if same else otherwise
    return {
        **{"ours": value.value, "ci_low": value.low, "ci_high": value.high, "n": str(value.n)},
        **{"seeds": len(rows), "seed_sd": value.seed_sd, "verdict": verdict, "note": ""},
        **{"lowest": rows["ours"].min(), "highest": rows["ours"].max()},
    }


@cache
def rows_of(run: Path) -> pd.DataFrame:
    """Return the rows of verdicts.csv by id, pooled where several seeds measured one.

    Also those of further.csv, an attack of a later commit on the same networks.
    """
    files = [file for name in ("verdicts", "further") if (file := run / f"{name}.csv").exists()]
    rows = pd.concat(pd.read_csv(file, dtype={"n": str}) for file in files).set_index("id")
    seeds, published = by_seed(run), pd.read_csv(PUBLISHED, index_col="id")
    if not len(seeds):
        return rows
    found = {
        name: over_seeds(
            seeds.loc[name].unstack().dropna(subset="ours"),
            rows.loc[name, "unit"],
            published[published.index == name],
        )
        for name in seeds.index
    }
    frame = pd.DataFrame.from_dict(found, orient="index")
    columns = [*rows, *(column for column in frame if column not in rows)]
    rows = rows.reindex(columns=columns).astype(object)  # texts may be in a column without any
    rows.loc[frame.index, list(frame)] = frame
    return rows
