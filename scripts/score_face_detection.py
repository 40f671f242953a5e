"""Compute feature squeezing scores of faces: f1's embedding under median smoothing (IV-C)."""

from typeone.data.faces import first_faces
from typeone.data.shapes import FACE_SHAPE
from typeone.detectors.squeezing import embedding_score_rows
from typeone.models.recognizers import load_recognizer
from typeone.runtime.artifacts import read_parquet, write_parquet
from typeone.runtime.computing import computing_job

if "snakemake" in globals():
    with computing_job(snakemake) as run:
        settings, column = run.params.settings, "adversarial_image"
        shown = {}  # index and images; a threshold can be fitted on the validation ones
        for name, path in (("clean", run.input.test), ("validation", run.input.validation)):
            faces = first_faces(path, settings["count"])
            shown[name] = faces.index, faces.images
        for attack, path in zip(run.params.attacks, run.input.attacked, strict=True):
            table = read_parquet(path, columns=["index", column], shapes={column: FACE_SHAPE})
            shown[attack] = table["index"], table[column]
        rows = embedding_score_rows(
            load_recognizer(run.input.recognizer, run.device),
            shown,
            medians=settings["medians"],
            batch=settings["chunk"],
            device=run.device,
            checkpoint=run.checkpoint,
        )
        write_parquet(run.output.scores, rows)
