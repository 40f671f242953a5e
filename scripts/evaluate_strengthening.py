"""Evaluate strengthened classifiers on clean digits, old examples and fresh ones (IV-D)."""

import numpy as np

from typeone.data.digits import read_digits
from typeone.data.shapes import DIGIT_SHAPE
from typeone.evaluation import strengthened_classifiers as strengthened
from typeone.evaluation.held_out import unseen_test_digits
from typeone.models.classifiers import load_classifier
from typeone.runtime.artifacts import read_parquet, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger


def evaluate_strengthening(
    *, test_path, networks, seeds, model_paths, tests, example_paths, measurements_path
):
    """Write one row per (network, what, seed).

    ``networks``: the base first. ``model_paths``: of each network for each seed. ``tests``:
    (network, attack, old or fresh), each with a path for each seed in ``example_paths``.
    """
    images, labels = read_digits(test_path)
    models = dict(zip([(n, s) for n in networks for s in seeds], model_paths, strict=True))
    classifiers = {key: load_classifier(path) for key, path in models.items()}
    found = {}
    for key, path in models.items():
        clean = images, labels, unseen_test_digits(path, np.arange(len(labels)))
        found[*key, "clean", ""] = strengthened.clean_accuracy(classifiers[key], *clean)
    for shown in strengthened.showings(tests, base=networks[0], seeds=seeds):
        path = example_paths[shown.table]
        examples = read_parquet(path, shapes={"adversarial_image": DIGIT_SHAPE})
        unseen = unseen_test_digits(models[shown.shown_to], examples["index"])
        tested = classifiers[shown.shown_to], examples, shown.what, shown.when
        accuracies = strengthened.example_accuracies(*tested, unseen=unseen)
        for name, value in accuracies.items():
            if value.n:
                found[shown.network, shown.seed, name, shown.when] = value
            else:
                told = "%s, %s, %s: there is no example; the row is left out"
                logger.warning(told, shown.network, name, path)
    how = {"base": networks[0], "seeds": seeds, "test_count": len(labels)}
    rows = [*strengthened.measurements(found, **how)]
    for row in rows:
        told = (row[k] for k in ("network", "seed", "what", "value", "n"))
        logger.info("%s, seed %d, %s: %.3f of %d", *told)
    write_rows(measurements_path, rows)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        evaluate_strengthening(
            test_path=run.input.test,
            networks=run.params.networks,
            seeds=run.params.seeds,
            model_paths=run.input.models,
            tests=run.params.tests,
            example_paths=run.input.examples,
            measurements_path=run.output.measurements,
        )
