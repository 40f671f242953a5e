"""Fig. 8: pairs of digits from the latent space of the AC-GAN that f1 gives one class (IV-E)."""

from typeone.data.shapes import DIGIT_SHAPE
from typeone.reporting.figures.figure8 import figure8
from typeone.reporting.plotting import save_figure
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job

if "snakemake" in globals():
    with job(snakemake) as run:
        shapes = {"image": DIGIT_SHAPE, "adversarial_image": DIGIT_SHAPE}
        figure = figure8(
            read_parquet(run.input.examples, shapes=shapes),
            **{k: run.params[k] for k in ("variants", "pairs", "caption")},
        )
        save_figure(figure, run.output, dpi=run.params.dpi)
