"""The attack of Fig. 9 on the small generator of faces: pairs, and all distances (IV-E)."""

from typeone.data.shapes import FACE_SHAPE
from typeone.reporting.figures.figure9_small import figure9_small
from typeone.reporting.plotting import save_figure
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job

if "snakemake" in globals():
    with job(snakemake) as run:
        shapes = {"image": FACE_SHAPE, "adversarial_image": FACE_SHAPE}
        examples, drawn = read_parquet(run.input.examples, shapes=shapes), run.params.drawn
        figure = figure9_small(examples, pairs=drawn["pairs"], caption=drawn["caption"])
        save_figure(figure, run.output, dpi=drawn["dpi"])
