"""Criteria of an attack: the output of f1 to preserve (J1 of Eq. 9), and the target class.

`KeepLabel` is J1 for classifiers, `KeepIdentity` for recognizers, `KeepSqueezed` for an adaptive
attack on the squeezing detector.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from typeone.models.predictions import predict
from typeone.training.losses import cross_entropy, embedding_distance

Keep = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(images ``(M, C, H, W)``, example numbers ``(M,)``) → (J1, f1's output preserved), ``(M,)``."""


class KeepLabel:
    """J1 of Eq. 9 for a classifier: cross-entropy of f1 at the label that must not change.

    Args:
        classifier: f1, images in [0, 1] → logits, in eval mode.
        labels: y of every example, int64 ``(N,)``.
    """

    def __init__(self, classifier: nn.Module, labels: Tensor) -> None:
        self.classifier, self.labels = classifier, labels

    def __call__(self, images: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return J1 and whether f1 predicts y, ``(M,)``, for images ``(M, C, H, W)``."""
        logits = self.classifier(images)
        labels = self.labels[rows]
        return cross_entropy(logits, labels), logits.argmax(dim=1) == labels


class KeepSqueezed:
    """J1 of an attack that knows the squeezing detector: f1 predicts y on squeezed images as well.

    J1 is the mean of `KeepLabel` over the image and its squeezed views. If f1 is confident of y on
    all of them, its softmax moves little between them, and the detector measures that movement.
    Rounding has no gradient, so the gradient passes straight through it (BPDA, Athalye et al.
    2018).

    Args:
        classifier, labels: as for `KeepLabel`.
        squeezers: images ``(M, C, H, W)`` → images, differentiable or with a straight-through
            gradient.
    """

    def __init__(
        self,
        classifier: nn.Module,
        labels: Tensor,
        squeezers: Sequence[Callable[[Tensor], Tensor]],
    ) -> None:
        self.keep, self.squeezers = KeepLabel(classifier, labels), squeezers

    def __call__(self, images: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean J1 and whether f1 predicts y on every view, ``(M,)``, as in `KeepLabel`."""
        views = [images, *(squeezer(images) for squeezer in self.squeezers)]
        losses, kept = zip(*(self.keep(view, rows) for view in views), strict=True)
        return torch.stack(losses).mean(dim=0), torch.stack(kept).all(dim=0)


def label_criterion(
    classifier: nn.Module, squeezers: Sequence[Callable[[Tensor], Tensor]] = ()
) -> Callable[[Tensor, Tensor], KeepLabel | KeepSqueezed]:
    """Return a function from images and labels of a batch to its J1, with ``squeezers`` if any."""

    def keep(images: Tensor, labels: Tensor) -> KeepLabel | KeepSqueezed:
        if squeezers:
            return KeepSqueezed(classifier, labels, squeezers)
        return KeepLabel(classifier, labels)

    return keep


class KeepIdentity:
    """J1 of Eq. 9 for a recognizer: ||f1(x') - f1(x)||_2, the distance to the original's embedding.

    Args:
        recognizer: f1, images in [0, 1] → embeddings ``(M, D)``, in eval mode.
        embeddings: f1(x) of every example, ``(N, D)``.
        threshold: the largest distance at which f1 matches two images as one person.
    """

    def __init__(self, recognizer: nn.Module, embeddings: Tensor, threshold: float) -> None:
        self.recognizer, self.embeddings, self.threshold = recognizer, embeddings, threshold

    def __call__(self, images: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return J1 and whether f1 finds the same person, ``(M,)``, for ``(M, C, H, W)`` images."""
        distance = embedding_distance(self.recognizer(images), self.embeddings[rows])
        return distance, distance.detach() <= self.threshold


def identity_criterion(
    recognizer: nn.Module, threshold: float
) -> Callable[[Tensor, Tensor], KeepIdentity]:
    """Return a function from the original images of a batch to its J1, a `KeepIdentity`."""

    def keep(images: Tensor, labels: Tensor) -> KeepIdentity:
        with torch.no_grad():
            return KeepIdentity(recognizer, recognizer(images), threshold)

    return keep


@torch.no_grad()
def runner_up(classifier: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Return the class that f1 finds most likely after y, ``(N,)``, for ``(N, C, H, W)`` images.

    ASSUME: beyond the paper, as a target that is nearer to x than the next class.
    """
    logits = predict(classifier, images)
    return logits.scatter(1, labels[:, None], -torch.inf).argmax(dim=1)


def next_class(labels: Tensor, classes: int = 10) -> Tensor:
    """Return the paper's target labels: i → i + 1, the last class → 0 (III-B)."""
    return (labels + 1) % classes
