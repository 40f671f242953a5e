"""Evaluate a network on many images in batches."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


@torch.no_grad()
def predict(model: Callable[[Tensor], Tensor], images: Tensor, *, batch: int = 1000) -> Tensor:
    """Evaluate ``model`` on ``images`` ``(N, ...)`` in batches; concatenate the outputs along N."""
    return torch.cat([model(part) for part in images.split(batch)])
