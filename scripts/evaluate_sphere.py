"""Evaluate the sphere experiment: errors of f1, Type I and Type II attacks on it (II-B)."""

from typeone.evaluation.spheres import sphere_measurements
from typeone.runtime.artifacts import read_parquet, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger
from typeone.theory.quadratic import load_quadratic
from typeone.theory.spheres import Spheres


def evaluate_sphere(*, model_paths, example_paths, measurements_path, **settings):
    """Write rows (id, seed) for the verdict table; ``model_paths``, ``example_paths``: by seed."""
    rows = []
    for seed, model_path in model_paths.items():
        examples = read_parquet(example_paths[seed])
        for row in sphere_measurements(
            *load_quadratic(model_path), examples, seed=seed, **settings
        ):
            logger.info("%s, seed %d: %.6g", row["id"], seed, row["value"])
            rows.append(row)
    write_rows(measurements_path, rows)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        seeds = run.params.seeds
        evaluate_sphere(
            model_paths=dict(zip(seeds, run.input.models, strict=True)),
            example_paths=dict(zip(seeds, run.input.examples, strict=True)),
            measurements_path=run.output.measurements,
            spheres=Spheres(**run.params.spheres),
            test=run.params.test,
            tolerance=run.params.tolerance,
        )
