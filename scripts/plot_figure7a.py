"""Fig. 7a: Type I attacks on digits, with f1's confidence in the original class (IV-A)."""

from typeone.reporting.figures.walks import figure7a
from typeone.reporting.plotting import save_figure
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job

if "snakemake" in globals():
    with job(snakemake) as run:
        figure = figure7a(
            read_parquet(run.input.examples),
            read_parquet(run.input.trace),
            **{k: run.params[k] for k in ("columns", "caption")},
        )
        save_figure(figure, run.output, dpi=run.params.dpi)
