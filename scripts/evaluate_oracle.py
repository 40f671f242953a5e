"""Compute test errors of the judges and of their ensemble, and their agreement with people."""

import numpy as np

from typeone.data.digits import read_digits
from typeone.data.images import binarise
from typeone.evaluation.measurements import MEASURED
from typeone.evaluation.panels import load_panel
from typeone.evaluation.people.labelled import agreement_with_people
from typeone.runtime.artifacts import read_parquet, write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger


def evaluate_oracle(
    *, test_path, oracle_paths, evaluation_path, people_path, people, clear_confidence, seed
):
    """Write one row per (judge or ensemble, input), grey or binarised: errors of n test digits.

    And, for each of the sets ``people`` (path and sha256 by name), rows of the verdict table.
    """
    images, labels = read_digits(test_path)
    oracle = load_panel(oracle_paths.values())
    rows = []
    for how, seen in (("grey", images), ("binarised", binarise(images))):
        found = oracle.verdict(seen, clear_confidence=1.0)
        votes = dict(zip(oracle_paths, found.member_labels, strict=True))
        votes["ensemble"] = found.label
        rows += [
            (name, how, (vote != labels).double().mean().item()) for name, vote in votes.items()
        ]
    for name, how, error in rows:
        logger.info("judge %s, %s digits: test error %.2f %%", name, how, 100 * error)
    judge, how, error = zip(*rows, strict=True)
    write_parquet(
        evaluation_path,
        {"judge": judge, "input": how, "test_error": error, "n": [len(labels)] * len(rows)},
    )
    index = read_parquet(test_path, columns=["index"])["index"]
    measured = agreement_with_people(
        people,
        lambda seen: oracle.verdict(seen, clear_confidence=clear_confidence),
        dict(zip(index.tolist(), labels.tolist(), strict=True)),
        seed=seed,
    )
    columns = {k: np.array([r[k] for r in measured], dtype=v) for k, v in MEASURED.items()}
    write_parquet(people_path, columns)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        evaluate_oracle(
            test_path=run.input.test,
            oracle_paths=dict(zip(run.params.members, run.input.oracle, strict=True)),
            evaluation_path=run.output.evaluation,
            people_path=run.output.people,
            **{k: run.params[k] for k in ("people", "clear_confidence", "seed")},
        )
