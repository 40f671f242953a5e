"""What strengthened classifiers withstand: clean digits, old examples and fresh ones (IV-D).

Old examples were made against the network that was strengthened, and count when they fooled it, so
that this network is right on none; fresh ones were made against the network that they are shown to,
from digits that it gets right, and all count. The right answer is
the digit's label after a Type II attack. After a Type I attack it is what the attack aimed at, as
in the paper; `seen` takes the images in which the oracle clearly sees another digit than the
original, and its label. Old examples are shown to a plain network of another seed too: what it
gets right no strengthening has earned.

ASSUME: the paper does not say which Type II examples its accuracy is of; here PGD's, and the note
tells FGSM's.
"""

import numpy as np
import torch

from typeone.data.digits import DIGIT_SHAPE, read_digits
from typeone.data.images import from_uint8
from typeone.evaluation.held_out import next_seed, unseen_test_digits
from typeone.evaluation.intervals import pool_seeds, rate
from typeone.evaluation.measurements import measurement
from typeone.models.classifiers import load_classifier
from typeone.models.predictions import predict
from typeone.runtime.artifacts import read_parquet, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger

PUBLISHED = {("lenet_alp", "pgd_old"): "alp.type2_accuracy"}
PUBLISHED |= {("lenet_alp", "type1_old"): "alp.type1_accuracy"}
TEXTS = {
    "clean": "test digits",
    "type1": "Type I examples, the target counting as right",
    "type1_seen": "Type I examples where the oracle clearly sees another digit, its label counting",
    "fgsm": "FGSM examples",
    "pgd": "PGD examples",
    "pgd_restarts": "PGD examples of more steps and several starts",
}
WHEN = {
    "": "",
    "old": "that fooled the base",
    "fresh": "made against itself, of digits that it gets right",
}


def labels_seen(classifier, images):
    """The classifier's label of stored images, int64 ``(N,)``."""
    return predict(classifier, from_uint8(images)).argmax(dim=1).numpy()


def accuracies(model_path, classifier, what, when, examples):
    """Accuracies by name on one table of judged examples, without digits that were trained on."""
    label, after = examples["label"], examples["f1_label_after"]
    fooled = (after == label) if what == "type1" else (after != label)
    tested = unseen_test_digits(model_path, examples["index"])
    if when == "old":
        tested = tested & fooled
    guesses = labels_seen(classifier, examples["adversarial_image"])
    if what != "type1":
        return {what: rate((guesses == label)[tested])}
    judged = examples["oracle_label"]
    changed = tested & examples["oracle_clear"] & (judged != label)
    return {
        "type1": rate((guesses == examples["target_label"])[tested]),
        "type1_seen": rate((guesses == judged)[changed]),
    }


def evaluate_strengthening(
    *, test_path, networks, seeds, model_paths, tests, example_paths, measurements_path
):
    """Write one row a (network, what, seed).

    ``networks``: the base first. ``model_paths``: of each network for each seed. ``tests``:
    (network, attack, old or fresh), each with a path for each seed in ``example_paths``.
    """
    images, labels = read_digits(test_path)
    numbers = np.arange(len(labels))
    models = dict(zip([(n, s) for n in networks for s in seeds], model_paths, strict=True))
    classifiers = {key: load_classifier(path) for key, path in models.items()}
    found = {}
    for key, path in models.items():
        unseen = torch.from_numpy(unseen_test_digits(path, numbers))
        right = predict(classifiers[key], images[unseen]).argmax(dim=1) == labels[unseen]
        found[*key, "clean", ""] = rate(right.numpy())
    runs = [(*test, seed) for test in tests for seed in seeds]
    shown = [(run, path, run[0], run[3]) for run, path in zip(runs, example_paths, strict=True)]
    if len(seeds) > 1:
        following = next_seed(seeds)
        shown += [
            ((f"{base}_other_seed", what, when, seed), path, base, following[seed])
            for (base, what, when, seed), path, *_ in shown
            if base == networks[0] and when == "old"
        ]
    for (network, what, when, seed), path, *key in shown:
        examples = read_parquet(path, shapes={"adversarial_image": DIGIT_SHAPE})
        model = models[tuple(key)], classifiers[tuple(key)]
        for name, value in accuracies(*model, what, when, examples).items():
            if not value.n:
                logger.warning("%s, %s, %s: no example, the row is left out", network, name, path)
            else:
                found[network, seed, name, when] = value
    rows = []
    for (network, seed, name, when), value in found.items():
        what = f"{name}_{when}" if when else name
        logger.info("%s, seed %d, %s: %.3f of %d", network, seed, what, value.value, value.n)
        of_it = f"{TEXTS[name]} {WHEN[when]}".strip()
        rows.append(
            {
                **measurement(
                    PUBLISHED.get((network, what), f"beyond.strengthening.{network}.{what}"),
                    value,
                    seed=seed,
                    description=f"accuracy of {network} on {of_it}",
                    note=note(found, network, networks[0], seeds, what),
                ),
                **{"network": network, "what": what},
            }
        )
    write_rows(measurements_path, rows)


def note(found, network, base, seeds, what):
    """What the verdict table says beside a published number: the other ways to count it."""

    def pooled(name, when, of=network):
        values = [found[of, s, name, when] for s in seeds if (of, s, name, when) in found]
        return f"{pool_seeds(values).value:.3f}" if values else "no example"

    if (network, what) not in PUBLISHED:
        return ""
    plain = pooled(what.removesuffix("_old"), "old", of=f"{base}_other_seed")
    control = f"; a plain {base} of another seed: {plain}" if len(seeds) > 1 else ""
    if what == "pgd_old":
        return (
            f"PGD; on FGSM {pooled('fgsm', 'old')}; attacked afresh: PGD {pooled('pgd', 'fresh')}, "
            f"longer and from several starts {pooled('pgd_restarts', 'fresh')}, "
            f"FGSM {pooled('fgsm', 'fresh')}{control}"
        )
    return (
        "the attack's target counts as right; where the oracle clearly sees another digit, its "
        f"label: {pooled('type1_seen', 'old')}; attacked afresh: {pooled('type1', 'fresh')} and "
        f"{pooled('type1_seen', 'fresh')}{control}"
    )


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
