"""Rivals of Algorithm 2 that know a real image of the target class.

Eq. 2 asks for x' made from x. These attacks need another example as well, so they solve an easier
task, and Algorithm 2 must be compared with them:

- noise on a real image of the target class until f1 sees y, a targeted Type II attack
  (`typeone.attacks.type2`), from the images that `nearest_images` or `random_images` choose;
- `level_set_traversal`: Balasubramanian et al. (NeurIPS 2023), "Exploring Geometry of Blind Spots
  in Vision Models", Algorithm 1: from x towards the real image, where f1's confidence holds.

`typeone.attacks.invariance` has two more, which do not ask f1.

Images are ``(N, C, H, W)`` in [0, 1], labels and targets int64 ``(N,)``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from typeone.attacks.gradients import unit_directions
from typeone.runtime.errors import InputError
from typeone.training.losses import cross_entropy


def of_class(labels: Tensor, label: int) -> Tensor:
    """Mask of ``labels`` that equal ``label``, bool ``(N,)``; raises `InputError` if none does."""
    found = labels == label
    if not found.any():
        raise InputError(
            f"no example of class {label} among {len(labels)}; needs at least one of each class: "
            "use more training digits"
        )
    return found


@torch.no_grad()
def nearest_images(
    images: Tensor, target_labels: Tensor, candidates: Tensor, candidate_labels: Tensor
) -> Tensor:
    """Find the candidate of the target class nearest to each image (Euclidean), ``(N, C, H, W)``.

    Raises:
        InputError: no candidate of a target class.
    """
    nearest = torch.empty_like(images)
    for label in target_labels.unique():
        of_it = target_labels == label
        choice = candidates[of_class(candidate_labels, int(label))]
        distance = torch.cdist(images[of_it].flatten(1), choice.flatten(1))
        nearest[of_it] = choice[distance.argmin(dim=1)]
    return nearest


def random_images(
    target_labels: Tensor,
    candidates: Tensor,
    candidate_labels: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Draw a candidate of each target class with replacement, ``(N, C, H, W)``.

    Raises:
        InputError: no candidate of a target class.
    """
    drawn = candidates.new_empty((len(target_labels), *candidates.shape[1:]))
    share = torch.rand(len(target_labels), generator=generator, device=target_labels.device)
    for label in target_labels.unique():
        of_it = target_labels == label
        choice = candidates[of_class(candidate_labels, int(label))]
        drawn[of_it] = choice[(share[of_it] * len(choice)).long()]
    return drawn


def level_set_traversal(
    classifier: nn.Module,
    images: Tensor,
    labels: Tensor,
    real: Tensor,
    *,
    steps: int,
    scale: float,
    correction: float,
    confidence_drop: float,
    chunk: int = 500,
) -> Tensor:
    """Walk from ``images`` towards ``real`` images along f1's level set (Algorithm 1).

    A step goes ``scale`` of the way to the real image, without its part along the gradient of the
    cross-entropy at the label, plus a correction that lowers this cross-entropy. It is made where
    f1's confidence in the label stays less than ``confidence_drop`` below that at the start.

    ASSUME: as in the authors' code with ``--adv_pert``, the correction accumulates half the
    gradient times its bound and is clipped to [-correction, correction] in each pixel; the gradient
    is that of each example, where theirs is divided by the batch size. The noise that their code
    adds at the start is left out, and a walk that must not move at one step may move later.

    Args:
        chunk: images walked at a time, which bounds the memory.
    """

    def confidence(batch: Tensor, of_it: Tensor) -> Tensor:
        return classifier(batch).softmax(dim=1).gather(1, of_it[:, None])[:, 0]

    ends = []
    for start, of_it, goal in zip(*(t.split(chunk) for t in (images, labels, real)), strict=True):
        moved, parallel = start.clone(), torch.zeros_like(start)
        with torch.no_grad():
            least = confidence(start, of_it) - confidence_drop
        for _ in range(steps):
            here = moved.detach().requires_grad_(True)
            (slope,) = torch.autograd.grad(cross_entropy(classifier(here), of_it).sum(), here)
            parallel = (parallel - 0.5 * correction * slope).clamp(-correction, correction)
            proposal = moved + scale * _orthogonal(goal - moved, slope) + parallel
            proposal = proposal.clamp(0, 1)
            with torch.no_grad():
                accepted = confidence(proposal, of_it) > least
            moved = torch.where(accepted[:, None, None, None], proposal, moved)
        ends.append(moved)
    return torch.cat(ends)


def _orthogonal(direction: Tensor, slope: Tensor) -> Tensor:
    """Remove from ``direction`` its part along ``slope``; all of it stays where ``slope`` is 0."""
    along = unit_directions(slope)
    share = (direction * along).flatten(1).sum(dim=1)
    return direction - share.view(-1, *[1] * (slope.ndim - 1)) * along
