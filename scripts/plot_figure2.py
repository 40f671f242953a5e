"""Fig. 2: the two attacks on a toy f1 with an unnecessary and a missing feature (II-A)."""

from typeone.reporting.figures.figure2 import figure2
from typeone.reporting.plotting import save_figure
from typeone.runtime.artifacts import read_frame
from typeone.runtime.job import job

if "snakemake" in globals():
    with job(snakemake) as run:
        figure = figure2(
            *(read_frame(run.input[name]) for name in ("samples", "planes", "moves")),
            **{k: run.params[k] for k in ("seed", "half_width", "shown", "preset")},
        )
        save_figure(figure, run.output, dpi=run.params.dpi)
