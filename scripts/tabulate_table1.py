"""Table I: detection rates of feature squeezing, published beside ours, with intervals (IV-C)."""

import pandas as pd

from typeone.reporting.tables import published_values, write_table
from typeone.reporting.verdicts import rates_by_seed
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job

METRICS = {"l2": "L2", "l1": "L1"}


def pool(rates):
    """One row an (attack, metric, threshold), the seeds pooled."""
    keys = ["attack", "metric", "threshold", "nominal"]
    return pd.DataFrame(
        {**dict(zip(keys, key, strict=True)), **rates_by_seed(group)._asdict()}
        for key, group in rates.groupby(keys, sort=False)
    )


def tabulate_table1(*, rates_path, published_path, target, names, published_names, table_paths):
    """Write the long table as CSV, and what the paper prints beside ours as Markdown and LaTeX.

    ``names``: attacks and their labels, in order; ``published_names``: how the ids of the published
    values call those that have another name there. Without ``published_path`` nothing is published.
    """
    rates = read_parquet(rates_path).frame()
    rates = rates[(rates["squeezer"] == "joint") & (rates["target"] == target)]
    pooled = pool(rates)
    published = published_values(published_path)
    pooled["published"] = [
        published.get(f"table1.{published_names.get(a, a)}.{nominal:.4f}")
        if kind == "zeta"
        else None
        for a, kind, nominal in zip(
            pooled["attack"], pooled["threshold"], pooled["nominal"], strict=True
        )
    ]
    columns, body = [], []
    for (kind, nominal), _ in pooled.groupby(["threshold", "nominal"], sort=False):
        head = f"zeta {nominal}" if kind == "zeta" else f"{nominal:.0%} clean"
        columns.append((kind, nominal, head))
    for attack, label in names.items():
        row = {"": label}
        for kind, nominal, head in columns:
            cell = pooled[
                (pooled["attack"] == attack)
                & (pooled["threshold"] == kind)
                & (pooled["nominal"] == nominal)
            ].set_index("metric")
            if kind == "zeta" and len(published):
                value = cell["published"].iloc[0]
                row[f"{head} published"] = "" if pd.isna(value) else f"{value:.3f}"
            for metric, shown in METRICS.items():
                r = cell.loc[metric]
                row[f"{head} {shown}"] = f"{r['value']:.3f} [{r['low']:.3f}, {r['high']:.3f}]"
        body.append(row)
    table = pd.DataFrame(body)
    write_table(table_paths, pooled, table)


if "snakemake" in globals():
    with job(snakemake) as run:
        tabulate_table1(
            rates_path=run.input.rates,
            published_path=run.input.published,
            target=run.params.target,
            names=run.params.names,
            published_names=run.params.published_names,
            table_paths=dict(run.output),
        )
