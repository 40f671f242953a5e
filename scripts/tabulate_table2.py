"""Table II: detection rates of squeezed faces, published beside ours, with intervals (IV-C)."""

import pandas as pd

from typeone.reporting.tables.cells import read_published
from typeone.reporting.tables.files import write_table
from typeone.reporting.tables.table2 import table2
from typeone.runtime.artifacts import read_frame
from typeone.runtime.job import job

if "snakemake" in globals():
    with job(snakemake) as run:
        found = pd.concat([read_frame(path) for path in run.input.measurements])
        names = run.params.names
        rows, table = table2(
            found[found["attack"].isin(list(names))],
            read_published(run.input.published),
            names=names,
            **{k: run.params[k] for k in ("published_names", "ours")},
        )
        write_table(run.output, rows, table, caption=run.params.caption)
