"""Measure how often the oracle agrees with people on attacked images."""

import numpy as np
import pandas as pd

from typeone.evaluation.calibration import COLUMNS, calibrate
from typeone.evaluation.people.annotations import majority
from typeone.evaluation.people.sample import Run
from typeone.runtime.artifacts import read_frame, read_parquet, write_parquet
from typeone.runtime.job import job
from typeone.runtime.logs import logger

VIEW = ["judge_label", "judge_confidence", "judge_clear"]


def calibrate_oracle(*, answers_path, runs, example_paths, calibration_path):
    """Write one row per measure of agreement; no row if there are no answers.

    ``runs``: (attack, target, seed) of each table of judged examples in ``example_paths``. Answers
    about other images, and answers to a repeated image, don't count.
    """
    views = []
    for run, path in zip(runs, example_paths, strict=True):
        view = read_parquet(path, columns=["position", *VIEW]).frame()
        views.append(view.assign(image=[Run(*run).name(p) for p in view.pop("position")]))
    oracle = pd.concat(views, ignore_index=True)
    answers = read_frame(answers_path)
    asked = (answers["question"] == "digit") & (answers["showing"] == 1)
    annotations = answers[asked & answers["image"].isin(oracle["image"])]
    people = majority(annotations)
    rows = calibrate(people, oracle)
    note = {"annotations": len(annotations), "annotators": annotations["annotator"].nunique()}
    if len(annotations):
        agreement = rows.set_index("measure").loc["agreement"]
        logger.info(
            "%d annotations by %d annotators of %d images; of the %d that people call a digit the "
            "oracle agrees on %.1f %% [%.1f, %.1f]",
            *(*note.values(), len(people), agreement["n"]),
            *(100 * agreement[k] for k in ("value", "ci_low", "ci_high")),
        )
    else:
        rows = rows.head(0)
        logger.info(
            "no annotations are given, so the oracle is not compared with people; to do so, list "
            "the files that people saved under `annotations` (config.yaml)"
        )
    columns = {name: np.array(rows[name], dtype=kind) for name, kind in COLUMNS.items()}
    write_parquet(calibration_path, columns, metadata=note)


if "snakemake" in globals():
    with job(snakemake) as run:
        calibrate_oracle(
            answers_path=run.input.answers,
            runs=run.params.runs,
            example_paths=run.input.examples,
            calibration_path=run.output.calibration,
        )
