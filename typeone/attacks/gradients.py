"""Detect images at which f1 has no usable gradient.

A gradient attack changes nothing at such an image, and its failure is not evidence of robustness.
A network that rounds its input, or whose softmax is saturated, has a gradient of exactly 0; other
networks have a gradient of NaN. The check runs once, at the start of the attack. A single image
may have a gradient of 0 legitimately, for instance at a dead ReLU, so each image is reported
separately.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
from torch import Tensor, nn

logger = logging.getLogger(__name__)


def vanishing(score: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Return whether the gradient of ``score`` at each image is 0 or not finite, bool ``(N,)``.

    ``score``: images ``(N, C, H, W)`` → ``(N,)``, the objective of the attack.
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
    """Apply `vanishing` to ``loss`` of logits ``(N, classes)`` and ``labels`` ``(N,)``."""
    return vanishing(lambda x: loss(classifier(x), labels), images)


def vanishing_of_embeddings(recognizer: nn.Module, images: Tensor, *, chunk: int) -> Tensor:
    """Apply `vanishing` to a projection of the embeddings ``(N, D)``, ``chunk`` images at a time.

    Logs a warning if the gradient vanishes at any image.
    """

    def along(batch: Tensor) -> Tensor:
        embeddings = recognizer(batch)
        # not an axis of symmetry: an embedding may have a constant norm or a constant sum
        direction = torch.arange(1, embeddings.shape[1] + 1, device=images.device).cos()
        return (embeddings * direction).sum(dim=1)

    found = torch.cat([vanishing(along, batch) for batch in images.split(chunk)])
    warn_of_vanishing(found)
    return found


def unit_directions(gradient: Tensor) -> Tensor:
    """Scale the gradient of each image ``(N, C, H, W)`` to norm 1.

    A gradient of 0, or one that is not finite, becomes 0.
    """
    rows = gradient.flatten(1)
    largest = rows.abs().amax(dim=1, keepdim=True)
    usable = largest.isfinite() & (largest > 0)
    # divided twice: the square of a small number underflows
    rows = torch.where(usable, rows / largest, 0)
    norm = rows.norm(dim=1, keepdim=True)
    return torch.where(usable, rows / norm, 0).view_as(gradient)


def label_margin(logits: Tensor, labels: Tensor) -> Tensor:
    """Logit at ``labels`` ``(N,)`` minus the highest other logit, ``(N, classes)`` → ``(N,)``."""
    chosen = logits.gather(1, labels[:, None])
    return chosen[:, 0] - logits.scatter(1, labels[:, None], -torch.inf).amax(dim=1)


def warn_of_vanishing(vanishes: Tensor, attack: str = "attack") -> None:
    """Log the number of images at which the gradient vanishes, bool ``(N,)``, if there are any."""
    if bool(vanishes.any()):
        logger.warning(
            "%s: the gradient vanishes at %d of %d images, where the attack cannot proceed; "
            "labels kept there do not show robustness",
            attack,
            int(vanishes.sum()),
            len(vanishes),
        )
