"""Fig. 1: the ROC of f1 for one class, and where each type of attack moves its operating point."""

from typeone.reporting.figures.figure1 import figure1
from typeone.reporting.plotting import save_figure
from typeone.runtime.artifacts import read_frame, read_parquet
from typeone.runtime.job import job

if "snakemake" in globals():
    with job(snakemake) as run:
        figure = figure1(
            read_frame(run.input.curves),
            read_frame(run.input.measurements),
            (read_parquet(run.input.type1), read_parquet(run.input.type2)),
            **run.params.settings,
            seed=run.params.seed,
            preset=run.params.preset,
        )
        save_figure(figure, run.output, dpi=run.params.dpi)
