"""Compute success rates of attacks on a recognizer, to compare with the published 69.8 % (IV-B)."""

from typeone.evaluation.face_success import face_measurements
from typeone.models.recognizers import read_thresholds
from typeone.runtime.artifacts import read_parquet, write_rows
from typeone.runtime.job import job
from typeone.runtime.logs import logger


def evaluate_faces(*, runs, example_paths, threshold_paths, measurements_path, source, published):
    """Write one row per (run, measure).

    ``runs``: (attack, recognizer, seed), each with a table of judged examples and the thresholds of
    its recognizer (`evaluate_recognizer`). ``source``: source of the faces. ``published``: id of
    the published success rate, used for the attack ``paper``.
    """
    found = []
    for run, path, limits in zip(runs, example_paths, threshold_paths, strict=True):
        rows = read_parquet(path).columns
        found += face_measurements(
            rows,
            run=tuple(run),
            targeted="target_label" in rows,
            thresholds=read_thresholds(limits),
            **{"source": source, "published": published},
        )
    for row in found:
        logger.info("%s, seed %d: %.3f of %d", row["id"], row["seed"], row["value"], row["n"])
    write_rows(measurements_path, found)


if "snakemake" in globals():
    with job(snakemake) as run:
        evaluate_faces(
            runs=run.params.runs,
            example_paths=run.input.examples,
            threshold_paths=run.input.thresholds,
            measurements_path=run.output.measurements,
            source=run.params.source,
            published=run.params.published,
        )
