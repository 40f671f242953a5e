"""Strengthened classifiers in the form of Table III: one row per network, one column per test."""

from typeone.reporting.tables.cells import read_published
from typeone.reporting.tables.files import write_table
from typeone.reporting.tables.strengthening import strengthening
from typeone.runtime.artifacts import read_frame
from typeone.runtime.job import job

if "snakemake" in globals():
    with job(snakemake) as run:
        measurements, published = run.input.measurements, run.input.published
        names = run.params.names
        rows, table = strengthening(read_frame(measurements), read_published(published), names)
        write_table(run.output, rows, table)
