"""Does a classifier that learnt from Type I examples see through others of their kind?

Plain adversarial training (IV-D): attacked images go among the training digits under the class that
the attack made of them, and the classifier learns on. The examples are "randomly split into two
parts with equal probability": one is learnt, the other is what the classifier is tested on.

ASSUME: the two parts are of equal size. An attacked image's class is the attack's target y', which
is what the paper counts as accuracy on Type I examples; the oracle sees another class in some of
them, and nobody could take that from training labels that the oracle made and from a test that the
same oracle judges. The images come from test digits, so that neither those digits nor what becomes
of them may be in any test of this classifier.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from typeone.data.images import from_uint8
from typeone.models.predictions import predict
from typeone.runtime.devices import seeded
from typeone.runtime.errors import InputError


def learnt_half(count: int, generator: torch.Generator) -> np.ndarray:
    """Which of ``count`` examples are learnt, bool ``(count,)``: a random half, rounded down.

    Raises:
        InputError: too few for two parts.
    """
    if count < 2:
        raise InputError(
            f"retraining has {count} examples that fooled the classifier, and splits them into two "
            "parts; attack more (`count`) or with a stronger attack"
        )
    learnt = np.zeros(count, dtype=bool)
    learnt[torch.randperm(count, generator=generator)[: count // 2].numpy()] = True
    return learnt


def learnt_examples(
    rows: Mapping[str, np.ndarray], base: nn.Module, *, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Digit number, attacked image and target of the half that is learnt, of those that fool base.

    ``rows``: examples of an attack on it, in order of position.
    """
    guesses = predict(base, from_uint8(rows["adversarial_image"])).argmax(dim=1).numpy()
    fooled = np.flatnonzero(guesses == rows["label"])
    learnt = fooled[learnt_half(len(fooled), seeded(seed))]
    return rows["index"][learnt], rows["adversarial_image"][learnt], rows["target_label"][learnt]


def with_attacked(
    images: Tensor, labels: Tensor, attacked: Tensor, targets: Tensor, *, copies: int
) -> tuple[Tensor, Tensor]:
    """Training digits and ``copies`` of each attacked image, under its target.

    ``(N, C, H, W)`` and ``(N,)``, ``(M, C, H, W)`` and ``(M,)`` → N + copies · M of each. Among
    tens of thousands of digits a hundred images that are seen once would change nothing.
    """
    repeated = attacked.repeat(copies, *[1] * (attacked.ndim - 1)), targets.repeat(copies)
    return torch.cat([images, repeated[0]]), torch.cat([labels, repeated[1]])
