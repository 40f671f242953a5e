"""Fig. 3: walks from the inner to the outer sphere on a level set of f1 (II-B), and f1's error."""

from typeone.reporting.figures.figure3 import figure3
from typeone.reporting.plotting import save_figure
from typeone.runtime.artifacts import read_frame
from typeone.runtime.job import job

if "snakemake" in globals():
    with job(snakemake) as run:
        figure = figure3(
            read_frame(run.input.trace),
            dict(zip(run.params.seeds, map(read_frame, run.input.curves), strict=True)),
            read_frame(run.input.measurements),
            **{k: run.params[k] for k in ("published", "inner", "outer", "preset")},
        )
        save_figure(figure, run.output, dpi=run.params.dpi)
