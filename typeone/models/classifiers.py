"""Classifiers of digits: those that are attacked, those that attack, and the three that judge.

Every network maps images ``(N, 1, 28, 28)`` in [0, 1] to logits ``(N, 10)`` and owns its
normalisation as its first layer. `mlp` and `lenet` are the paper's (IV-A, IV-D); the judges differ
from them and from one another in depth, kernel and pooling, so that they err differently.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from typeone.data.images import binarise
from typeone.models.user_networks import build_own
from typeone.runtime.artifacts import load_model, read_model_metadata
from typeone.runtime.errors import InputError


class Normalise(nn.Module):
    """(x - mean) / std, both scalars: MNIST's training mean and deviation by default."""

    def __init__(self, mean: float = 0.1307, std: float = 0.3081) -> None:
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, images: Tensor) -> Tensor:
        return (images - self.mean) / self.std


def mlp() -> nn.Sequential:
    """The attacked MLP of IV-A: 784-128-10, ReLU, pixels as they are."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def lenet() -> nn.Sequential:
    """LeNet-5 of IV-D and IV-E.

    ASSUME: ReLU and max pooling, today's reading of LeCun et al. (1998); the paper only names it.
    """
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )


def cnn() -> nn.Sequential:
    """A strong target beyond the paper: batch norm, four convolutions, dense head; above 99.3 %."""
    return nn.Sequential(
        *(conv(1, 16), conv(16, 32, stride=2), conv(32, 32), conv(32, 64, stride=2)),
        *(conv(64, 64), nn.Flatten(), nn.Linear(64 * 7 * 7, 10)),
    )


def conv(fan_in: int, fan_out: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """A convolution that keeps the size (divided by ``stride``), batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(fan_in, fan_out, kernel, stride=stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(fan_out),
        nn.ReLU(),
    )


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


ARCHITECTURES: dict[str, Callable[[], nn.Sequential]] = {
    f.__name__: f
    for f in (
        *(mlp, lenet, cnn, judge_plain, judge_wide, judge_residual),
        *(attacker_strided, attacker_pooled, attacker_large, attacker_deep),
    )
}


def build_classifier(architecture: str) -> nn.Sequential:
    """An untrained classifier by name, in eval mode; `InputError` names those there are."""
    if architecture not in ARCHITECTURES:
        raise InputError(
            f"architecture is {architecture!r}; needs one of {', '.join(ARCHITECTURES)}"
        )
    return ARCHITECTURES[architecture]().to(memory_format=torch.channels_last).eval()


def reset_parameters(model: nn.Module, generator: torch.Generator) -> None:
    """Draw every weight anew from ``generator``: He-uniform, biases zero, norms at identity."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_uniform_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.reset_running_stats()
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)


class Verdict(NamedTuple):
    """What an ensemble sees in N images.

    Attributes:
        label: class of the highest mean softmax, ``(N,)``.
        confidence: that mean softmax, ``(N,)``.
        member_labels: what each member sees, ``(members, N)``.
        clear: whether all members agree with confidence enough, ``(N,)``; a digit that is not
            clear is nobody's success.
    """

    label: Tensor
    confidence: Tensor
    member_labels: Tensor
    clear: Tensor


class Ensemble(nn.Module):
    """Mean of the members' softmax: probabilities ``(N, classes)``, not logits."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def probabilities(self, images: Tensor) -> Tensor:
        """Softmax of every member, ``(members, N, classes)``."""
        return torch.stack([member(images).softmax(dim=1) for member in self.members])

    def forward(self, images: Tensor) -> Tensor:
        return self.probabilities(images).mean(dim=0)

    @torch.no_grad()
    def verdict(self, images: Tensor, *, clear_confidence: float) -> Verdict:
        """What the members see in ``images`` ``(N, C, H, W)``, and whether it is beyond doubt."""
        probabilities = torch.cat([self.probabilities(p) for p in images.split(1000)], dim=1)
        confidence, label = probabilities.mean(dim=0).max(dim=1)
        labels = probabilities.argmax(dim=2)
        clear = (labels == label).all(dim=0) & (confidence >= clear_confidence)
        return Verdict(label, confidence, labels, clear)


def load_classifier(
    path: str | os.PathLike[str],
    device: torch.device | str = "cpu",
    *,
    module: str | None = None,
) -> nn.Module:
    """A trained classifier as its checkpoint describes it: eval mode, parameters frozen.

    ``module``: who builds a network that is none of ours, ``path/to/file.py:function``. A
    checkpoint tells that name too, but nobody's code is run because a checkpoint says so.

    Raises:
        InputError: no checkpoint, one of another architecture, or of another ``module``.
    """
    architecture = str(read_model_metadata(path).get("architecture"))
    if module is not None and architecture != module:
        raise InputError(
            f"{path} holds {architecture!r}, needs {module!r}; delete it or name its `module`"
        )
    if module is None and architecture not in ARCHITECTURES:
        raise InputError(
            f"{path} holds {architecture!r}, needs one of {', '.join(ARCHITECTURES)}; delete it or "
            "name a classifier's checkpoint"
        )
    model = build_own(module) if module else build_classifier(architecture)
    load_model(path, model)
    return model.to(device).requires_grad_(False)


def unseen_test_digits(path: str | os.PathLike[str], numbers: np.ndarray) -> np.ndarray:
    """Which of the test digits ``numbers`` ``(N,)`` a checkpoint may be tested on, bool ``(N,)``.

    A classifier that was trained on attacked test digits (typeone.defenses.retraining) tells in its
    checkpoint which; every other may be tested on all.
    """
    return ~np.isin(numbers, read_model_metadata(path).get("trained_test_digits", []))


@torch.no_grad()
def predict(model: Callable[[Tensor], Tensor], images: Tensor, *, batch: int = 1000) -> Tensor:
    """``model`` over ``images`` in batches, outputs concatenated along N."""
    return torch.cat([model(part) for part in images.split(batch)])


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
