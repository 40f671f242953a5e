"""Evaluate people's answers: success of attacks, agreement, careless people."""

import numpy as np
import pandas as pd

from typeone.evaluation.measurements import MEASURED
from typeone.evaluation.people.sample import Run
from typeone.evaluation.people.study import measure_study, named_examples
from typeone.evaluation.people.success import COLUMNS
from typeone.reporting.tables.files import write_table
from typeone.reporting.verdicts import SAME_PERSON
from typeone.runtime.artifacts import read_parquet, write_parquet
from typeone.runtime.job import job
from typeone.runtime.logs import logger


def examples_of(runs, paths, column):
    """Read the columns of judged examples that decide success, with the name of each image."""
    columns = ["position", "label", "target_label", column]
    tables = (read_parquet(path, columns=columns).frame() for path in paths)
    return named_examples(zip((Run(*run) for run in runs), tables, strict=True))


def evaluate_study(*, answers_path, key_paths, digits, faces, paths, settings, **how):
    """Write rates by people, a table of the people, and rows of the verdict table."""
    answers = read_parquet(answers_path).frame()
    keys = [read_parquet(path).frame() for path in key_paths]
    key = pd.concat(keys) if keys else answers.iloc[:0].assign(truth="")
    truths = key[key["truth"] != ""].set_index(["question", "image"])["truth"]
    if answers.empty:
        logger.info(
            "there are no answers: to ask people, distribute results/study/index.html and list "
            "the files that they save under `annotations` (config.yaml)"
        )
    tables = {
        "digit": examples_of(*digits, "f1_label_after"),
        "face": examples_of(*faces, "distance"),
    }
    tables["person"] = tables["face"]
    how |= {k: settings[k] for k in ("careless", "draws", "seed")}
    study = measure_study(answers, truths, tables, same_person=SAME_PERSON, **how)
    people = {name: np.array(study.people[name], dtype=kind) for name, kind in COLUMNS.items()}
    write_parquet(paths["people"], people)
    measured = {k: np.array([r[k] for r in study.rows], dtype=v) for k, v in MEASURED.items()}
    write_parquet(paths["measurements"], measured)
    write_table(paths, study.annotators, study.annotators.round(3).astype(object).fillna(""))


if "snakemake" in globals():
    with job(snakemake) as run:
        evaluate_study(
            answers_path=run.input.answers,
            key_paths=run.input.key,
            digits=(run.params.digit_runs, run.input.digits),
            faces=(run.params.face_runs, run.input.faces),
            sources=run.params.sources,
            published=run.params.published,
            settings=run.params.settings,
            paths=dict(run.output),
        )
