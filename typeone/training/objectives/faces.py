"""Training objectives of face judges and recognizers."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from typeone.data.face_variations import TRAINED_NONFACES, mix_faces, vary_faces
from typeone.data.faces import FaceTable
from typeone.models.face_judges import NO_FACE
from typeone.training.losses import cross_entropy, margin_softmax
from typeone.training.steps import Objective


def face_judging(
    judge: nn.Module,
    faces: FaceTable,
    generator: torch.Generator,
    device: torch.device | str,
    *,
    mixed: float = 0.0,
) -> Objective:
    """Return the cross-entropy of a face judge: female, male, no face.

    Every second face of a batch is also transformed into a non-face, by each transform in turn. All
    images are augmented in the same way; of the faces a share ``mixed`` goes through `mix_faces`
    before.
    """
    labels = torch.from_numpy(faces.labels).to(device)

    def objective(rows: Tensor, _epochs: float | Tensor) -> dict[str, Tensor]:
        batch = faces.faces(rows, device)
        spoilt = [
            spoil(batch[2 * i :: 2 * len(TRAINED_NONFACES)], generator)
            for i, spoil in enumerate(TRAINED_NONFACES)
            if 2 * i < len(batch)
        ]
        shown = mix_faces(batch, generator, mixed)
        pictures = vary_faces(torch.cat([shown, *spoilt]), generator)
        nothing = labels.new_full((len(pictures) - len(batch),), NO_FACE)
        wanted = torch.cat([labels[rows.to(device)], nothing])
        logits = judge(pictures)
        wrong = logits.detach().argmax(dim=1) != wanted
        return {"loss": cross_entropy(logits, wanted), "train_error": wrong.float()}

    return objective


def recognition(
    recognizer: nn.Module,
    centres: nn.Parameter,
    faces: Callable[[Tensor], Tensor],
    labels: Tensor,
    *,
    vary: Callable[[Tensor], Tensor],
    scale: float,
    margin: float,
) -> Objective:
    """Return `margin_softmax` of embeddings against one trainable centre for each person.

    Args:
        recognizer: images → unit embeddings ``(N, D)``.
        centres: ``(people, D)``, of any norm.
        faces: from row numbers to images in [0, 1].
        labels: identity of each row, ``(rows,)`` in [0, people).
        vary: augmentation of each batch.
        scale, margin: as in `margin_softmax`.
    """

    def objective(rows: Tensor, _epochs: float | Tensor) -> dict[str, Tensor]:
        own = labels[rows.to(labels.device)]
        cosines = recognizer(vary(faces(rows))) @ F.normalize(centres, dim=1).T
        wrong = cosines.detach().argmax(dim=1) != own
        loss = margin_softmax(cosines, own, scale=scale, margin=margin)
        return {"loss": loss, "train_error": wrong.float()}

    return objective
