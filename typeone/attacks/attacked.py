"""Results of attacks on a user's network, as `typeone.api` returns them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Attacked:
    """Result of an attack on N images.

    Attributes:
        images: as stored, ``(N, C, H, W)`` in [0, 1] on the 256 levels of 8 bits.
        kept: whether f1 still gives its label to the stored image, or takes it for the same person,
            bool ``(N,)``: the aim of Type I, the failure of Type II.
        changed: whether f1 gives it another label, or takes it for another person, bool ``(N,)``:
            the aim of Type II. An image to which f1 gives NaN is neither kept nor changed.
        outputs: f1 on the stored images, ``(N, classes)`` logits or ``(N, D)`` embeddings.
        gradient_vanishes: whether f1's gradient at the start is 0 or not finite, bool ``(N,)``;
            where it is, a kept label is no evidence of robustness.
    """

    images: Tensor
    kept: Tensor
    changed: Tensor
    outputs: Tensor
    gradient_vanishes: Tensor

    @property
    def vanishing_share(self) -> float:
        """Share of ``gradient_vanishes``; near 0 for a network that can be attacked."""
        return self.gradient_vanishes.float().mean().item()


@dataclass(frozen=True)
class Type1Attacked(Attacked):
    """Result of a Type I attack.

    Attributes:
        targets: target class of each image, the next class, ``(N,)``.
        turned: whether f2 sees the target in the final latent, bool ``(N,)``. f2 is part of the
            attack: check success with an independent judge (`load_panel`).
        steps: updates made, ``(N,)``.
        converged: whether an example succeeded before its last step, bool ``(N,)``.
    """

    targets: Tensor
    turned: Tensor
    steps: Tensor
    converged: Tensor
