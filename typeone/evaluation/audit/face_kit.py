"""A kit for audits of recognizers: networks, faces, and the settings of the attacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from typeone.data.images import from_uint8
from typeone.data.shapes import FACE_SHAPE
from typeone.evaluation.audit.kit import KitModule
from typeone.evaluation.clean_faces import CleanFaces
from typeone.evaluation.panels import Panel
from typeone.models.face_judges import NO_FACE, build_face_judge
from typeone.models.svae import FaceSVAE
from typeone.runtime.errors import InputError


class FaceKit(KitModule):
    """Networks and faces of a kit; the weights of a new one are random and its faces black.

    Args:
        note: its description (JSON): ``dataset`` (faces), ``source`` (of the faces), ``preset``,
            ``svae`` (sizes), ``judges`` and ``attackers`` (lists of name and architecture; no
            attackers in older kits), ``clear_confidence``,
            ``limits`` (of clean faces: noise and sharpness, of each gender), ``attacks`` (a list of
            name, kind, label and settings), ``threshold`` (the distance that the settings are for),
            ``count`` (of attacked faces), ``faces`` (number in the kit).

    Attributes:
        svae, attackers: what attacks use, in eval mode.
        panel: the judges.
        identities: the person of each face, int64 ``(N,)``.
    """

    architecture = "recognizer-audit-kit"
    images: Tensor
    labels: Tensor
    identities: Tensor

    def __init__(self, note: Mapping[str, Any]) -> None:
        super().__init__(note)
        self.svae = FaceSVAE(**note["svae"])
        attackers, judges = (
            [build_face_judge(member["architecture"]) for member in note.get(role, [])]
            for role in ("attackers", "judges")
        )
        self.attackers = nn.ModuleList(attackers)
        self.panel = Panel(judges, classes=NO_FACE)
        count = note["faces"]
        self.register_buffer("images", torch.zeros((count, *FACE_SHAPE), dtype=torch.uint8))
        for name in ("labels", "identities"):
            self.register_buffer(name, torch.zeros(count, dtype=torch.int64))

    @property
    def clean(self) -> CleanFaces:
        """The limits that decide whether a face resembles clean ones.

        Raises:
            InputError: the kit was made before there were limits.
        """
        if "limits" not in self.note:
            raise InputError(
                "the kit has no `limits` of clean faces; make it again with this version "
                "(rule make_face_kit)"
            )
        limits = self.note["limits"]
        return CleanFaces(*(torch.tensor(limits[name]).double() for name in CleanFaces._fields))

    def faces(self, device: torch.device | str) -> tuple[Tensor, Tensor]:
        """Return the faces ``(N, 3, 64, 64)`` in [0, 1], and their genders, int64 ``(N,)``."""
        return from_uint8(self.images.cpu().numpy(), device), self.labels.to(device)


def make_face_kit(
    note: Mapping[str, Any],
    *,
    svae: nn.Module,
    attackers: list[nn.Module],
    judges: list[nn.Module],
    images: Tensor,
    labels: Tensor,
    identities: Tensor,
) -> FaceKit:
    """Return the kit of trained networks and faces, uint8 ``(N, 3, 64, 64)``."""
    kit = FaceKit(dict(note) | {"faces": len(labels)})
    kit.svae.load_state_dict(svae.state_dict())
    for empty, trained in ((kit.attackers, attackers), (kit.panel.members, judges)):
        for network, other in zip(empty, trained, strict=True):
            network.load_state_dict(other.state_dict())
    for name, values in (("images", images), ("labels", labels), ("identities", identities)):
        getattr(kit, name).copy_(values)
    return kit.eval().requires_grad_(False)
