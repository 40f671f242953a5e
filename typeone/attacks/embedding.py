"""Type II attacks on a recognizer: noise that moves the embedding of a face (IV-C, IV-D).

The paper attacks FaceNet by FGSM and PGD and gives no settings. The settings of the authors' code
are used: radius 20/255, ten ascent steps of 2.55/255 on the embedding distance, a random start.
foolbox, which attacks the classifiers here, needs labels and logits; a recognizer has neither.

ASSUME: FGSM is one step to the surface of the ball. At the image itself the distance is 0 and has
no gradient, so the step begins at a random point nearby and is longer by the radius of that start.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from typeone.attacks.gradients import vanishing_of_embeddings
from typeone.runtime.checkpoints import Checkpoint, restored
from typeone.runtime.ranges import (
    POSITIVE,
    RADIUS,
    WEIGHT,
    WHOLE,
    Allowed,
    require,
    require_all,
)
from typeone.training.losses import embedding_distance

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class EmbeddingAttackSettings:
    """Projected gradient ascent in the maximum norm; pixels are in [0, 1].

    Attributes:
        epsilon: radius of the ball around the image.
        steps: number of ascent steps; one step of length ``epsilon + start`` is FGSM.
        step_size: length of one step.
        start: radius of the random start around the image, at most ``epsilon``.

    Raises:
        InputError: a radius is not in [0, 1], ``start`` is above ``epsilon``, or the size or number
            of steps cannot be used.
    """

    epsilon: float
    steps: int
    step_size: float
    start: float

    def __post_init__(self) -> None:
        step = POSITIVE if self.epsilon else WEIGHT  # a ball without a radius needs no step
        require_all(self, {"epsilon": RADIUS, "steps": WHOLE, "step_size": step, "start": RADIUS})
        require("start", self.start, Allowed(high=self.epsilon), ", in the ball of `epsilon`")


@dataclass(frozen=True)
class EmbeddingResult:
    """Result of `attack` on N images.

    Attributes:
        images: perturbed images ``(N, C, H, W)`` in [0, 1].
        vanishing: whether the gradient of the embedding vanishes at the image, bool ``(N,)``.
    """

    images: Tensor
    vanishing: Tensor


def attack(
    recognizer: nn.Module,
    images: Tensor,
    settings: EmbeddingAttackSettings,
    *,
    generator: torch.Generator,
    chunk: int = 50,
    checkpoint: Checkpoint | None = None,
) -> EmbeddingResult:
    """Run `perturbed`, and find the images at which it had no gradient to follow; these are logged.

    For the arguments see `perturbed`.
    """
    found = perturbed(
        recognizer, images, settings, generator=generator, chunk=chunk, checkpoint=checkpoint
    )
    return EmbeddingResult(found, vanishing_of_embeddings(recognizer, images, chunk=chunk))


def perturbed(
    recognizer: nn.Module,
    images: Tensor,
    settings: EmbeddingAttackSettings,
    *,
    generator: torch.Generator,
    chunk: int = 50,
    checkpoint: Checkpoint | None = None,
) -> Tensor:
    """Perturb ``images`` ``(N, C, H, W)`` in [0, 1] so that their embeddings move far away.

    ``chunk`` images are attacked at a time, which bounds the memory and changes no result.
    ``checkpoint``: the sidecar to resume from and save to.

    Randomness: the start of each image, uniform, drawn from ``generator`` on its device.
    """
    drawn = torch.rand(images.shape, generator=generator, device=generator.device)
    starts = settings.start * (2 * drawn.to(images) - 1)
    return torch.cat(
        [
            _ascend(
                *(recognizer, original, original + start, settings),
                checkpoint and checkpoint.part(str(number)),
            )
            for number, (original, start) in enumerate(
                zip(images.split(chunk), starts.split(chunk), strict=True)
            )
        ]
    )


def _ascend(
    recognizer: nn.Module,
    images: Tensor,
    x: Tensor,
    settings: EmbeddingAttackSettings,
    checkpoint: Checkpoint | None,
) -> Tensor:
    first = 0
    if checkpoint and (found := checkpoint.load()):
        tensors, state = found
        x, first = restored(tensors["images"], x), state["step"]
        logger.info("%s: resumed at step %d of %d", checkpoint.path.stem, first, settings.steps)
        if first == settings.steps:
            return x
    with torch.no_grad():
        own = recognizer(images)
    low = (images - settings.epsilon).clamp_min(0)
    high = (images + settings.epsilon).clamp_max(1)
    x = x.clamp(low, high)
    for step in range(first, settings.steps):
        x.requires_grad_(True)
        distance = embedding_distance(recognizer(x), own)
        (gradient,) = torch.autograd.grad(distance.sum(), x)
        x = (x.detach() + settings.step_size * gradient.sign()).clamp(low, high)
        if checkpoint and (checkpoint.due() or step + 1 == settings.steps):
            checkpoint.save({"images": x}, {"step": step + 1})
    return x
