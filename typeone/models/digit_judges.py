"""The three digit judges of the oracle.

They differ from the attacked classifiers and from one another in depth, kernel size and pooling, so
that their errors differ.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from typeone.models.layers import Normalise, conv


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv(channels, channels)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.second(self.first(x)))


def judge_plain() -> nn.Sequential:
    """A VGG-like judge: 3x3 convolutions, max pooling, global average."""
    return nn.Sequential(
        *(Normalise(), conv(1, 16), conv(16, 32, stride=2), conv(32, 32), nn.MaxPool2d(2)),
        *(conv(32, 64), conv(64, 64), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)),
    )


def judge_wide() -> nn.Sequential:
    """A judge of few layers with 5x5 kernels and a dense head."""
    return nn.Sequential(
        *(Normalise(), conv(1, 32, 5, stride=2), conv(32, 64, 5, stride=2), nn.Flatten()),
        *(nn.Linear(64 * 7 * 7, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 10)),
    )


def judge_residual() -> nn.Sequential:
    """A residual judge: strided stem, two blocks at 14x14, one at 7x7."""
    return nn.Sequential(
        *(Normalise(), conv(1, 24, stride=2), _Residual(24), _Residual(24)),
        *(conv(24, 48, stride=2), _Residual(48), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        nn.Linear(48, 10),
    )
