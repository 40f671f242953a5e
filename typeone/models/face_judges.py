"""Face judges: classify an attacked image as female, male or not a face.

Judges map images ``(N, 3, 64, 64)`` in [0, 1] to logits ``(N, 3)``: female, male, no face. They
replace the 30 annotators of IV-B. Two judges are trained on identities outside f2's training set
and differ in depth, kernel size and head, so that their errors differ. On photographs the published
network of `typeone.models.age_gender` is added; it has no class "no face". It was trained on far
more faces: an attack that only shades a face deceives the two small ones
(docs/reproduction-notes.md#judges).
"""

from __future__ import annotations

import os
from collections.abc import Callable

import torch
from torch import nn

from typeone.models.age_gender import AgeGender
from typeone.models.layers import Normalise, conv
from typeone.models.stored_networks import load_frozen, read_note
from typeone.runtime.errors import InputError

NO_FACE = 2


def plain() -> nn.Sequential:
    """A judge with a plain stack of 3x3 convolutions and global average pooling."""
    return nn.Sequential(
        *(Normalise(0.5, 0.25), conv(3, 16, stride=2), conv(16, 32, stride=2)),
        *(conv(32, 64, stride=2), conv(64, 64), conv(64, 96, stride=2)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(96, 3)),
    )


def wide() -> nn.Sequential:
    """A judge with few layers, large kernels and a dense head, which depends on position."""
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
    """Build an untrained judge by name, in eval mode.

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


def load_face_judge(path: str | os.PathLike[str], device: torch.device | str = "cpu") -> nn.Module:
    """Load a judge from its checkpoint, in eval mode with frozen parameters.

    Raises:
        InputError: there is no checkpoint, or it is of another architecture.
    """
    note = read_note(path, ARCHITECTURES, kind="a judge of faces")
    return load_frozen(path, build_face_judge(note["architecture"]), device)
