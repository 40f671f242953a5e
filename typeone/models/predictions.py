"""Evaluate a network on many images in batches, and read the labels in its outputs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

NO_LABEL = -1
"""Label of a network where its output is not finite."""


@torch.no_grad()
def predict(model: Callable[[Tensor], Tensor], images: Tensor, *, batch: int = 1000) -> Tensor:
    """Evaluate ``model`` on ``images`` ``(N, ...)`` in batches; concatenate the outputs along N."""
    return torch.cat([model(part) for part in images.split(batch)])


def labels_of(outputs: Tensor) -> Tensor:
    """Return the class of the highest of ``outputs`` ``(N, classes)``, int64 ``(N,)``.

    A row without a softmax (NaN, plus infinity, or minus infinity alone) gets `NO_LABEL`, so that
    no comparison with a label holds; torch's argmax would call NaN the highest.
    """
    usable = outputs.softmax(dim=1).isfinite().all(dim=1)
    return torch.where(usable, outputs.argmax(dim=1), NO_LABEL)
