"""Score one class against the rest, for the ROC of f1 under attack (Section I, Fig. 1).

ASSUME: the paper draws one 3 that becomes an 8. Here every attacked 3 counts, with target 4. One
class is positive, all others are negative. The score is f1's margin of the class, its logit minus
the largest other logit. It is positive exactly where f1 predicts the class, so f1's own decision is
a point of the curve. (No threshold on the softmax of the class equals that decision, and in float32
the softmax reaches 1.0, where scores tie.)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from torch import Tensor


def class_margin(logits: Tensor, label: int) -> Tensor:
    """Return the logit of ``label`` minus the largest other one, ``(N, classes)`` → ``(N,)``."""
    others = logits.clone()
    others[:, label] = -float("inf")
    return logits[:, label] - others.amax(dim=1)


class Sides(NamedTuple):
    """Sides of the ROC that attacked images of the positive class count on; bool ``(N,)`` each.

    Attributes:
        positive, negative: the oracle clearly sees the class, or clearly another one.
        positive_at_best, negative_at_best: the same, with unclear images counted by the oracle's
            best guess.
    """

    positive: np.ndarray
    negative: np.ndarray
    positive_at_best: np.ndarray
    negative_at_best: np.ndarray


def sides(judge_label: np.ndarray, judge_clear: np.ndarray, label: int) -> Sides:
    """Return the sides of images from the oracle's labels ``(N,)`` and clarity ``(N,)``.

    ASSUME: an unclear image is neither a positive nor a negative; the paper refers to people.
    Judges that were not trained on strong noise may misread images that people still read. Type II
    images are therefore also counted by their label.
    """
    seen = judge_label == label
    return Sides(seen & judge_clear, ~seen & judge_clear, seen, ~seen)
