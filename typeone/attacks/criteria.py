"""What an attack must hold on to, and what it aims at.

`KeepLabel` and `KeepIdentity` are the J1 of Eq. 9 for classifiers and recognizers, `KeepSqueezed`
that of an adaptive attack.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from typeone.training.losses import cross_entropy, embedding_distance

Keep = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(images, example numbers) → (J1, is what must be kept still kept), each ``(M,)``."""


class KeepLabel:
    """J1 of Eq. 9 for a classifier: cross-entropy of f1 at the label that must not change.

    Args:
        classifier: f1, images in [0, 1] → logits, in eval mode.
        labels: y of every example, int64 ``(N,)``.
    """

    def __init__(self, classifier: nn.Module, labels: Tensor) -> None:
        self.classifier, self.labels = classifier, labels

    def __call__(self, images: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """(J1, does f1 still say y) for images ``(M, C, H, W)`` of examples ``rows`` ``(M,)``."""
        logits = self.classifier(images)
        labels = self.labels[rows]
        return cross_entropy(logits, labels), logits.argmax(dim=1) == labels


class KeepSqueezed:
    """J1 for an attack that knows the squeezing detector: f1 keeps y on the squeezed image as well.

    The mean of `KeepLabel` on the image and on each squeezed view of it. Where f1 is sure of y on
    all of them its softmax cannot move far, which is what the detector looks for. Rounding has no
    gradient, so that the reduced image passes that of the image itself (BPDA, Athalye et al. 2018).

    Args:
        classifier, labels: as for `KeepLabel`.
        squeezers: images ``(M, C, H, W)`` → images, differentiable or passed through.
    """

    def __init__(
        self,
        classifier: nn.Module,
        labels: Tensor,
        squeezers: Sequence[Callable[[Tensor], Tensor]],
    ) -> None:
        self.keep, self.squeezers = KeepLabel(classifier, labels), squeezers

    def __call__(self, images: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """(mean J1, does f1 say y of every view) for images ``(M, C, H, W)``."""
        views = [images, *(squeezer(images) for squeezer in self.squeezers)]
        losses, kept = zip(*(self.keep(view, rows) for view in views), strict=True)
        return torch.stack(losses).mean(dim=0), torch.stack(kept).all(dim=0)


def label_criterion(
    classifier: nn.Module, squeezers: Sequence[Callable[[Tensor], Tensor]] = ()
) -> Callable[[Tensor, Tensor], KeepLabel | KeepSqueezed]:
    """From the images and labels of a batch to its J1, through ``squeezers`` if there are any."""

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
        threshold: the largest distance at which f1 takes two images for one person.
    """

    def __init__(self, recognizer: nn.Module, embeddings: Tensor, threshold: float) -> None:
        self.recognizer, self.embeddings, self.threshold = recognizer, embeddings, threshold

    def __call__(self, images: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """(distance, is it the same person) for images ``(M, C, H, W)`` of examples ``rows``."""
        distance = embedding_distance(self.recognizer(images), self.embeddings[rows])
        return distance, distance.detach() <= self.threshold


def identity_criterion(
    recognizer: nn.Module, threshold: float
) -> Callable[[Tensor, Tensor], KeepIdentity]:
    """From the original images of a batch to its J1: the embeddings that attacks must keep."""

    def keep(images: Tensor, labels: Tensor) -> KeepIdentity:
        with torch.no_grad():
            return KeepIdentity(recognizer, recognizer(images), threshold)

    return keep


def next_class(labels: Tensor, classes: int = 10) -> Tensor:
    """The paper's targets: i → i + 1, the last class → 0 (III-B)."""
    return (labels + 1) % classes
