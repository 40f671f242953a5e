"""Error rates of classifiers, as their checkpoints tell them."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from typeone.data.images import binarise
from typeone.models.predictions import predict


def errors_on(
    model: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor
) -> dict[str, float]:
    """What a checkpoint tells of the test: error on grey and on binarised digits, their number."""
    return {
        "test_error": error_rate(model, images, labels),
        "test_error_binarised": error_rate(model, binarise(images), labels),
        "test_n": len(images),
    }


def error_rate(model: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor) -> float:
    """Share of ``images`` ``(N, C, H, W)`` whose highest output is not at ``labels`` ``(N,)``."""
    return (predict(model, images).argmax(dim=1) != labels).double().mean().item()
