"""Fig. 7b: faces beside their attacked versions, with f1's distance above (IV-B)."""

from typeone.reporting.figures.figure7b import figure7b
from typeone.reporting.plotting import save_figure
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job

if "snakemake" in globals():
    with job(snakemake) as run:
        figure = figure7b(
            read_parquet(run.input.examples),
            **{k: run.params[k] for k in ("pairs", "threshold", "caption")},
        )
        save_figure(figure, run.output, dpi=run.params.dpi)
