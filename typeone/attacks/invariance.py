"""Invariance attacks: as far towards a real image of the target class as few pixels allow.

Tramèr et al. (ICML 2020), "Fundamental Tradeoffs between Invariance and Sensitivity to Adversarial
Perturbations", automated: at most a radius in every pixel (`invariance_linf`), or few pixels
(`invariance_l0`). f1 is not asked: an image that it labels otherwise is a failure.

Images are ``(N, C, H, W)`` in [0, 1], targets int64 ``(N,)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from typeone.attacks.real_targets import of_class

CLUSTER_DISTANCE, CLUSTER_SIZE = 2.0, 5
"""Largest distance within a cluster, and its smallest size, pixels (authors' code)."""

CLUSTERS = 8
"""Largest number of clusters whose subsets are tried."""


@torch.no_grad()
def invariance_linf(
    images: Tensor,
    target_labels: Tensor,
    candidates: Tensor,
    candidate_labels: Tensor,
    *,
    epsilon: float,
    shift: float,
    shifts: int,
    rotation: float,
    rotations: int,
) -> Tensor:
    """Move each image to the nearest real image of its target class, at most ``epsilon`` a pixel.

    Nearest among all ``shifts`` x ``shifts`` x ``rotations`` moves of the image, and moved back to
    its place. f1 is not asked: an image that it labels otherwise is a failure.

    ASSUME: images are interpolated bilinearly (cubic splines in the authors' code), the move back
    is the exact inverse, and the class is the target, where the authors try every class but y.

    Args:
        epsilon: radius in the maximum norm, in [0, 1].
        shift: largest translation along each axis, pixels.
        rotation: largest rotation, degrees.
        shifts, rotations: values tried on each axis, an odd number; 1 tries none but 0.

    Raises:
        InputError: no candidate of a target class.
    """
    side = images.shape[-1]
    moves = torch.stack(
        [
            _affine(math.radians(angle), 2 * dx / side, 2 * dy / side)
            for dx, dy, angle in product(
                *(_grid(limit, count) for limit, count in [(shift, shifts)] * 2),
                _grid(rotation, rotations),
            )
        ]
    ).to(images)
    ends = torch.empty_like(images)
    for label in target_labels.unique():
        choice = candidates[of_class(candidate_labels, int(label))]
        for i in torch.nonzero(target_labels == label).flatten().tolist():
            goal = _nearest_when_moved(images[i], choice, moves)
            ends[i] = images[i] + (goal - images[i]).clamp(-epsilon, epsilon)
    return ends


@torch.no_grad()
def invariance_l0(
    images: Tensor,
    target_labels: Tensor,
    candidates: Tensor,
    candidate_labels: Tensor,
    classify: Callable[[Tensor], Tensor],
    generator: torch.Generator,
    *,
    draws: int,
    shift: float,
    rotation: float,
    scale: float,
    shear: float,
    ink: float,
) -> Tensor:
    """Replace few pixels of each image by those of a real image of its target class.

    The real image is the one that differs from the binarised image in the fewest pixels, among all
    ``draws`` moves of the image, and moved back to its place. The pixels in which they differ fall
    into clusters; of all sets of clusters the smallest is replaced with which ``classify`` sees the
    target class, or all of them if none is enough.

    ASSUME: the image is moved and not each candidate, so that pixels are counted where it was moved
    to; clusters are those of single linkage, of which DBSCAN's of the authors' code differ in
    border pixels; ``classify`` chooses the set, where the authors look at the fit of an AC-GAN; the
    class is the target, where they try every class but y.

    Args:
        classify: images to logits; not f1.
        generator: of the moves.
        draws: number of moves, each drawn uniformly; the first one is none.
        shift: largest translation along each axis, pixels.
        rotation: largest rotation, degrees.
        scale, shear: largest change of either scale, and largest shear along either axis.
        ink: share of an image that must be left after it was moved there and back.

    Raises:
        InputError: no candidate of a target class.
    """
    moves = _drawn_moves(
        draws, generator, 2 * shift / images.shape[-1], math.radians(rotation), scale, shear
    ).to(images)
    back = torch.linalg.inv(moves)[:, :2]
    ends = images.clone()
    for label in target_labels.unique():
        choice = candidates[of_class(candidate_labels, int(label))]
        binary = (choice > 0.5).to(choice.dtype)
        for i in torch.nonzero(target_labels == label).flatten().tolist():
            once = _moved(images[i].expand(len(moves), -1, -1, -1), moves[:, :2])
            left = _moved(once, back).flatten(1).sum(dim=1)
            whole = left >= ink * images[i].sum()
            whole[0] = True  # no move at all
            goal = _nearest_when_moved(images[i], choice, moves[whole], binary=binary)
            apart = (images[i] > 0.5) != (goal > 0.5)
            tried = torch.stack([torch.where(m, goal, images[i]) for m in _cluster_sets(apart)])
            seen = classify(tried).argmax(dim=1) == label
            ends[i] = tried[int(seen.int().argmax())] if seen.any() else tried[-1]
    return ends


def _cluster_sets(apart: Tensor) -> list[Tensor]:
    """Unite the clusters of a mask ``(1, H, W)`` in every way: masks, the smallest first.

    The mask itself is returned if it has no cluster.
    """
    from scipy.cluster.hierarchy import fcluster, linkage  # no other baseline needs it

    points = apart[0].nonzero().cpu().numpy()
    of_it = np.zeros(len(points), dtype=int)
    if len(points) > 1:
        of_it = fcluster(linkage(points, "single"), CLUSTER_DISTANCE, "distance")
    names, sizes = np.unique(of_it, return_counts=True)
    named = names[np.argsort(-sizes, kind="stable")][: min((sizes >= CLUSTER_SIZE).sum(), CLUSTERS)]
    masks = []
    for name in named:
        mask = torch.zeros_like(apart)
        rows, columns = torch.from_numpy(points[of_it == name]).to(apart.device).unbind(dim=1)
        mask[0, rows, columns] = True
        masks.append(mask)
    unions = [
        torch.stack([m for m, taken in zip(masks, which, strict=True) if taken]).any(dim=0)
        for which in product([False, True], repeat=len(masks))
        if any(which)
    ]
    return sorted(unions, key=lambda mask: int(mask.sum())) or [apart]


def _drawn_moves(
    draws: int,
    generator: torch.Generator,
    shift: float,
    rotation: float,
    scale: float,
    shear: float,
) -> Tensor:
    """Draw maps in the coordinates of `affine_grid`, ``(draws, 3, 3)``; the first moves nothing."""

    def drawn(limit: float) -> Tensor:
        return (2 * torch.rand(draws, generator=generator, device=generator.device) - 1) * limit

    angle, sheared, sheared_up = drawn(rotation), drawn(shear), drawn(shear)
    wide, high, dx, dy = 1 + drawn(scale), 1 + drawn(scale), drawn(shift), drawn(shift)
    none, one = torch.zeros_like(angle), torch.ones_like(angle)
    cos, sin = angle.cos(), angle.sin()

    def matrices(*entries: Tensor) -> Tensor:
        last = (none, none, one)
        return torch.stack([*entries, *last], dim=1).view(-1, 3, 3)

    moves = (
        matrices(one, sheared, none, sheared_up, one, none)
        @ matrices(wide, none, none, none, high, none)
        @ matrices(one, none, dx, none, one, dy)
        @ matrices(cos, -sin, none, sin, cos, none)
    )
    moves[0] = torch.eye(3, device=moves.device)
    return moves


def _nearest_when_moved(
    image: Tensor, choice: Tensor, moves: Tensor, *, binary: Tensor | None = None
) -> Tensor:
    """Find the image of ``choice`` that is nearest to any of the moves of ``image``, moved back.

    Args:
        image: ``(C, H, W)``.
        choice: ``(M, C, H, W)``.
        moves: ``(K, 3, 3)``.
        binary: ``choice`` as zeros and ones: the pixels that differ are counted, in units of the
            unmoved image; None for the Euclidean distance.
    """
    moved = _moved(image.expand(len(moves), -1, -1, -1), moves[:, :2]).flatten(1)
    flat = choice.flatten(1)
    if binary is not None:
        moved, flat = (moved > 0.5).to(flat.dtype), binary.flatten(1)
    far = moved.square().sum(dim=1)[:, None] + flat.square().sum(dim=1) - 2 * moved @ flat.mT
    if binary is not None:
        far *= torch.linalg.det(moves)[:, None].abs()  # of output in input coordinates
    move, place = divmod(int(far.argmin()), len(flat))
    back = torch.linalg.inv(moves[move])[:2]
    return _moved(choice[place][None], back[None])[0]


def _grid(limit: float, count: int) -> list[float]:
    return torch.linspace(-limit, limit, count).tolist() if count > 1 else [0.0]


def _affine(angle: float, dx: float, dy: float) -> Tensor:
    """Rotation and then translation, in the coordinates of `affine_grid`, ``(3, 3)``."""
    cos, sin = math.cos(angle), math.sin(angle)
    return torch.tensor([[cos, -sin, dx], [sin, cos, dy], [0.0, 0.0, 1.0]])


def _moved(images: Tensor, moves: Tensor) -> Tensor:
    grid = F.affine_grid(moves, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)
