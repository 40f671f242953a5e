"""Evaluate Eq. 13 on the small face generator, with random pairs as a baseline (III-D, IV-E)."""

from typeone.data.shapes import FACE_SHAPE
from typeone.evaluation.panels import load_panel
from typeone.evaluation.style_generators import small_generator_measurements
from typeone.models.recognizers import read_thresholds
from typeone.runtime.artifacts import read_parquet, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger


def evaluate_style_generator(
    *, example_paths, threshold_paths, judge_paths, measurements_path, **named
):
    """Write the measurements; paths of examples and thresholds: by seed."""
    judges = load_panel(judge_paths, faces=True, batch=256)
    rows = []
    for seed, path in example_paths.items():
        table = read_parquet(path, shapes={"image": FACE_SHAPE, "adversarial_image": FACE_SHAPE})
        thresholds = read_thresholds(threshold_paths[seed])
        rows += small_generator_measurements(table, thresholds, judges, **named, seed=seed)
    for row in rows:
        logger.info("%s, seed %d: %.3f", row["id"], row["seed"], row["value"])
    write_rows(measurements_path, rows)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        seeds = run.params.seeds
        evaluate_style_generator(
            example_paths=dict(zip(seeds, run.input.examples, strict=True)),
            threshold_paths=dict(zip(seeds, run.input.thresholds, strict=True)),
            judge_paths=run.input.judges,
            measurements_path=run.output.measurements,
            clear_confidence=run.params.clear_confidence,
            **run.params.named,
        )
