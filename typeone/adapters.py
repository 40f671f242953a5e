"""Attacks of a kit under the signatures of other libraries.

`as_function` returns ``(model, inputs, labels, targets) → inputs``, which adversarial-library,
AttackBench and secml-torch share; `FoolboxAttack` is called like an attack of foolbox. Both solve
the Type I task: the image changes its class, the model keeps its label.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from typeone.data.images import from_uint8
from typeone.data.shapes import DIGIT_SHAPE
from typeone.evaluation.audit.attacks import walk
from typeone.evaluation.audit.kit import Kit
from typeone.evaluation.audit.network import audited
from typeone.models.input_checks import check_images, check_labels
from typeone.models.predictions import labels_of, predict
from typeone.runtime.errors import InputError


def as_function(kit: Kit, name: str = "ours_runner_up") -> Callable[..., Tensor]:
    """Return an attack of a kit as ``attack(model, inputs, labels, targets=None)``.

    The function takes a model (images → logits), inputs ``(N, 1, 28, 28)`` in [0, 1], labels y and
    optional targets y', int64 ``(N,)``; without targets they are chosen as in the kit. It returns
    images like ``inputs``, as stored in 8 bits, and leaves the model as it is. Other arguments are
    refused, as ``targeted``: these attacks keep the label.

    Args:
        name: one of the kit's attacks of kind svae.

    Raises:
        InputError: the kit has no such attack; the function: model, inputs or labels cannot be
            used.
    """
    walks = {entry["name"]: entry for entry in kit.note["attacks"] if entry["kind"] == "svae"}
    if name not in walks:
        raise InputError(f"`name` is {name!r}; needs one of {', '.join(walks)}")
    entry, classes = walks[name], kit.note["classes"]

    @torch.inference_mode(False)
    @torch.enable_grad()
    def attack(
        model: nn.Module, inputs: Tensor, labels: Tensor, targets: Tensor | None = None
    ) -> Tensor:
        check_images(inputs)
        if inputs.shape[1:] != DIGIT_SHAPE:
            raise InputError(
                f"images are {tuple(inputs.shape)}; needs (N, 1, 28, 28), as those of the kit"
            )
        check_labels(labels, inputs, classes)
        if targets is not None:
            check_labels(targets, inputs, classes)
            if bool((targets == labels).any()):
                raise InputError("a target is the label itself; needs another class")
        who = f"model is a {type(model).__name__}"
        network, _ = audited(model, inputs.clone(), who=who, classes=classes)
        rows = walk(
            kit.to(inputs.device),
            network,
            inputs.clone(),  # tensors made under inference mode have no gradient
            labels.clone(),
            entry["settings"],
            aim=entry["aim"],
            target_labels=targets,
        )
        return from_uint8(rows["adversarial_image"], inputs.device)

    return attack


class _Called(nn.Module):
    """A model of foolbox, with its preprocessing, as a module."""

    def __init__(self, model: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        return self.model(images)


def _modules_of(model: Any) -> list[nn.Module]:
    """Return the network in a model of foolbox, which keeps it in the closure of a function."""
    cells = getattr(getattr(model, "_model", None), "__closure__", None) or ()
    found = [cell.cell_contents for cell in cells]
    return [part for value in found if isinstance(value, nn.Module) for part in value.modules()]


class FoolboxAttack:
    """An attack of a kit that is called like an attack of foolbox.

    Args:
        kit, name: of `as_function`.
    """

    def __init__(self, kit: Kit, name: str = "ours_runner_up") -> None:
        self.attack = as_function(kit, name)

    def __call__(
        self, model: Any, inputs: Tensor, criterion: Any, *, epsilons: Any = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return raw images, the same again as clipped ones, and where the model keeps its label.

        Args:
            model: a `foolbox.PyTorchModel` with bounds (0, 1).
            criterion: labels ``(N,)`` or `foolbox.criteria.Misclassification`.
            epsilons: only None; the distance of a Type I attack is not limited.

        Raises:
            InputError: bounds, criterion or epsilons differ from that.
        """
        if tuple(model.bounds) != (0, 1):
            raise InputError(f"bounds are {tuple(model.bounds)}; needs (0, 1)")
        if epsilons is not None:
            raise InputError(f"`epsilons` is {epsilons!r}; needs None: the distance is not limited")
        labels = getattr(criterion, "labels", criterion)
        labels = getattr(labels, "raw", labels)  # criteria of foolbox hold a tensor of eagerpy
        if not isinstance(labels, Tensor):
            raise InputError(
                f"criterion is a {type(criterion).__name__}; needs labels or Misclassification"
            )
        for part in _modules_of(model):
            if part.training:
                raise InputError("the model is in training mode; call its eval() first")
        found = self.attack(_Called(model).eval(), inputs, labels)
        kept = labels_of(predict(model, found)) == labels
        return found, found, kept
