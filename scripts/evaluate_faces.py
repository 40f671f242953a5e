"""Compute success rates of attacks on a recognizer, to compare with the published 69.8 % (IV-B)."""

from typeone.evaluation.face_success import MAIN, face_measurements
from typeone.models.recognizers import read_thresholds
from typeone.runtime.artifacts import read_parquet, write_rows
from typeone.runtime.job import job
from typeone.runtime.logs import logger


def evaluate_faces(
    *, runs, example_paths, threshold_paths, pair_paths, measurements_path, source, published
):
    """Write one row per (run, measure).

    ``runs``: (attack, recognizer, seed), each with a table of judged examples, the thresholds of
    its recognizer and its rates on plain pairs (`evaluate_recognizer`). ``source``: source of the
    faces. ``published``: id of the published success rate, used for the attack ``paper``.
    """
    found = []
    for run, *paths in zip(runs, example_paths, threshold_paths, pair_paths, strict=True):
        rows, limits, pairs = paths
        rows = read_parquet(rows).columns
        plain = read_parquet(pairs).frame().set_index("id")["value"]
        found += face_measurements(
            rows,
            run=tuple(run),
            targeted="target_label" in rows,
            thresholds=read_thresholds(limits),
            plain=plain[f"beyond.{source}.opposite_gender_pairs.{MAIN}"],
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
            pair_paths=run.input.pairs,
            measurements_path=run.output.measurements,
            source=run.params.source,
            published=run.params.published,
        )
