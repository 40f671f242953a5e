"""Compute detection rates at published thresholds and at ones fitted on clean digits (IV-C)."""

import pandas as pd

from typeone.evaluation.detection import detection_tables
from typeone.runtime.artifacts import read_parquet, write_rows
from typeone.runtime.job import job


def evaluate_detection(*, runs, rates_path, roc_path, **settings):
    """Write rates and ROC curves of every run: ``{(target, seed): path of its scores}``."""
    rates, curves = [], []
    for (target, seed), path in runs.items():
        found = detection_tables(read_parquet(path).frame(), **settings)
        for collected, frame in zip((rates, curves), found, strict=True):
            collected.append(frame.assign(target=target, seed=seed))
    for path, collected in ((rates_path, rates), (roc_path, curves)):
        write_rows(path, pd.concat(collected))


if "snakemake" in globals():
    with job(snakemake) as run:
        runs = map(tuple, run.params.runs)
        evaluate_detection(
            runs=dict(zip(runs, run.input.scores, strict=True)),
            rates_path=run.output.rates,
            roc_path=run.output.roc,
            **run.params.settings,
        )
