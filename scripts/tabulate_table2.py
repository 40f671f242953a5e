"""Table II: detection rates of squeezed faces, published beside ours, with intervals (IV-C)."""

from typeone.reporting.tables.cells import read_published
from typeone.reporting.tables.files import write_table
from typeone.reporting.tables.table2 import table2
from typeone.runtime.artifacts import read_frame
from typeone.runtime.job import job

if "snakemake" in globals():
    with job(snakemake) as run:
        rows, table = table2(
            read_frame(run.input.measurements),
            read_published(run.input.published),
            **{k: run.params[k] for k in ("names", "published_names", "ours")},
        )
        write_table(run.output, rows, table, caption=run.params.caption)
