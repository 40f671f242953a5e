"""A kit: all that an audit needs besides the audited classifier, in one file.

It contains the SVAE, the attackers, the judges, the density model with its limits, clean images and
the settings of the attacks. All belong to one data set of small images.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from typeone.data.images import from_uint8, to_uint8
from typeone.data.shapes import DIGIT_SHAPE
from typeone.evaluation.clean_images import CleanImages
from typeone.evaluation.panels import Panel
from typeone.models.classifiers import build_classifier
from typeone.models.density import DenseVAE, Limits
from typeone.models.svae import DigitSVAE
from typeone.runtime.artifacts import load_model, read_model_metadata, save_model
from typeone.runtime.errors import InputError

FORMAT = 1
"""Of the description of a kit; raised when older code would misread a newer kit."""
KINDS = {
    "audit-kit": "a kit for classifiers (rule make_kit; no threshold)",
    "recognizer-audit-kit": "a kit for recognizers (rule make_face_kit; with a threshold)",
}
"""What a file is, by the architecture in its metadata."""
SPLITS = ("test", "validation", "train")
"""Images in a kit: to be attacked, for thresholds, and real images for rivals."""


class KitModule(nn.Module):
    """A kit of either kind.

    Attributes:
        architecture: name of the kind in files, a key of `KINDS`.
        note: its description (JSON).
    """

    architecture: str
    note: dict[str, Any]

    def __init__(self, note: Mapping[str, Any]) -> None:
        super().__init__()
        self.note = dict(note)

    @property
    def judges(self) -> list[str]:
        """Names of the judges."""
        return [member["name"] for member in self.note["judges"]]


AKit = TypeVar("AKit", bound=KitModule)


class Kit(KitModule):
    """Networks and images of a kit; the weights of a new one are random and its images black.

    Args:
        note: its description (JSON): ``dataset``, ``classes``, ``svae`` (sizes), ``attackers`` and
            ``judges`` (lists of name and architecture), ``density`` (latent_dim, limits),
            ``attack_density`` (latent_dim),
            ``clear_confidence``, ``attacks`` (a list of name, kind, label and settings),
            ``detector`` (bits, median, false_positive_rate), ``count`` (of attacked images),
            ``images`` (number by split).

    Attributes:
        svae, attackers, attack_density: what attacks use, in eval mode.
        panel, density: what measures them.
    """

    architecture = "audit-kit"

    def __init__(self, note: Mapping[str, Any]) -> None:
        super().__init__(note)
        self.svae = DigitSVAE(**note["svae"])
        attackers, judges = (
            [build_classifier(member["architecture"]) for member in note[role]]
            for role in ("attackers", "judges")
        )
        self.attackers = nn.ModuleList(attackers)
        self.panel = Panel(judges, classes=note["classes"])
        self.density, self.attack_density = (
            DenseVAE(latent_dim=note[role]["latent_dim"]) for role in ("density", "attack_density")
        )
        for split in SPLITS:
            count = note["images"][split]
            images = torch.zeros((count, *DIGIT_SHAPE), dtype=torch.uint8)
            self.register_buffer(f"{split}_images", images)
            self.register_buffer(f"{split}_labels", torch.zeros(count, dtype=torch.int64))

    @property
    def clean(self) -> CleanImages:
        """The measures that decide whether an image resembles clean ones."""
        return CleanImages(self.density, Limits(**self.note["density"]["limits"]))

    def images(self, split: str, device: torch.device | str) -> tuple[Tensor, Tensor]:
        """Return the images of a split ``(N, 1, 28, 28)`` in [0, 1], and labels int64 ``(N,)``."""
        images, labels = (getattr(self, f"{split}_{part}") for part in ("images", "labels"))
        return from_uint8(images.cpu().numpy(), device), labels.to(device)


def make_kit(
    note: Mapping[str, Any],
    *,
    svae: nn.Module,
    attackers: list[nn.Module],
    judges: list[nn.Module],
    density: nn.Module,
    attack_density: nn.Module,
    images: Mapping[str, tuple[Tensor, Tensor]],
) -> Kit:
    """Return the kit of trained networks and ``images`` in [0, 1] with labels, by split."""
    kit = Kit(dict(note) | {"images": {split: len(images[split][1]) for split in SPLITS}})
    kit.svae.load_state_dict(svae.state_dict())
    kit.density.load_state_dict(density.state_dict())
    kit.attack_density.load_state_dict(attack_density.state_dict())
    for empty, trained in ((kit.attackers, attackers), (kit.panel.members, judges)):
        for network, other in zip(empty, trained, strict=True):
            network.load_state_dict(other.state_dict())
    for split in SPLITS:
        shown, labels = images[split]
        getattr(kit, f"{split}_images").copy_(to_uint8(shown))
        getattr(kit, f"{split}_labels").copy_(labels)
    return kit.eval().requires_grad_(False)


def save_kit(path: str | os.PathLike[str], kit: KitModule) -> None:
    """Write a kit as one safetensors file."""
    metadata = {"architecture": kit.architecture, "format": FORMAT, **kit.note}
    save_model(path, kit, metadata=metadata)


def load_kit(path: str | os.PathLike[str], *, sha256: str | None = None) -> Kit:
    """Load a kit for classifiers, in eval mode with frozen parameters; see `read_kit`."""
    return read_kit(path, Kit, sha256=sha256)


def read_kit(path: str | os.PathLike[str], kind: type[AKit], *, sha256: str | None = None) -> AKit:
    """Load a kit, in eval mode with frozen parameters.

    Args:
        path: its file, as written by `save_kit`.
        kind: the class of the kit.
        sha256: expected SHA-256 of the file; None checks only the digest that the file contains.

    Raises:
        InputError: the file is missing, damaged, of another SHA-256, or no kit of this kind.
    """
    note = read_model_metadata(path)
    found = file_sha256(path)
    if sha256 is not None and found != sha256.lower():
        raise InputError(
            f"{path} has the SHA-256 {found}; needs {sha256.lower()}: it is another file than the "
            "one that was named"
        )
    architecture = note.pop("architecture", None)
    if architecture != kind.architecture:
        what = KINDS.get(architecture, "not a kit")
        raise InputError(f"{path} is {what}; needs {KINDS[kind.architecture]}")
    if (found_format := note.pop("format", None)) != FORMAT:
        raise InputError(
            f"{path} is a kit of format {found_format!r}, needs {FORMAT}; make it again"
        )
    try:
        kit = kind(note)
    except (KeyError, TypeError, ValueError, InputError) as error:
        raise InputError(
            f"{path} is a kit of other code ({type(error).__name__}: {error}); make it again"
        ) from error
    load_model(path, kit)
    return kit.requires_grad_(False)


def file_sha256(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
