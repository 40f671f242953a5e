"""Fig. 5a: image transition by the SVAE alone, i → i + 1 (III-B)."""

from typeone.reporting.figures.walks import figure5a
from typeone.reporting.plotting import save_figure
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job

if "snakemake" in globals():
    with job(snakemake) as run:
        trace, columns = read_parquet(run.input.trace), run.params.columns
        figure = figure5a(trace, columns=columns, caption=run.params.caption)
        save_figure(figure, run.output, dpi=run.params.dpi)
