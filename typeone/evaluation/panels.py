"""What a panel of judges sees in faces: a gender, or no face any more (IV-B)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from typeone.models.face_judges import NO_FACE


class PanelVerdict(NamedTuple):
    """What a panel of judges sees in N images.

    Attributes:
        label: 0 female or 1 male, by the mean over the judges, ``(N,)``.
        confidence: the mean probability of that label, given a face, ``(N,)``.
        face_confidence: 1 minus the mean probability of no face, ``(N,)``; 1 if no judge knows it.
        member_labels: what each judge sees if it has to say, ``(judges, N)``.
        still_a_face: whether ``face_confidence`` is above 1/2.
        clear: still a face, surely so, and all agree on its gender, surely so.
    """

    label: Tensor
    confidence: Tensor
    face_confidence: Tensor
    member_labels: Tensor
    still_a_face: Tensor
    clear: Tensor


@torch.no_grad()
def panel_verdict(
    judges: Sequence[nn.Module], images: Tensor, *, clear_confidence: float, batch: int = 256
) -> PanelVerdict:
    """What ``judges`` see in ``images`` ``(N, 3, 64, 64)`` in [0, 1].

    ``clear_confidence``: in [0, 1], from which both confidences count as sure. A judge without «no
    face» (-inf as its logit) votes on gender alone.
    """
    logits = torch.stack([torch.cat([j(part) for part in images.split(batch)]) for j in judges])
    gender = logits[..., :NO_FACE].softmax(dim=-1)
    confidence, label = gender.mean(dim=0).max(dim=-1)
    knowing = torch.isfinite(logits[..., NO_FACE]).all(dim=1)
    face = torch.ones_like(confidence)
    if knowing.any():
        face = 1 - logits[knowing].softmax(dim=-1)[..., NO_FACE].mean(dim=0)
    member_labels = gender.argmax(dim=-1)
    clear = (member_labels == label).all(dim=0)
    clear &= (confidence >= clear_confidence) & (face >= clear_confidence)
    return PanelVerdict(label, confidence, face, member_labels, face > 0.5, clear & (face > 0.5))
