"""Define a network to attack; docs/your-classifier.md."""

from torch import nn


def build():
    return nn.Sequential(
        *(nn.Conv2d(1, 12, 5, stride=2), nn.ReLU(), nn.Conv2d(12, 24, 5, stride=2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(24 * 4 * 4, 10)),
    )
