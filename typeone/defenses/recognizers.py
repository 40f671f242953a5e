"""Fine-tune a recognizer against Type I or Type II attacks (IV-D, Table III).

A recognizer outputs an embedding, not a class. For fine-tuning it gets a direction for each person:
the logits are scaled cosines between the embedding and the directions, which start at the mean
embeddings of the persons (weight imprinting, Qi et al., 2018). Any recognizer can therefore be
fine-tuned, even without the last layer of its training.

    Type I:   L_ce(x, i) and L_ce(x', i'), plain training: x' of person i is a new person i'
    Type II:  w L_ce(x, i) + w' L_ce(x', i) + lambda mean((p(x) - p(x'))²), p before normalisation

Type II pairs are generated at every step: x' maximises the distance of its embedding from that of x
(PGD, FGSM). The training attack called PGD in the authors' code returns its random start, that is
uniform noise; here an attack of 0 steps does the same.

ASSUME: the paper trains on LFW and half of the examples, without further details. The authors' code
has all three weights 1. Here faces of the training split replace LFW, so that the split is
identity-disjoint from every test. Type II generates its pairs for the faces of the attacked half;
examples against the original network would be weaker. The attacked images of one person are one new
person: the attack changes the identity, and the attacked recognizer misses that.

Batch norm uses its running statistics and dropout is off: the statistics of a small batch, half of
it attacked, would move the clean embeddings without any learning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from typeone.attacks.embedding import EmbeddingAttackSettings, perturbed
from typeone.data.faces import FaceTable
from typeone.data.images import from_uint8
from typeone.defenses.logit_pairing import PairingSettings, squared_distance
from typeone.models.recognizers import Recognizer
from typeone.training.losses import cross_entropy, embedding_distance
from typeone.training.objectives.faces import recognition
from typeone.training.steps import Objective, warm_up_share


@dataclass(frozen=True, kw_only=True)
class EmbeddingPairingSettings(PairingSettings):
    """Weights of Type II pairs of faces and settings of the attack that generates x'.

    Attributes:
        pairs: settings of the attack that generates x'; with 0 steps x' is noise.
    """

    pairs: EmbeddingAttackSettings


def learnt_people(identities: np.ndarray, generator: torch.Generator) -> np.ndarray:
    """Select a random half of the people for training; return a mask of their faces, bool ``(N,)``.

    Persons are paired in the order of their first faces, and one of each pair is drawn. So about
    half of the first n faces are selected for every n, and the same people in every attack on the
    first faces.

    ASSUME: the paper splits examples at random. That split is not identity-disjoint: tests would
    contain other faces of people in the training half.
    """
    _, first, person = np.unique(identities, return_index=True, return_inverse=True)
    place = np.empty(len(first), dtype=int)
    place[np.argsort(first)] = np.arange(len(first))
    sides = torch.randint(2, ((len(first) + 1) // 2,), generator=generator).numpy()
    learnt = (place % 2) == sides[place // 2]
    return learnt[person]


def people_to_learn(identities: np.ndarray, faces: int) -> np.ndarray:
    """Return sorted indices of at most ``faces`` faces of people with two or more faces.

    People are taken in the order of their first faces, with all their faces; the last person may be
    cut. A person with a single face gives no information about the similarity of two faces. If no
    person has two (generated faces), the first faces are taken, each as a separate person.
    """
    _, first, person, count = np.unique(
        identities, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((np.arange(len(identities)), first[person]))
    rows = order[count[person[order]] > 1] if (count > 1).any() else order
    return np.sort(rows[:faces])


class Lessons:
    """Training faces of several sources, concatenated, each with its class.

    Args:
        parts: for each source, images uint8 ``(N, C, H, W)`` (possibly memory-mapped), the rows
            used ``(M,)``, and their classes int64 ``(M,)``.

    Attributes:
        labels: class of every face, int64 ``(faces,)``.
    """

    def __init__(
        self, *parts: tuple[np.ndarray, np.ndarray, np.ndarray], device: torch.device | str = "cpu"
    ) -> None:
        self.sources = [images for images, _, _ in parts]
        self.part = np.repeat(np.arange(len(parts)), [len(rows) for _, rows, _ in parts])
        self.row = np.concatenate([rows for _, rows, _ in parts])
        labels = np.concatenate([classes for _, _, classes in parts]).astype(np.int64)
        self.labels, self.device = torch.from_numpy(labels).to(device), device

    def __len__(self) -> int:
        return len(self.row)

    @property
    def classes(self) -> int:
        return int(self.labels.max()) + 1

    def faces(self, rows: Tensor) -> Tensor:
        """Return the images ``(M, C, H, W)`` in [0, 1] of ``rows`` ``(M,)``."""
        chosen = rows.cpu().numpy()
        images = np.empty((len(chosen), *self.sources[0].shape[1:]), dtype=np.uint8)
        for part, source in enumerate(self.sources):
            here = self.part[chosen] == part
            images[here] = source[self.row[chosen[here]]]
        return from_uint8(images, self.device)


def lessons(
    train: FaceTable,
    test: FaceTable,
    learnt: np.ndarray,
    attacked: np.ndarray | None = None,
    *,
    faces: int,
    copies: int,
    device: torch.device | str = "cpu",
) -> Lessons:
    """Collect the training faces of a recognizer, with a class for each person.

    Args:
        train: table whose `people_to_learn` are used, at most ``faces`` faces.
        test: table whose faces ``learnt`` ``(M,)`` are used, as further people.
        attacked: Type I examples of these faces, uint8 ``(M, C, H, W)``, or None; the examples of
            one person are one further person.
        copies: copies of each ``learnt`` and each ``attacked`` face; a few dozen faces seen once
            among thousands would have no effect.
    """
    rows = people_to_learn(train.identities, faces)
    people, classes = np.unique(train.identities[rows], return_inverse=True)
    others, own = np.unique(test.identities[learnt], return_inverse=True)
    own = np.tile(own + len(people), copies)
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]]
    parts = [(train.images, rows, classes), (test.images, np.tile(learnt, copies), own)]
    if attacked is not None:
        parts.append((attacked, np.tile(np.arange(len(attacked)), copies), own + len(others)))
    return Lessons(*parts, device=device)


class Identifier(nn.Module):
    """A recognizer in training, with a trainable direction for each person.

    Args:
        recognizer: images in [0, 1] → unit embeddings; stays in eval mode. Its ``prelogits`` are
            the embeddings before normalisation.
        centres: directions, ``(people, D)``, of any norm.
    """

    def __init__(self, recognizer: Recognizer, centres: Tensor) -> None:
        super().__init__()
        self.recognizer, self.centres = recognizer, nn.Parameter(centres.clone())

    def train(self, mode: bool = True) -> Identifier:
        """Set training mode, but keep the recognizer in eval mode."""
        super().train(mode)
        self.recognizer.eval()
        return self


@torch.no_grad()
def mean_embeddings(
    recognizer: Callable[[Tensor], Tensor], lessons: Lessons, *, chunk: int = 50
) -> Tensor:
    """Normalised mean embedding of each class of ``lessons``, ``(classes, D)``."""
    sums = torch.zeros(())
    for rows in torch.arange(len(lessons)).split(chunk):
        belongs = F.one_hot(lessons.labels[rows.to(lessons.labels.device)], lessons.classes)
        found = recognizer(lessons.faces(rows))
        sums = sums + belongs.to(found.dtype).T @ found
    return F.normalize(sums, dim=1)


def around(objective: Objective, count: int) -> Objective:
    """Wrap ``objective`` of ``count`` rows so that larger row numbers start again at the first row.

    An epoch can then have any number of steps, independent of ``count``.
    """
    return lambda rows, epochs: objective(rows % count, epochs)


def retraining(identifier: Identifier, lessons: Lessons, *, scale: float) -> Objective:
    """Return the cross-entropy over the people of ``lessons``, the loss for Type I."""
    return recognition(
        identifier.recognizer,
        identifier.centres,
        lessons.faces,
        lessons.labels,
        vary=lambda images: images,
        scale=scale,
        margin=0.0,
    )


def shrunk(settings: EmbeddingAttackSettings, share: float) -> EmbeddingAttackSettings:
    """Scale radius, step size and start of the attack by ``share``, in [0, 1]."""
    lengths = {k: share * getattr(settings, k) for k in ("epsilon", "step_size", "start")}
    return replace(settings, **lengths)


def embedding_pairing(
    identifier: Identifier,
    lessons: Lessons,
    settings: EmbeddingPairingSettings,
    generator: torch.Generator,
    *,
    scale: float,
) -> Objective:
    """Return the loss of adversarial logit pairing on the prelogits of ``lessons``, for Type II.

    Adversarial images are generated against the current recognizer, from starts drawn from
    ``generator``.
    """
    recognizer = identifier.recognizer

    def objective(rows: Tensor, epochs: float | Tensor) -> dict[str, Tensor]:
        # the settings of an attack are numbers: where there is a warm-up, a GPU records no step
        pairs = shrunk(settings.pairs, float(warm_up_share(epochs, settings.epsilon_warmup)))
        images, labels = lessons.faces(rows), lessons.labels[rows.to(lessons.labels.device)]
        count = len(images)
        found = perturbed(recognizer, images, pairs, generator=generator, chunk=count)
        prelogits = recognizer.prelogits(torch.cat([images, found]))
        embeddings = F.normalize(prelogits, dim=1)
        logits = scale * embeddings @ F.normalize(identifier.centres, dim=1).T
        clean, adversarial = cross_entropy(logits, labels.repeat(2)).split(count)
        pairing = squared_distance(*prelogits.split(count))
        return {
            "loss": settings.clean_weight * clean
            + settings.adversarial_weight * adversarial
            + settings.pairing_weight * pairing,
            "clean_loss": clean,
            "adversarial_loss": adversarial,
            "pairing_loss": pairing,
            "pair_distance": embedding_distance(*embeddings.detach().split(count)),
            "train_error": (logits.detach()[:count].argmax(dim=1) != labels).float(),
        }

    return objective
