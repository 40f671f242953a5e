"""Strengthen a classifier: logit pairing, or retraining on Type I examples against it (IV-D)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from typeone.data.images import from_uint8
from typeone.defenses.logit_pairing import LogitPairingSettings, logit_pairing
from typeone.defenses.retraining import learnt_examples, with_attacked
from typeone.models.classifiers import reset_parameters
from typeone.models.user_networks import build_own
from typeone.runtime.devices import seeded
from typeone.training.classifiers import Digits, fit_classifier
from typeone.training.loop import Trained, Training
from typeone.training.objectives.classification import classification


def strengthen_classifier(
    training: Training,
    base: nn.Module,
    digits: Digits,
    validation: Digits,
    test: Digits,
    examples: Mapping[str, np.ndarray] | None,
    *,
    architecture: str,
    module: str | None,
    method: Literal["logit_pairing", "retraining"],
    start: Literal["base", "scratch"],
    settings: Mapping[str, Any],
) -> Trained[nn.Module]:
    """Fine-tune ``base`` or train it from scratch; ``base`` is given on the CPU.

    Args:
        test: test digits; those that ``retraining`` trains on are left out of the test.
        examples: merged shards of an attack on the base, for ``retraining``.
        architecture, module: architecture and module of the base, for its checkpoint.
        start: ``base`` starts from its trained weights, ``scratch`` from new ones.
        settings: settings of the ``method``.

    Raises:
        ValueError: ``retraining`` without ``examples``.

    ASSUME: the paper speaks of strengthening the attacked network, so the default fine-tunes its
    weights.
    """
    images, labels = digits
    tested = np.ones(len(test[1]), dtype=bool)
    if method == "retraining":
        if examples is None:
            raise ValueError("retraining needs the examples of an attack on the base")
        numbers, attacked, targets = learnt_examples(examples, base, seed=settings["seed"])
        tested[numbers] = False
        shown = from_uint8(attacked, training.device), torch.from_numpy(targets).to(labels.device)
        images, labels = with_attacked(images, labels, *shown, copies=settings["copies"])
    if start == "scratch" and module:
        base = build_own(module, seed=training.seed)
    elif start == "scratch":
        reset_parameters(base, seeded(training.seed))
    model = base.to(training.device).requires_grad_(True)
    if method == "logit_pairing":
        pairing = LogitPairingSettings(**settings)
        objective = logit_pairing(model, images, labels, pairing, training.generator)
    else:
        objective = classification(model, images, labels)
    return fit_classifier(
        training,
        model,
        objective,
        len(images),
        validation,
        (test[0][tested], test[1][tested]),
        architecture=architecture,
        method=method,
        start=start,
        settings=settings,
        trained_test_digits=np.flatnonzero(~tested).tolist(),
    )
