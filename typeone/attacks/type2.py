"""Type II attacks of Table I, by foolbox (Rauber et al., 2020), with failures marked as failures.

ASSUME: the paper gives no settings for them; each method is run with its usual ones.

foolbox agrees with independent code on all five (docs/reproduction-notes.md). But when
Carlini-Wagner or EAD finds nothing, it returns an all-black image and reports a success if f1
assigns black to another class. Here such an example keeps its original and ``found`` is False.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

import foolbox
import torch
from torch import Tensor, nn

from typeone.attacks.gradients import label_margin, vanishing_of_loss, warn_of_vanishing
from typeone.models.predictions import NO_LABEL, labels_of
from typeone.runtime.checkpoints import Checkpoint, each
from typeone.runtime.errors import InputError
from typeone.runtime.ranges import (
    COUNT,
    POSITIVE,
    RADIUS,
    WEIGHT,
    one_of,
    require,
    require_all,
)
from typeone.training.losses import cross_entropy

T = TypeVar("T")

NUMBERS = {
    **{"epsilon": RADIUS, "step_size": POSITIVE, "overshoot": WEIGHT, "confidence": WEIGHT},
    **{"l1_weight": WEIGHT, "steps": COUNT, "searches": COUNT, "restarts": COUNT},
}
"""Values of the settings that are numbers."""

NEEDED = {
    "fgsm": ("epsilon",),
    "pgd": ("epsilon", "steps", "step_size", "restarts"),
    "deepfool": ("steps", "overshoot"),
    "cw_l2": ("steps", "step_size", "searches", "confidence"),
    "ead": ("steps", "step_size", "searches", "confidence", "l1_weight"),
}
"""Settings that a method uses."""


@dataclass(frozen=True, kw_only=True)
class Type2Settings:
    """One Type II attack.

    Attributes:
        method: name of the attack.
        epsilon: radius in the maximum norm, in [0, 1] (``fgsm``, ``pgd``); ignored by the others.
        steps: iterations (not ``fgsm``); ``cw_l2`` and ``ead`` run them ``searches`` times.
        step_size: step length in pixel units (``pgd``), or of the optimiser (the others).
        searches: binary search steps of ``cw_l2`` and ``ead``.
        overshoot: overshoot of ``deepfool``.
        confidence: margin in logits of ``cw_l2`` and ``ead``.
        l1_weight: beta of EAD.
        restarts: random starts of ``pgd``; an example counts as found if one of them succeeds.

    Raises:
        InputError: the method is unknown, or a setting that it needs is not one that it can use.
    """

    method: Literal["fgsm", "pgd", "deepfool", "cw_l2", "ead"]
    epsilon: float | None = None
    steps: int | None = None
    step_size: float | None = None
    searches: int = 9
    overshoot: float = 0.02
    confidence: float = 0.0
    l1_weight: float = 0.01
    restarts: int = 1

    def __post_init__(self) -> None:
        require("method", self.method, one_of(*NEEDED))
        needed = {name: NUMBERS[name] for name in NEEDED[self.method]}
        require_all(self, needed, f" for the method {self.method}")


@dataclass(frozen=True)
class Type2Result:
    """Result of an attack on N images.

    Rounding to uint8 can undo an adversarial example close to the decision boundary.

    Attributes:
        images: ``(N, C, H, W)`` in [0, 1]; the original image after a failure, or, where the attack
            ends at an image to which f1 gives no label, that image.
        found: whether f1 misclassifies the image, bool ``(N,)``; not where f1 gives no label.
        vanishing: whether the gradient of the attack's objective is 0 or not finite at the
            original, bool ``(N,)``.
    """

    images: Tensor
    found: Tensor
    vanishing: Tensor


def _build(settings: Type2Settings) -> foolbox.Attack:
    """Build foolbox's attack; early aborts are off, because they depend on the whole batch."""
    attacks = foolbox.attacks
    match settings.method:
        case "fgsm":
            return attacks.LinfFastGradientAttack(random_start=False)
        case "pgd":
            return attacks.LinfProjectedGradientDescentAttack(
                steps=_given(settings.steps), abs_stepsize=settings.step_size, random_start=True
            ).repeat(settings.restarts)
        case "deepfool":
            return attacks.L2DeepFoolAttack(
                steps=_given(settings.steps),
                candidates=None,
                overshoot=settings.overshoot,
                loss="logits",
            )
        case "cw_l2":
            return attacks.L2CarliniWagnerAttack(
                binary_search_steps=settings.searches,
                steps=_given(settings.steps),
                stepsize=_given(settings.step_size),
                confidence=settings.confidence,
                abort_early=False,
            )
        case "ead":
            return attacks.EADAttack(
                binary_search_steps=settings.searches,
                steps=_given(settings.steps),
                initial_stepsize=_given(settings.step_size),
                confidence=settings.confidence,
                regularization=settings.l1_weight,
                abort_early=False,
            )


