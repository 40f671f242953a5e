"""Layers and encodings shared by networks."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Normalise(nn.Module):
    """(x - mean) / std with scalars, by default those of MNIST's training set."""

    def __init__(self, mean: float = 0.1307, std: float = 0.3081) -> None:
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, images: Tensor) -> Tensor:
        return (images - self.mean) / self.std


def conv(fan_in: int, fan_out: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution with same padding (size divided by ``stride``), batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(fan_in, fan_out, kernel, stride=stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(fan_out),
        nn.ReLU(),
    )


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """Boolean one-hot vectors of ``labels`` ``(N,)``, ``(N, classes)``.

    Unlike PyTorch's, it never waits for the labels' values on the host.
    """
    return labels[:, None] == torch.arange(classes, device=labels.device)
