"""Moving averages of the weights of a network in training."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, *, decay: float) -> None:
    """Update the moving average: ``average`` ← decay · ``average`` + (1 - decay) · ``model``."""
    theirs = model.state_dict()
    for name, mine in average.state_dict().items():
        if mine.is_floating_point():
            mine.lerp_(theirs[name], 1 - decay)
        else:
            mine.copy_(theirs[name])
