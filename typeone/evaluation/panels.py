"""Judge images with a panel of networks: one of the classes, or none of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from typeone.data.idx_sets import CLASSES
from typeone.data.images import binarise
from typeone.models.classifiers import load_classifier
from typeone.models.face_judges import NO_FACE, load_face_judge
from typeone.runtime.logs import logger


class Verdict(NamedTuple):
    """Verdict of a panel on N images.

    Attributes:
        label: class of the highest mean softmax, ``(N,)``.
        confidence: that mean softmax, given that the image shows one of the classes, ``(N,)``.
        shows_confidence: 1 minus the mean probability of none of the classes, ``(N,)``; 1 if no
            judge has that output.
        member_labels: class that each judge predicts, ``(judges, N)``.
        shows_class: whether ``shows_confidence`` is above 1/2, ``(N,)``; for faces, whether the
            image still shows a face.
        clear: whether ``shows_class`` holds, all judges agree on the class, and both confidences
            reach ``clear_confidence``, ``(N,)``. Only clear images can be a clear success.
    """

    label: Tensor
    confidence: Tensor
    shows_confidence: Tensor
    member_labels: Tensor
    shows_class: Tensor
    clear: Tensor


class Panel(nn.Module):
    """Judges of images ``(N, C, H, W)`` in [0, 1].

    Args:
        members: networks that return logits ``(N, classes)``, or one more logit for an image that
            shows none of the classes. A judge that returns -inf there cannot recognise such images
            and votes on the class only.
        classes: number of classes.
        batch: images per call of a network.
    """

    def __init__(self, members: Sequence[nn.Module], *, classes: int, batch: int = 1000) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.classes, self.batch = classes, batch

    def logits(self, images: Tensor) -> Tensor:
        """Return the logits of each member, ``(members, N, outputs)``."""
        parts = images.split(self.batch)
        return torch.stack([torch.cat([member(p) for p in parts]) for member in self.members])

    def forward(self, images: Tensor) -> Tensor:
        """Return the mean of the members' softmax over the classes, ``(N, classes)``."""
        return self.logits(images)[..., : self.classes].softmax(dim=-1).mean(dim=0)

    @torch.no_grad()
    def verdict(self, images: Tensor, *, clear_confidence: float) -> Verdict:
        """Return the verdict; a judge is sure at a confidence of at least ``clear_confidence``."""
        logits = self.logits(images)
        probabilities = logits[..., : self.classes].softmax(dim=-1)
        confidence, label = probabilities.mean(dim=0).max(dim=-1)
        shows = torch.ones_like(confidence)
        if logits.shape[-1] > self.classes:
            knowing = torch.isfinite(logits[..., self.classes]).all(dim=1)
            if knowing.any():
                none = logits[knowing].softmax(dim=-1)[..., self.classes]
                shows = 1 - none.mean(dim=0)
        member_labels = probabilities.argmax(dim=-1)
        clear = (member_labels == label).all(dim=0)
        clear &= (confidence >= clear_confidence) & (shows >= clear_confidence) & (shows > 0.5)
        return Verdict(label, confidence, shows, member_labels, shows > 0.5, clear)


def judge_errors(
    panel: Panel, members: Sequence[str], images: Tensor, labels: Tensor
) -> list[dict[str, Any]]:
    """Return the error rate of each judge and of the ensemble on grey and on binarised images.

    Args:
        members: names of the judges.
        images, labels: test images ``(N, 1, 28, 28)`` in [0, 1] and their classes ``(N,)``.
    """
    rows = []
    for name, seen in (("grey", images), ("binarised", binarise(images))):
        found = panel.verdict(seen, clear_confidence=1.0)
        votes = dict(zip(members, found.member_labels, strict=True)) | {"ensemble": found.label}
        for judge, vote in votes.items():
            error = (vote != labels).double().mean().item()
            logger.info("judge %s, %s digits: test error %.2f %%", judge, name, 100 * error)
            rows.append({"judge": judge, "input": name, "test_error": error, "n": len(labels)})
    return rows


def load_panel(
    paths: Iterable[str | os.PathLike[str]],
    device: torch.device | str = "cpu",
    *,
    faces: bool = False,
    batch: int = 1000,
) -> Panel:
    """Load the judges of small images, or of ``faces``, from the checkpoints ``paths``."""
    if faces:
        return Panel([load_face_judge(p, device) for p in paths], classes=NO_FACE, batch=batch)
    return Panel([load_classifier(p, device) for p in paths], classes=CLASSES, batch=batch)
