"""ROC of the joint squeezing detector on every attack of Table I, with L1 and with L2 (IV-C)."""

from typeone.reporting.figures.table1_roc import table1_roc
from typeone.reporting.plotting import save_figure
from typeone.runtime.artifacts import read_frame
from typeone.runtime.job import job

if "snakemake" in globals():
    with job(snakemake) as run:
        how = {k: run.params[k] for k in ("target", "names", "caption")}
        figure = table1_roc(read_frame(run.input.roc), **how)
        save_figure(figure, run.output, dpi=run.params.dpi)
