"""Plot attacked images of the paper's variant, of ours and of rivals side by side."""

from typeone.reporting.figures.variants import variants
from typeone.reporting.plotting import save_figure
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job

if "snakemake" in globals():
    with job(snakemake) as run:
        ours = dict(zip(run.params.targets, map(read_parquet, run.input.ours), strict=True))
        paper, shown = read_parquet(run.input.paper), run.params.shown
        rivals = dict(zip(run.params.rivals, map(read_parquet, run.input.rivals), strict=True))
        figure = variants(paper, ours, rivals, shown=shown, preset=run.params.preset)
        save_figure(figure, run.output, dpi=run.params.dpi)
