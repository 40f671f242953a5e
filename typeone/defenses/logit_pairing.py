"""Adversarial logit pairing (Kannan et al., 2018; IV-D).

A classifier is trained on images x and on adversarial images x' near them, generated at every step.
A penalty makes the logits of each pair similar:

    w L_ce(f(x), y) + w' L_ce(f(x'), y) + lambda mean((f(x) - f(x'))²).

ASSUME: IV-D states neither weights nor the attack of the training; the authors' code for faces has
all three weights 1, and its mean runs over the logits. Mosbach et al. (2018) show that this defence
can mask gradients more than it resists attacks: evaluate it by attacks of more steps than in
training.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from typeone.runtime.errors import InputError
from typeone.training.losses import cross_entropy
from typeone.training.steps import Objective, warm_up_share


@dataclass(frozen=True, kw_only=True)
class PairingSettings:
    """Weights of the loss on pairs of an image and an adversarial image.

    Attributes:
        epsilon_warmup: epochs over which the radius of the ball and the steps in it grow to their
            full size; 0: full size from the start.
        clean_weight: w, weight of the cross-entropy on images.
        adversarial_weight: w', weight of the cross-entropy on adversarial images.
        pairing_weight: lambda, weight of the squared distance of their logits (prelogits for
            faces).

    Raises:
        InputError: a weight is negative, all weights are 0, or the warm-up is negative.
    """

    epsilon_warmup: float = 0.0
    clean_weight: float = 1.0
    adversarial_weight: float = 1.0
    pairing_weight: float = 1.0

    def __post_init__(self) -> None:
        if self.epsilon_warmup < 0:
            raise InputError(f"`epsilon_warmup` is {self.epsilon_warmup}; needs at least 0")
        weights = (self.clean_weight, self.adversarial_weight, self.pairing_weight)
        if min(weights) < 0 or max(weights) == 0:
            raise InputError(
                "`clean_weight`, `adversarial_weight` and `pairing_weight` are "
                f"{', '.join(map(str, weights))}; needs no negative weight and at least one "
                "positive"
            )


@dataclass(frozen=True, kw_only=True)
class LogitPairingSettings(PairingSettings):
    """Weights of the pairs and settings of the attack that generates x'.

    Attributes:
        epsilon: radius of the ball of x', maximum norm, pixels in [0, 1].
        steps: steps of projected gradient ascent, at least 1.
        step_size: length of one step, pixels in [0, 1].

    Raises:
        InputError: the radius is outside (0, 1], the step size or the number of steps is not
            positive, or a weight is not allowed.
    """

    epsilon: float
    steps: int
    step_size: float

    def __post_init__(self) -> None:
        if not 0 < self.epsilon <= 1:
            raise InputError(f"`epsilon` is {self.epsilon}; needs more than 0 and at most 1")
        if self.steps < 1:
            raise InputError(f"`steps` is {self.steps}; needs at least 1")
        if self.step_size <= 0:
            raise InputError(f"`step_size` is {self.step_size}; needs more than 0")
        super().__post_init__()


def ascend(
    classifier: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    *,
    epsilon: float | Tensor,
    steps: int,
    step_size: float | Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Projected gradient ascent of the cross-entropy (Madry et al., 2018), ``(N, C, H, W)``.

    x ← Π[x + step_size · sign ∇ L_ce(f(x), y)], Π onto the ball of radius ``epsilon`` around
    ``images`` in the maximum norm and onto [0, 1], from a random point of the ball. ``images`` in
    [0, 1], ``labels`` ``(N,)``; the gradients of the classifier's parameters are not changed.
    foolbox's PGD (typeone.attacks.type2) draws from torch's global generator, whose state is not in
    the checkpoint of a training; a resumed training would give another result.
    """
    low, high = (images - epsilon).clamp(min=0), (images + epsilon).clamp(max=1)
    noise = torch.rand(images.shape, generator=generator, device=images.device, dtype=images.dtype)
    x = torch.clamp(images + epsilon * (2 * noise - 1), low, high)
    for _ in range(steps):
        x.requires_grad_(True)
        (gradient,) = torch.autograd.grad(cross_entropy(classifier(x), labels).sum(), x)
        x = torch.clamp(x.detach() + step_size * gradient.sign(), low, high)
    return x


def squared_distance(logits: Tensor, others: Tensor) -> Tensor:
    """Mean squared difference of two logits, ``(N, classes)`` each → ``(N,)``."""
    return (logits - others).square().mean(dim=1)


def logit_pairing(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    settings: LogitPairingSettings,
    generator: torch.Generator,
) -> Objective:
    """Return the loss of this module on ``images`` ``(N, C, H, W)`` in [0, 1], ``labels`` ``(N,)``.

    Adversarial images are generated in eval mode, as by any attacker, from random starts drawn from
    ``generator``.
    """

    def objective(rows: Tensor, epochs: float | Tensor) -> dict[str, Tensor]:
        x, y = images[rows], labels[rows]
        share = warm_up_share(epochs, settings.epsilon_warmup)
        model.eval()
        attacked = ascend(
            model,
            x,
            y,
            epsilon=share * settings.epsilon,
            steps=settings.steps,
            step_size=share * settings.step_size,
            generator=generator,
        )
        model.train()
        logits, others = model(x), model(attacked)
        clean, adversarial = cross_entropy(logits, y), cross_entropy(others, y)
        pairing = squared_distance(logits, others)
        return {
            "loss": settings.clean_weight * clean
            + settings.adversarial_weight * adversarial
            + settings.pairing_weight * pairing,
            "clean_loss": clean,
            "adversarial_loss": adversarial,
            "pairing_loss": pairing,
            "train_error": (logits.detach().argmax(dim=1) != y).float(),
        }

    return objective
