"""Compute detection rates of squeezed faces at the published and a fitted threshold (Table II)."""

from typeone.evaluation.detection import face_detection_rows
from typeone.runtime.artifacts import read_parquet, write_rows
from typeone.runtime.job import job


def evaluate_face_detection(*, seeds, scores_paths, measurements_path, **how):
    """Write one row per (images, squeezer, threshold, seed); ``how``: of `face_detection_rows`."""
    rows = []
    for seed, path in zip(seeds, scores_paths, strict=True):
        rows += face_detection_rows(read_parquet(path).frame(), seed=seed, **how)
    write_rows(measurements_path, rows)


if "snakemake" in globals():
    with job(snakemake) as run:
        evaluate_face_detection(
            seeds=run.params.seeds,
            scores_paths=run.input.scores,
            measurements_path=run.output.measurements,
            ids=run.params.ids,
            labels=run.params.labels,
            source=run.params.source,
            **run.params.settings,
        )
