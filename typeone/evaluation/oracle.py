"""The oracle: what an ensemble of judges sees in digits, and whether it is clear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn


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
