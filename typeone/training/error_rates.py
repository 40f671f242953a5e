"""Error rates of classifiers, stored in their checkpoints."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from typeone.data.images import binarise
from typeone.models.predictions import labels_of, predict


def errors_on(
    model: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor
) -> dict[str, float]:
    """Return the test metrics of a checkpoint: error on grey and on binarised digits, and N.

    ``images``: ``(N, C, H, W)`` in [0, 1]; ``labels``: ``(N,)``.
    """
    return {
        "test_error": error_rate(model, images, labels),
        "test_error_binarised": error_rate(model, binarise(images), labels),
        "test_n": len(images),
    }


def error_rate(model: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor) -> float:
    """Share of ``images`` ``(N, C, H, W)`` whose highest output is not at ``labels`` ``(N,)``."""
    return (labels_of(predict(model, images)) != labels).double().mean().item()
