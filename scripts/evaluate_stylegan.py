"""Measure Fig. 9: FaceNet's distances of both ends, and of random pairs as a baseline."""

import pandas as pd

from typeone.evaluation.style_generators import stranger_distances, stylegan_measurements
from typeone.models.face_generators import load_face_generator
from typeone.models.recognizers import load_recognizer
from typeone.runtime.artifacts import read_parquet, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger


def evaluate_stylegan(
    *, example_paths, generator_path, recognizer_path, measurements_path, device, **settings
):
    """Write the measurements; ``example_paths``: one per row, from row 1 on."""
    examples = pd.concat([read_parquet(path).frame() for path in example_paths])
    strangers = stranger_distances(
        load_face_generator(generator_path, device),
        load_recognizer(recognizer_path, device),
        seeded(settings["seed"], device),
        count=settings["strangers_count"],
        device=device,
    )
    rows = list(stylegan_measurements(examples, strangers, **settings))
    for row in rows:
        logger.info("%s: %.3f", row["id"], row["value"])
    write_rows(measurements_path, rows)


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        evaluate_stylegan(
            example_paths=run.input.examples,
            generator_path=run.input.generator,
            recognizer_path=run.input.recognizer,
            measurements_path=run.output.measurements,
            **run.params.settings,
            device=run.device,
        )
