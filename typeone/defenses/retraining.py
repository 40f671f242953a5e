"""Retrain a classifier on Type I examples (plain adversarial training, IV-D).

Attacked images are added to the training digits with their target class, and the classifier is
fine-tuned. The examples are "randomly split into two parts with equal probability": one part is for
training, the other is held out for the test.

ASSUME: the two parts are of equal size. The label of an attacked image is the attack's target y',
as in the paper's accuracy on Type I examples. For some images the oracle gives another class; its
labels are not used for training, because the same oracle judges the test. The images come from test
digits, so neither those digits nor their attacked images may be in a test of this classifier.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from typeone.data.images import from_uint8
from typeone.models.predictions import labels_of, predict
from typeone.runtime.devices import seeded
from typeone.runtime.errors import InputError


def learnt_half(count: int, generator: torch.Generator) -> np.ndarray:
    """Draw a random half, rounded down, of ``count`` examples for training, bool ``(count,)``.

    Raises:
        InputError: there are fewer than two examples.
    """
    if count < 2:
        raise InputError(
            f"retraining has {count} examples that fooled the classifier, but needs at least two, "
            "one for each half; attack more (`count`) or with a stronger attack"
        )
    learnt = np.zeros(count, dtype=bool)
    learnt[torch.randperm(count, generator=generator)[: count // 2].numpy()] = True
    return learnt


def learnt_examples(
    rows: Mapping[str, np.ndarray], base: nn.Module, *, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return index, attacked image and target of the training half of the examples that fool base.

    ``rows``: examples of an attack on ``base``, in order of position.
    """
    guesses = labels_of(predict(base, from_uint8(rows["adversarial_image"]))).numpy()
    fooled = np.flatnonzero(guesses == rows["label"])
    learnt = fooled[learnt_half(len(fooled), seeded(seed))]
    return rows["index"][learnt], rows["adversarial_image"][learnt], rows["target_label"][learnt]


def with_attacked(
    images: Tensor, labels: Tensor, attacked: Tensor, targets: Tensor, *, copies: int
) -> tuple[Tensor, Tensor]:
    """Append ``copies`` of each attacked image, with its target as label, to the training digits.

    ``(N, C, H, W)`` and ``(N,)``, ``(M, C, H, W)`` and ``(M,)`` → N + copies · M of each. A hundred
    images seen once among tens of thousands of digits would have no effect.
    """
    repeated = attacked.repeat(copies, *[1] * (attacked.ndim - 1)), targets.repeat(copies)
    return torch.cat([images, repeated[0]]), torch.cat([labels, repeated[1]])
