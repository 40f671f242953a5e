"""Face verification: pairs of faces, and thresholds on their distance (IV-B)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from typeone.data.faces import FaceTable
from typeone.data.shapes import FEMALE, MALE
from typeone.evaluation.roc import threshold_at
from typeone.models.recognizers import Recognizer, embed
from typeone.runtime.devices import seeded
from typeone.runtime.errors import InputError

CURVE_PAIRS, CURVE_FALSE_ACCEPTS, CURVE_SEED = 2000, 0.01, 0
"""Number of pairs, share of false accepts and seed of training curves, see `verification_of`."""
Kind = Literal["same", "different", "opposite"]


class Pairs(NamedTuple):
    """Rows of a table of faces to compare, int64 ``(N,)`` each."""

    first: np.ndarray
    second: np.ndarray

    def distances(self, embeddings: Tensor) -> np.ndarray:
        """Return the Euclidean distances ``(N,)`` of pairs in of ``embeddings`` ``(rows, D)``."""
        a, b = embeddings[self.first], embeddings[self.second]
        return torch.linalg.vector_norm(a - b, dim=1).numpy()


def has_same_pairs(identities: np.ndarray) -> bool:
    """Return whether anybody has two images; in generated faces nobody has."""
    return len(np.unique(identities)) < len(identities)


def draw_pairs(
    identities: np.ndarray,
    labels: np.ndarray,
    *,
    kind: Kind,
    count: int,
    generator: torch.Generator,
) -> Pairs:
    """Draw at most ``count`` pairs of different images, none twice, with ``generator``.

    Args:
        identities: of the images, ``(rows,)``.
        labels: `FEMALE` or `MALE`, ``(rows,)``.
        kind: ``same`` draws a person, then two of the person's images; ``different`` draws two
            images of two people; ``opposite`` draws images of a man and a woman.

    Raises:
        InputError: there is no such pair.
    """
    several = 4 * count + 16  # some pairs repeat, some are of one person

    def draw(high: np.ndarray | int) -> np.ndarray:
        share = torch.rand(several, generator=generator, dtype=torch.float64).numpy()
        return (share * high).astype(np.int64)

    if kind == "same":
        order = np.argsort(identities, kind="stable")
        _, start, size = np.unique(identities[order], return_index=True, return_counts=True)
        start, size = start[size > 1], size[size > 1]
        if len(start):
            person = draw(len(start))
            place = draw(size[person])
            other = (place + 1 + draw(size[person] - 1)) % size[person]
            first, second = order[start[person] + place], order[start[person] + other]
    else:
        sides = (np.flatnonzero(labels == side) for side in (MALE, FEMALE))
        a, b = sides if kind == "opposite" else (np.arange(len(labels)),) * 2
        if len(a) and len(b):
            first, second = a[draw(len(a))], b[draw(len(b))]
            apart = identities[first] != identities[second]
            first, second = first[apart], second[apart]
        else:
            first = second = np.empty(0, np.int64)
    if (kind == "same" and not len(start)) or not len(first):
        raise InputError(
            f"the {len(identities)} faces contain no pair of {kind} kind; needs people with "
            "several images, and more than one person of either gender"
        )
    ordered = np.stack([np.minimum(first, second), np.maximum(first, second)])
    _, seen = np.unique(ordered, axis=1, return_index=True)
    kept = np.sort(seen)[:count]
    return Pairs(first[kept], second[kept])


def far_threshold(different: np.ndarray, false_accepts: float) -> float:
    """Return the largest distance that accepts at most that share of ``different`` ``(N,)``."""
    return -threshold_at(-different, false_accepts)


def verification_of(
    validation: FaceTable, device: torch.device
) -> Callable[[Recognizer], Callable[[], dict[str, float]]] | None:
    """Return a factory of measures for training curves; None if nobody has two images.

    For a recognizer it returns a function that computes two values: the share of same-person pairs
    that are rejected at `CURVE_FALSE_ACCEPTS` of different-person pairs, and the threshold for
    these.
    """
    if not has_same_pairs(validation.identities):
        return None
    people = validation.identities, validation.labels
    same, different = (
        draw_pairs(*people, kind=kind, count=CURVE_PAIRS, generator=seeded(CURVE_SEED))
        for kind in ("same", "different")
    )

    def verify(recognizer: Recognizer) -> dict[str, float]:
        found = embed(recognizer, len(validation), partial(validation.faces, device=device))
        threshold = far_threshold(different.distances(found), CURVE_FALSE_ACCEPTS)
        missed = same.distances(found) > threshold
        return {"validation_error": missed.mean(), "threshold": threshold}

    return lambda recognizer: partial(verify, recognizer)


def ten_fold(
    distances: np.ndarray, same: np.ndarray, fold: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return whether each pair is classified correctly, and its fold's threshold, ``(N,)`` each.

    The threshold is the best distance on all other folds, the smallest if several are equally good.
    """
    right, chosen = np.zeros(len(same), bool), np.zeros(len(same))
    for number in np.unique(fold):
        others = fold != number
        order = np.argsort(distances[others], kind="stable")
        d, s = distances[others][order], same[others][order]
        # accept up to pair i: same-person pairs so far, different-person pairs still to come
        score = np.cumsum(s) + np.count_nonzero(~s) - np.cumsum(~s)
        score[:-1][d[1:] == d[:-1]] = -1  # no threshold separates equal distances
        threshold = d[np.argmax(score)]
        mine = ~others
        right[mine] = (distances[mine] <= threshold) == same[mine]
        chosen[mine] = threshold
    return right, chosen


def far_by_fold(
    distances: np.ndarray, same: np.ndarray, fold: np.ndarray, false_accepts: float
) -> np.ndarray:
    """Return the `far_threshold` of each pair's fold, ``(N,)``: from different pairs elsewhere."""
    chosen = np.zeros(len(same))
    for number in np.unique(fold):
        others = fold != number
        chosen[~others] = far_threshold(distances[others & ~same], false_accepts)
    return chosen
