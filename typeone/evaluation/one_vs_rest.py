"""Where do the two types of attack move f1 on its ROC? (Section I, Fig. 1.)

ASSUME: the paper draws one 3 that becomes an 8; here every attacked 3 counts, and aims at a 4. One
class is positive, all others are negative. The score is f1's margin of the class, its logit
less the largest other one: it is positive exactly where f1 says the class, so f1's own decision is
a point of the curve. (No threshold on the class's softmax is that decision, and in float32 the
softmax reaches 1.0, where scores tie.)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from torch import Tensor


def class_margin(logits: Tensor, label: int) -> Tensor:
    """Logit of ``label`` less the largest other one of logits ``(N, classes)``: ``(N,)``."""
    others = logits.clone()
    others[:, label] = -float("inf")
    return logits[:, label] - others.amax(dim=1)


class Sides(NamedTuple):
    """What attacked images of the positive class count as; all boolean ``(N,)``.

    Attributes:
        positive, negative: the oracle sees the class, or another one, beyond doubt.
        positive_at_best, negative_at_best: the same with what is unclear to it, by its best guess.
    """

    positive: np.ndarray
    negative: np.ndarray
    positive_at_best: np.ndarray
    negative_at_best: np.ndarray


def sides(judge_label: np.ndarray, judge_clear: np.ndarray, label: int) -> Sides:
    """Sides of the images by the oracle's labels ``(N,)`` and whether they are clear ``(N,)``.

    ASSUME: an unclear image is neither a positive nor a negative; the paper has people in mind.
    Judges that never saw strong noise may misread what people read still, so that Type II images
    are to be counted by their label as well.
    """
    seen = judge_label == label
    return Sides(seen & judge_clear, ~seen & judge_clear, seen, ~seen)
