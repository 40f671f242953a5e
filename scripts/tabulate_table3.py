"""Table III: accuracy of strengthened recognizers, published beside ours (IV-D)."""

from typeone.reporting.tables.cells import read_published
from typeone.reporting.tables.files import write_table
from typeone.reporting.tables.table3 import table3, table3_caption
from typeone.runtime.artifacts import read_frame
from typeone.runtime.job import job

TOLD = ("variant", "source", "recognizer", "preset", "false_accepts")

if "snakemake" in globals():
    with job(snakemake) as run:
        measurements, published = run.input.measurements, run.input.published
        names = {k: run.params[k] for k in ("names", "labels")}
        rows, table = table3(read_frame(measurements), read_published(published), **names)
        caption = table3_caption(rows, **{k: run.params[k] for k in TOLD})
        write_table(run.output, rows, table, caption=caption)
