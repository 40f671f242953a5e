"""Compute the ROC of f1 for one class against the rest, and its change under attacks (Fig. 1)."""

import pandas as pd

from typeone.data.digits import read_digits
from typeone.data.shapes import DIGIT_SHAPE
from typeone.evaluation.measurements import measurement
from typeone.evaluation.operating_points import operating_points
from typeone.models.classifiers import load_classifier
from typeone.runtime.artifacts import read_parquet, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger


def evaluate_roc(*, test_path, model_paths, runs, curves_path, measurements_path, kinds, positive):
    """Write every ROC and the measurements.

    ``model_paths``: f1 by seed. ``runs``: judged examples, ``{(attack, seed): path}``.
    """
    digits = read_digits(test_path)
    rows, curves = [], []
    for seed, path in model_paths.items():
        attacked = {
            name: read_parquet(runs[name, seed], shapes={"adversarial_image": DIGIT_SHAPE})
            for name in kinds
        }
        figures, drawn = operating_points(
            load_classifier(path), *digits, attacked, kinds=kinds, positive=positive
        )
        curves += [frame.assign(seed=seed) for frame in drawn if len(frame)]
        for name, value, text, note in figures:
            identity = f"beyond.fig1.{name}"
            if not value.n:
                logger.warning(
                    "seed %d, %s: there is no such image; the row is left out", seed, identity
                )
                continue
            logger.info("seed %d, %s: %.4f of %d", seed, identity, value.value, value.n)
            rows.append(measurement(identity, value, seed=seed, description=text, note=note))
    write_rows(curves_path, pd.concat(curves))
    write_rows(measurements_path, rows)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        evaluate_roc(
            test_path=run.input.test,
            model_paths=dict(zip(run.params.seeds, run.input.models, strict=True)),
            runs=dict(zip(map(tuple, run.params.runs), run.input.examples, strict=True)),
            curves_path=run.output.curves,
            measurements_path=run.output.measurements,
            kinds=run.params.kinds,
            positive=run.params.positive,
        )
