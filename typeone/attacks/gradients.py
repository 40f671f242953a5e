"""Where an attack has no gradient of f1 to follow: it does nothing there, which is no robustness.

A network that rounds its input, or whose softmax is saturated, has a gradient of exactly 0; other
networks have one of NaN. Either is looked for once, where the attack begins. One image may have a
gradient of 0 legitimately, that of a dead ReLU for instance, so that each image has its answer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
from torch import Tensor, nn

logger = logging.getLogger(__name__)


def vanishing(score: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Whether the gradient of ``score`` at an image is 0 or not finite, bool ``(N,)``.

    ``score``: images ``(N, C, H, W)`` → ``(N,)``, what the attack follows.
    """
    images = images.detach().clone().requires_grad_(True)
    gradient = None
    with torch.enable_grad():
        values = score(images)
        if values.requires_grad:
            (gradient,) = torch.autograd.grad(values.sum(), images, allow_unused=True)
    if gradient is None:
        return torch.ones(len(images), dtype=torch.bool, device=images.device)
    rows = gradient.flatten(1)
    return (rows == 0).all(dim=1) | ~rows.isfinite().all(dim=1)


def vanishing_of_loss(
    classifier: nn.Module,
    images: Tensor,
    labels: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """The same of ``loss`` of logits ``(N, classes)`` and ``labels`` ``(N,)``."""
    return vanishing(lambda x: loss(classifier(x), labels), images)


def vanishing_of_embeddings(recognizer: nn.Module, images: Tensor, *, chunk: int) -> Tensor:
    """The same of the embeddings ``(N, D)``, along one direction; logged. ``chunk`` at a time."""

    def along(batch: Tensor) -> Tensor:
        embeddings = recognizer(batch)
        # no axis of symmetry: an embedding may have a constant length or a constant sum
        direction = torch.arange(1, embeddings.shape[1] + 1, device=images.device).cos()
        return (embeddings * direction).sum(dim=1)

    found = torch.cat([vanishing(along, batch) for batch in images.split(chunk)])
    warn_of_vanishing(found)
    return found


def label_margin(logits: Tensor, labels: Tensor) -> Tensor:
    """Logit at ``labels`` ``(N,)`` before the highest other one, ``(N, classes)`` → ``(N,)``."""
    chosen = logits.gather(1, labels[:, None])
    return chosen[:, 0] - logits.scatter(1, labels[:, None], -torch.inf).amax(dim=1)


def warn_of_vanishing(vanishes: Tensor, attack: str = "attack") -> None:
    """Log at how many images, bool ``(N,)``, the gradient vanishes, if at any."""
    if bool(vanishes.any()):
        logger.warning(
            "%s: the gradient vanishes at %d of %d images, where the attack has nothing to follow; "
            "what f1 keeps there shows no robustness",
            attack,
            int(vanishes.sum()),
            len(vanishes),
        )
