"""Plot ablations of attacks: success of variants, one setting changed at a time."""

from typeone.reporting.figures.ablations import ablations
from typeone.reporting.plotting import save_figure
from typeone.runtime.artifacts import read_frame
from typeone.runtime.job import job

if "snakemake" in globals():
    with job(snakemake) as run:
        tables = dict(zip(run.params.attacks, map(read_frame, run.input.examples), strict=True))
        figure = ablations(tables, caption=run.params.caption)
        save_figure(figure, run.output, dpi=run.params.dpi)
