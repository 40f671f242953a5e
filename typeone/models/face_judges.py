"""Who says whether an attacked face is a woman's, a man's, or no face any more?

Judges map images ``(N, 3, 64, 64)`` in [0, 1] to logits ``(N, 3)``: female, male, no face. Two are
trained on identities that f2 never saw, and differ in depth, kernel and head, so that they err
differently. On photographs the published network of `typeone.models.age_gender` joins them, which
knows no «no face». The automatic counterpart of the 30 annotators of IV-B.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import torch
from torch import nn

from typeone.models.age_gender import AgeGender
from typeone.models.layers import Normalise, conv
from typeone.runtime.artifacts import load_model, read_model_metadata
from typeone.runtime.errors import InputError

NO_FACE = 2


def plain() -> nn.Sequential:
    """3x3 convolutions one after the other, global average."""
    return nn.Sequential(
        *(Normalise(0.5, 0.25), conv(3, 16, stride=2), conv(16, 32, stride=2)),
        *(conv(32, 64, stride=2), conv(64, 64), conv(64, 96, stride=2)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(96, 3)),
    )


def wide() -> nn.Sequential:
    """Few layers with large kernels, and a dense head that knows where things are."""
    return nn.Sequential(
        *(Normalise(0.5, 0.25), conv(3, 32, 7, stride=4), conv(32, 64, 5, stride=2)),
        *(nn.Flatten(), nn.Linear(64 * 8 * 8, 64), nn.BatchNorm1d(64)),
        *(nn.ReLU(), nn.Linear(64, 3)),
    )


ARCHITECTURES: dict[str, Callable[[], nn.Module]] = {
    **{f.__name__: f for f in (plain, wide)},
    "age_gender": AgeGender,
}


def build_face_judge(architecture: str) -> nn.Module:
    """An untrained judge by name, in eval mode; `InputError` names those there are."""
    if architecture not in ARCHITECTURES:
        raise InputError(
            f"architecture is {architecture!r}; needs one of {', '.join(ARCHITECTURES)}"
        )
    model = ARCHITECTURES[architecture]()
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model.eval()


def load_face_judge(path: str | os.PathLike[str], device: torch.device | str = "cpu") -> nn.Module:
    """A judge as its checkpoint describes it: eval mode, parameters frozen."""
    architecture = read_model_metadata(path).get("architecture")
    if architecture not in ARCHITECTURES:
        raise InputError(
            f"{path} holds {architecture!r}, needs one of {', '.join(ARCHITECTURES)}; delete it or "
            "name a judge's checkpoint"
        )
    model = build_face_judge(architecture)
    load_model(path, model)
    return model.to(device).requires_grad_(False)
