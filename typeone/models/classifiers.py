"""Digit classifiers by name: attacked classifiers, attackers and judges.

Every network maps images ``(N, 1, 28, 28)`` in [0, 1] to logits ``(N, 10)``; normalisation, if any,
is its first layer. `mlp` and `lenet` are those of the paper (IV-A, IV-D).
"""

from __future__ import annotations

import os
from collections.abc import Callable

import torch
from torch import nn

from typeone.models.digit_attackers import (
    attacker_deep,
    attacker_large,
    attacker_pooled,
    attacker_strided,
)
from typeone.models.digit_judges import judge_plain, judge_residual, judge_wide
from typeone.models.layers import conv
from typeone.models.stored_networks import load_frozen, read_note
from typeone.models.user_networks import build_own
from typeone.runtime.errors import InputError


def mlp() -> nn.Sequential:
    """The attacked MLP of IV-A: 784-128-10, ReLU, without normalisation."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def lenet() -> nn.Sequential:
    """LeNet-5 of IV-D and IV-E.

    ASSUME: ReLU and max pooling, the usual form today; the paper only names LeNet (LeCun et al.,
    1998).
    """
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )


def cnn() -> nn.Sequential:
    """A stronger target than the paper's: convolutions, batch norm, dense head; above 99.3 %."""
    return nn.Sequential(
        *(conv(1, 16), conv(16, 32, stride=2), conv(32, 32), conv(32, 64, stride=2)),
        *(conv(64, 64), nn.Flatten(), nn.Linear(64 * 7 * 7, 10)),
    )


ARCHITECTURES: dict[str, Callable[[], nn.Sequential]] = {
    f.__name__: f
    for f in (
        *(mlp, lenet, cnn, judge_plain, judge_wide, judge_residual),
        *(attacker_strided, attacker_pooled, attacker_large, attacker_deep),
    )
}


def build_classifier(architecture: str) -> nn.Sequential:
    """Build an untrained classifier by name, in eval mode.

    Raises:
        InputError: the name is unknown; the message lists the known names.
    """
    if architecture not in ARCHITECTURES:
        raise InputError(
            f"architecture is {architecture!r}; needs one of {', '.join(ARCHITECTURES)}"
        )
    model = ARCHITECTURES[architecture]()
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model.eval()


def reset_parameters(model: nn.Module, generator: torch.Generator) -> None:
    """Reinitialise all weights from ``generator``: He-uniform, biases zero, norms at identity."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_uniform_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.reset_running_stats()
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)


def load_classifier(
    path: str | os.PathLike[str],
    device: torch.device | str = "cpu",
    *,
    module: str | None = None,
) -> nn.Module:
    """Load a trained classifier from its checkpoint, in eval mode with frozen parameters.

    ``module``: the function that builds a user-defined network, ``path/to/file.py:function``. The
    checkpoint contains that name as well, but code is only run if the caller names it.

    Raises:
        InputError: there is no checkpoint, or it is of another architecture or ``module``.
    """
    known = ARCHITECTURES if module is None else [module]
    architecture = read_note(path, known, kind="this classifier")["architecture"]
    model = build_own(module) if module else build_classifier(architecture)
    return load_frozen(path, model, device)
