"""Strengthened classifiers in the manner of Table III: a row a network, a column a kind of test."""

import pandas as pd

from typeone.evaluation.measurements import pooled
from typeone.reporting.tables import published_values, write_table
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job

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


def tabulate_strengthening(*, measurements_path, published_path, names, table_paths):
    """Write the long table as CSV, accuracies with what the paper prints as Markdown and LaTeX.

    ``names``: networks and their labels, in order.
    """
    frame = read_parquet(measurements_path).frame()
    published = published_values(published_path)
    where = frame.drop_duplicates("id").set_index("id")[["network", "what"]]
    rows = pd.DataFrame(
        {
            **where.loc[found.id].to_dict(),
            **{"value": found.value.value, "low": found.value.low, "high": found.value.high},
            **{"n": found.value.n, "seeds": found.seeds, "published": published.get(found.id)},
        }
        for found in pooled(frame)
    )
    body = []
    for network, label in names.items():
        cells = rows[rows["network"] == network].set_index("what")
        ours, theirs = {"": label}, {"": f"{label}, published"}
        for what, head in COLUMNS.items():
            if what in cells.index:
                r = cells.loc[what]
                ours[head] = f"{r['value']:.3f} [{r['low']:.3f}, {r['high']:.3f}]"
                theirs[head] = "" if pd.isna(r["published"]) else f"{r['published']:.3f}"
        body.append(ours)
        if any(list(theirs.values())[1:]):
            body.append(theirs)
    columns = ["", *COLUMNS.values()]
    table = pd.DataFrame([{c: row.get(c, "") for c in columns} for row in body], columns=columns)
    write_table(table_paths, rows, table)


if "snakemake" in globals():
    with job(snakemake) as run:
        tabulate_strengthening(
            measurements_path=run.input.measurements,
            published_path=run.input.published,
            names=run.params.names,
            table_paths=dict(run.output),
        )
