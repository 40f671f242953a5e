"""Train digit classifiers: an attacked f1 (IV-A, IV-D) or a judge of the oracle ensemble."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from torch import Tensor, nn

from typeone.data.augmentation import augment
from typeone.models.classifiers import build_classifier, reset_parameters
from typeone.models.network_checks import check_outputs
from typeone.models.user_networks import build_own
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger
from typeone.training.error_rates import error_rate, errors_on
from typeone.training.loop import Trained, Training
from typeone.training.objectives.classification import classification
from typeone.training.steps import Objective

Digits = tuple[Tensor, Tensor]
"""Images ``(N, 1, 28, 28)`` in [0, 1] and int64 labels ``(N,)``, on the device of the training."""


def train_classifier(
    training: Training,
    digits: Digits,
    validation: Digits,
    test: Digits,
    *,
    augmentation: Mapping[str, Any] | None,
    architecture: str = "",
    module: str | None = None,
    key: str = "module",
) -> Trained[nn.Module]:
    """Train a classifier from scratch.

    Args:
        augmentation: arguments of `augment`, or None for no augmentation.
        architecture: a name for `build_classifier`.
        module: builds a user-defined network instead, see `build_own`; its initial weights are
            kept. Errors then name the setting ``key``.
    """
    images, labels = digits
    model: nn.Module
    if module is None:
        model = build_classifier(architecture)
        reset_parameters(model, seeded(training.seed))
        model.to(training.device)
    else:
        model = build_own(module, seed=training.seed, key=key).to(training.device)
        check_outputs(model, images, who=f"`{key}` is {module!r}", classes=10)
    generator = training.generator
    vary = partial(augment, generator=generator, **augmentation) if augmentation else None
    objective = classification(model, images, labels, vary=vary)
    note = {"architecture": module or architecture}
    return fit_classifier(training, model, objective, len(images), validation, test, **note)


def fit_classifier(
    training: Training,
    model: nn.Module,
    objective: Objective,
    count: int,
    validation: Digits,
    test: Digits,
    **note: Any,
) -> Trained[nn.Module]:
    """Train ``model`` on ``count`` digits; add its error rates to the curve and the note."""
    curve = training.fit(
        model,
        objective,
        count=count,
        evaluate=lambda: {"validation_error": error_rate(model, *validation)},
    )
    metrics = {"validation_error": curve[-1]["validation_error"], **errors_on(model, *test)}
    logger.info("%s: test error %.2f %%", training.name, 100 * metrics["test_error"])
    return training.trained(model, curve, **note, **metrics)