def _given(value: T | None) -> T:
    """Return a value that `NEEDED` guarantees."""
    assert value is not None
    return value


def attack(
    classifier: nn.Module,
    images: Tensor,
    labels: Tensor,
    settings: Type2Settings,
    *,
    seed: int,
    targeted: bool = False,
    chunk: int = 250,
    checkpoint: Checkpoint | None = None,
) -> Type2Result:
    """Find images near ``images`` ``(N, C, H, W)`` in [0, 1] that f1 no longer labels ``labels``.

    If ``targeted``, find images that f1 labels ``labels``, by ``pgd``, ``cw_l2`` or ``ead``; the
    result's ``found`` is then whether f1 does. ``chunk`` examples are attacked at a time, which
    bounds the memory. ``checkpoint``: the sidecar of finished chunks; foolbox cannot resume within
    a chunk.

    Randomness: PGD starts at a random point of the ball, drawn from torch's global generator, which
    is seeded with ``seed`` here and restored afterwards (foolbox takes no generator).

    Raises:
        InputError: the method takes no target class.
    """
    if targeted and settings.method in ("fgsm", "deepfool"):
        raise InputError(
            f"attack method is {settings.method!r}, which takes no target class; needs pgd, cw_l2 "
            "or ead"
        )
    model = foolbox.PyTorchModel(classifier, bounds=(0, 1), device=images.device)
    devices = [images.device] if images.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        epsilon, followed = None, label_margin
        if settings.method in ("fgsm", "pgd"):
            epsilon, followed = _given(settings.epsilon), cross_entropy

        def found_in(batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
            start, classes = batch
            blind = vanishing_of_loss(classifier, start, classes, followed)
            goal = foolbox.criteria.TargetedMisclassification(classes) if targeted else classes
            _, clipped, found = _build(settings)(model, start, goal, epsilons=epsilon)
            found = found & clipped.flatten(1).isfinite().all(dim=1)  # NaN gets a label as well
            with torch.no_grad():
                lost = found & (labels_of(classifier(clipped)) == NO_LABEL)
            parts = {"clipped": clipped, "found": found, "lost": lost, "vanishing": blind}
            return parts | _random_state(devices)

        parts = []
        batches = zip(images.split(chunk), labels.split(chunk), strict=True)
        for part in each(checkpoint, batches, found_in):
            _set_random_state(part)
            parts.append(part)
    clipped, found, lost, blind = (
        torch.cat([part[name].to(images.device) for part in parts])
        for name in ("clipped", "found", "lost", "vanishing")
    )
    if settings.method in ("cw_l2", "ead"):
        found = found & (clipped.flatten(1).amax(dim=1) > 0)
    kept = found.view(-1, *[1] * (images.ndim - 1))
    warn_of_vanishing(blind, settings.method)
    return Type2Result(torch.where(kept, clipped, images), found & ~lost, blind)


def _random_state(devices: list[torch.device]) -> dict[str, Tensor]:
    """Return the states of torch's global generators on the CPU and on ``devices``."""
    states = {f"random.{device}": torch.cuda.get_rng_state(device) for device in devices}
    return {"random.cpu": torch.get_rng_state(), **states}


def _set_random_state(part: dict[str, Tensor]) -> None:
    """Set the generators to their states after ``part``, which may come from the checkpoint."""
    for name, state in part.items():
        match name.split("."):
            case ["random", "cpu"]:
                torch.set_rng_state(state)
            case ["random", device]:
                torch.cuda.set_rng_state(state, device)
