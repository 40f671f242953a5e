"""Fig. 9: faces along the attack in the latent space of a large generator (IV-E)."""

from typeone.reporting.figures.figure9 import figure9
from typeone.reporting.plotting import save_figure
from typeone.runtime.artifacts import read_frame, read_parquet
from typeone.runtime.job import job

if "snakemake" in globals():
    with job(snakemake) as run:
        examples, frames = (map(read_parquet, run.input[k]) for k in ("examples", "frames"))
        walks, drawn = list(zip(examples, frames, strict=True)), dict(run.params.drawn)
        dpi = drawn.pop("dpi")
        save_figure(
            figure9(walks, read_frame(run.input.measurements), **drawn), run.output, dpi=dpi
        )
