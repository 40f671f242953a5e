"""Table II: detection rates of squeezed faces, published beside ours, with intervals (IV-C)."""

import pandas as pd

from typeone.evaluation.measurements import pooled
from typeone.reporting.tables import write_table
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job


def tabulate_table2(
    *, measurements_path, published_path, names, published_names, ours, caption, table_paths
):
    """Write the pooled rates as CSV, and what the paper prints beside ours as Markdown and LaTeX.

    ``names``: images and their labels, in order; ``published_names``: how the ids of the published
    values call those that the paper has. ``ours``: whose faces our numbers are of. ``caption``:
    what else is said of them.
    """
    frame = read_parquet(measurements_path).frame()
    published = pd.read_csv(published_path).set_index("id")["published"]
    keys = frame.drop_duplicates("id").set_index("id")[["attack", "squeezer", "threshold"]]
    rows = pd.DataFrame(
        {**keys.loc[found.id].to_dict(), **found.value._asdict(), "seeds": found.seeds}
        for found in pooled(frame)
    )
    rows["published"] = [
        published.get(f"table2.{published_names.get(attack)}.{squeezer.removeprefix('median_')}")
        if threshold == "zeta"
        else None
        for attack, squeezer, threshold in zip(
            rows["attack"], rows["squeezer"], rows["threshold"], strict=True
        )
    ]
    cells = rows.set_index(["attack", "squeezer", "threshold"])
    heads = {"zeta": "at the published threshold", "fitted": "at a fitted threshold"}
    body = []
    for name, label in names.items():
        row = {"": label, "n": cells.loc[name, rows["squeezer"].iloc[0], "zeta"]["n"]}
        for threshold, head in heads.items():
            for squeezer in rows["squeezer"].unique():
                cell = cells.loc[name, squeezer, threshold]
                size = squeezer.removeprefix("median_")
                if threshold == "zeta":
                    value = cell["published"]
                    row[f"{size} published (CelebA)"] = "" if pd.isna(value) else f"{value:.3f}"
                row[f"{size} {ours}, {head}"] = (
                    f"{cell['value']:.3f} [{cell['low']:.3f}, {cell['high']:.3f}]"
                )
        body.append(row)
    write_table(table_paths, rows, pd.DataFrame(body), caption=caption)


if "snakemake" in globals():
    with job(snakemake) as run:
        tabulate_table2(
            measurements_path=run.input.measurements,
            published_path=run.input.published,
            names=run.params.names,
            published_names=run.params.published_names,
            ours=run.params.ours,
            caption=run.params.caption,
            table_paths=dict(run.output),
        )
