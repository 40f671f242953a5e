"""What a network gives for many images, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


@torch.no_grad()
def predict(model: Callable[[Tensor], Tensor], images: Tensor, *, batch: int = 1000) -> Tensor:
    """``model`` over ``images`` in batches, outputs concatenated along N."""
    return torch.cat([model(part) for part in images.split(batch)])
