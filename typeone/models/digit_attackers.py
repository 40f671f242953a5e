"""Digit classifiers that guide the attack in image space (variant `ours`)."""

from __future__ import annotations

from torch import nn

from typeone.models.layers import Normalise, conv


def attacker_strided() -> nn.Sequential:
    """An image-space attacker of variant `ours`: strided convolutions, dense head; cheap."""
    return nn.Sequential(
        *(Normalise(), conv(1, 16, 5, stride=2), conv(16, 32), conv(32, 48, stride=2)),
        *(nn.Flatten(), nn.Linear(48 * 7 * 7, 10)),
    )


def attacker_pooled() -> nn.Sequential:
    """An image-space attacker of variant `ours`: half resolution, global average; cheap."""
    return nn.Sequential(
        *(Normalise(), nn.AvgPool2d(2), conv(1, 24), conv(24, 32, stride=2), conv(32, 64)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)),
    )


def attacker_large() -> nn.Sequential:
    """An image-space attacker of variant `ours`: few large kernels, dense head; strong."""
    return nn.Sequential(
        *(Normalise(), conv(1, 24, 7, stride=2), conv(24, 48, 5, stride=2), conv(48, 64)),
        *(nn.Flatten(), nn.Linear(64 * 7 * 7, 10)),
    )


def attacker_deep() -> nn.Sequential:
    """An image-space attacker of variant `ours`: seven convolutions, global average; strong."""
    return nn.Sequential(
        *(Normalise(), conv(1, 16), nn.MaxPool2d(2), conv(16, 32), conv(32, 32)),
        *(nn.MaxPool2d(2), conv(32, 64), conv(64, 64), conv(64, 64), conv(64, 64)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)),
    )
