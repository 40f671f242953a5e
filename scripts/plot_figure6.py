"""Fig. 6: losses of f1, f2 and f_dis while one "4" becomes a "5" that f1 labels "4" (IV-A)."""

from typeone.reporting.figures.figure6 import figure6
from typeone.reporting.plotting import save_figure
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job

if "snakemake" in globals():
    with job(snakemake) as run:
        figure = figure6(
            read_parquet(run.input.trace),
            **{k: run.params[k] for k in ("columns", "published", "caption")},
        )
        save_figure(figure, run.output, dpi=run.params.dpi)
