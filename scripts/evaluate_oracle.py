"""Compute test errors of the judges, the share of clean digits, and agreement with people."""

from functools import partial

import numpy as np

from typeone.data.digits import read_digits
from typeone.evaluation.clean_images import clean_digit_rows, load_clean_images
from typeone.evaluation.measurements import MEASURED
from typeone.evaluation.panels import judge_errors, load_panel
from typeone.evaluation.people.labelled import agreement_with_people
from typeone.runtime.artifacts import read_parquet, write_parquet, write_rows
from typeone.runtime.computing import computing_job


def evaluate_oracle(*, paths, members, people, clear_confidence, seed):
    """Write one row per (judge or ensemble, input), grey or binarised: errors of n test digits.

    And rows of the verdict table: clear and clean test digits, and the agreement of the judges
    (``members`` by name) with people on each of the sets ``people`` (path and sha256 by name).
    """
    images, labels = read_digits(paths["test"])
    oracle = load_panel(paths["oracle"])
    write_rows(paths["evaluation"], judge_errors(oracle, members, images, labels))
    judge = partial(oracle.verdict, clear_confidence=clear_confidence)
    seen = judge(images)
    clean = load_clean_images(paths["density"]).columns(images, seen.label)
    measured = clean_digit_rows(seen, labels, clean, seed=seed)
    index = read_parquet(paths["test"], columns=["index"])["index"]
    measured += agreement_with_people(
        people,
        judge,
        dict(zip(index.tolist(), labels.tolist(), strict=True)),
        seed=seed,
    )
    columns = {k: np.array([r[k] for r in measured], dtype=v) for k, v in MEASURED.items()}
    write_parquet(paths["measurements"], columns)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        evaluate_oracle(
            paths={**dict(run.input.items()), **dict(run.output.items())},
            **{k: run.params[k] for k in ("members", "people", "clear_confidence", "seed")},
        )
