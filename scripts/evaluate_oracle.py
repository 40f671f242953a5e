"""Compute test errors of the judges, the share of clean digits, and agreement with people."""

from functools import partial

import numpy as np

from typeone.data.digits import read_digits
from typeone.data.images import binarise
from typeone.evaluation.clean_images import CleanImages, clean_digit_rows
from typeone.evaluation.measurements import MEASURED
from typeone.evaluation.panels import load_panel
from typeone.evaluation.people.labelled import agreement_with_people
from typeone.models.density import load_density
from typeone.runtime.artifacts import read_parquet, write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger


def evaluate_oracle(*, paths, members, people, clear_confidence, seed):
    """Write one row per (judge or ensemble, input), grey or binarised: errors of n test digits.

    And rows of the verdict table: clear and clean test digits, and the agreement of the judges
    (``members`` by name) with people on each of the sets ``people`` (path and sha256 by name).
    """
    images, labels = read_digits(paths["test"])
    oracle = load_panel(paths["oracle"])
    rows = []
    for how, seen in (("grey", images), ("binarised", binarise(images))):
        found = oracle.verdict(seen, clear_confidence=1.0)
        votes = dict(zip(members, found.member_labels, strict=True))
        votes["ensemble"] = found.label
        rows += [
            (name, how, (vote != labels).double().mean().item()) for name, vote in votes.items()
        ]
    for name, how, error in rows:
        logger.info("judge %s, %s digits: test error %.2f %%", name, how, 100 * error)
    judge, how, error = zip(*rows, strict=True)
    write_parquet(
        paths["evaluation"],
        {"judge": judge, "input": how, "test_error": error, "n": [len(labels)] * len(rows)},
    )
    judge = partial(oracle.verdict, clear_confidence=clear_confidence)
    measured = clean_digit_rows(
        judge(images),
        labels,
        CleanImages(*load_density(paths["density"])).columns(images),
        seed=seed,
    )
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
