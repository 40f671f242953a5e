"""Sample the test digits that every attack starts from: random ones that f1 gets right.

ASSUME: IV-C draws "500 samples on MNIST test set". IV-A starts from images "correctly classified by
f1", and so does every attack here. Table I's clean row is of all test digits. Digits in the
training data of a strengthened f1 are left out.
"""

import numpy as np
import torch

from typeone.data.digits import read_digits
from typeone.data.images import to_uint8
from typeone.evaluation.held_out import unseen_test_digits
from typeone.models.classifiers import load_classifier
from typeone.models.predictions import labels_of, predict
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.errors import InputError


def sample_examples(*, test_path, model_path, module, examples_path, count, seed):
    """Write ``count`` digits in random order: their index in the test set, image and label."""
    images, labels = read_digits(test_path)
    guesses = labels_of(predict(load_classifier(model_path, module=module), images))
    unseen = torch.from_numpy(unseen_test_digits(model_path, np.arange(len(labels))))
    right = torch.nonzero((guesses == labels) & unseen).flatten()
    if len(right) < count:
        raise InputError(
            f"`examples.count` is {count}, but {model_path} gets only {len(right)} of "
            f"{len(images)} test digits right; lower the count or train it longer"
        )
    chosen = right[torch.randperm(len(right), generator=seeded(seed))[:count]]
    write_parquet(
        examples_path,
        {
            "index": chosen.numpy().astype(np.int32),
            "image": to_uint8(images[chosen]).numpy(),
            "label": labels[chosen].numpy(),
        },
        metadata={"split": "test", "seed": seed},
    )


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        sample_examples(
            test_path=run.input.test,
            model_path=run.input.model,
            module=run.params.module,
            examples_path=run.output.examples,
            **run.params.settings,
        )
