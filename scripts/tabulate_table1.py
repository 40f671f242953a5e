"""Table I: detection rates of feature squeezing, published beside ours, with intervals (IV-C)."""

from typeone.reporting.tables.cells import read_published
from typeone.reporting.tables.files import write_table
from typeone.reporting.tables.table1 import table1
from typeone.runtime.artifacts import read_frame
from typeone.runtime.job import job

if "snakemake" in globals():
    with job(snakemake) as run:
        rows, table = table1(
            read_frame(run.input.rates),
            read_published(run.input.published),
            **{k: run.params[k] for k in ("target", "names", "published_names")},
        )
        write_table(run.output, rows, table)
