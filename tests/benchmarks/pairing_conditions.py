"""What makes a paired LeNet wrong on old Type I examples as often as published (IV-D: 0.142 right)?

    pairing_conditions.py --results results [--epochs 2] [--out FILE.csv]

Strengthens the LeNet of a run of preset full by logit pairing under several conditions, for a few
epochs, and prints the accuracy on clean test digits and on the run's old examples of PGD, FGSM and
Type I. Rows that FILE has are not made again.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from typeone.data.digits import read_digits
from typeone.data.shapes import DIGIT_SHAPE
from typeone.defenses.classifiers import strengthen_classifier
from typeone.evaluation.strengthened_classifiers import clean_accuracy, example_accuracies
from typeone.models.classifiers import load_classifier
from typeone.runtime.artifacts import read_parquet
from typeone.training.loop import Training
from typeone.workflow.settings import layers

ROOT = Path(__file__).parents[2]
CONDITIONS = {
    "as in preset full": {},
    "pairing weight 0.1": {"pairing_weight": 0.1},
    "pairing weight 10": {"pairing_weight": 10.0},
    "no pairing, adversarial training": {"pairing_weight": 0.0},
    "pairs by FGSM": {"steps": 1, "step_size": 0.3},
    "pairs by noise": {"steps": 1, "step_size": 1e-9},
    "epsilon 0.2": {"epsilon": 0.2},
    "epsilon 0.1": {"epsilon": 0.1, "step_size": 0.03},
    "from scratch": {"start": "scratch"},
}
OLD = {"pgd": "pgd", "fgsm": "fgsm", "type1": "paper_lenet"}


def accuracies(model, results, test):
    """Accuracy of a strengthened LeNet by kind of image."""
    found = {"clean": clean_accuracy(model, *test, np.ones(len(test[1]), dtype=bool))}
    for what, attack in OLD.items():
        path = results / f"mnist/attacks/{attack}/lenet/seed1/examples.parquet"
        examples = read_parquet(path, shapes={"adversarial_image": DIGIT_SHAPE})
        unseen = np.ones(len(examples["label"]), dtype=bool)
        found |= example_accuracies(model, examples, what, "old", unseen=unseen)
    return {name: value.value for name, value in found.items()}


def strengthened(condition, results, epochs):
    """Return the LeNet of ``results``, paired under ``condition``."""
    own = dict(layers.of_files(ROOT, "presets/full.yaml")["strengthened"]["lenet_alp"])
    settings = own["settings"] | {k: v for k, v in condition.items() if k != "start"}
    sets = [
        read_digits(results / f"data/mnist/{k}.parquet") for k in ("train", "validation", "test")
    ]
    training = own["training"] | {"epochs": epochs}
    model, *_ = strengthen_classifier(
        Training("pairing", training, 1, torch.device("cpu")),
        load_classifier(results / "mnist/classifiers/lenet/seed1/model.safetensors"),
        *sets,
        None,
        architecture="lenet",
        module=None,
        method="logit_pairing",
        start=condition.get("start", "base"),
        settings=settings | {"epsilon_warmup": min(settings["epsilon_warmup"], epochs / 2)},
    )
    return model.eval(), sets[2]


def main():
    """Train and measure each condition; print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("pairing_conditions.csv"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = pd.read_csv(options.out).to_dict("records") if options.out.exists() else []
    for name, condition in CONDITIONS.items():
        if any((row["condition"], row["epochs"]) == (name, options.epochs) for row in rows):
            continue
        model, test = strengthened(condition, options.results, options.epochs)
        how = {"condition": name, "epochs": options.epochs}
        rows.append(how | accuracies(model, options.results, test))
        pd.DataFrame(rows).to_csv(options.out, index=False)
    print(pd.DataFrame(rows).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
