"""Fig. 5b: image transition of faces by the SVAE alone, to the opposite gender (III-B)."""

from typeone.reporting.figures.walks import figure5b
from typeone.reporting.plotting import save_figure
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job

if "snakemake" in globals():
    with job(snakemake) as run:
        figure = figure5b(
            read_parquet(run.input.examples),
            read_parquet(run.input.trace),
            **{k: run.params[k] for k in ("faces", "columns", "caption")},
        )
        save_figure(figure, run.output, dpi=run.params.dpi)
