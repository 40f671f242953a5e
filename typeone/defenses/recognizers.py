"""Does a recognizer that learnt from one kind of attack withstand another (IV-D, Table III)?

A recognizer answers with a point on a sphere, not with a class. To learn on, it gets a direction a
person beside it: the logits are scaled cosines between the embedding and the directions, which
start at the mean embeddings of the persons (weight imprinting, Qi et al., 2018). So any recognizer
goes on from where it stands, whether or not the layer that it was trained with is still there.

    Type I:   L_ce(x, i) and L_ce(x', i'), a plain training: what became of person i is i', another
    Type II:  w L_ce(x, i) + w' L_ce(x', i) + lambda mean((p(x) - p(x'))²), p before normalisation

Type II pairs are found anew at every step: x' is where the embedding lies furthest from that of x
(PGD, FGSM). What the authors' code calls PGD in training hands back its random start: that is
uniform noise, which an attack of no step finds here.

ASSUME: the paper trains on LFW and half of the examples, and tells no more. The authors' code has
all three weights 1. Here faces of the training split stand for LFW, so that no person of a test was
learnt. Type II learns from the attacked half as faces for which pairs are found; examples that were
made against the untrained network would be weaker than those. The attacked images of one person are
one new person: that they are this person is what the attack is wrong about.

Batch norm keeps its running statistics and dropout stays off: those of a small batch, half of it
attacked, would move the clean embeddings for a reason that is no learning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from typeone.attacks.embedding import EmbeddingAttackSettings, attack
from typeone.data.faces import FaceTable
from typeone.data.images import from_uint8
from typeone.defenses.logit_pairing import PairingSettings, squared_distance
from typeone.models.recognizers import Recognizer
from typeone.training.loop import Objective
from typeone.training.losses import cross_entropy, embedding_distance
from typeone.training.objectives.faces import recognition


@dataclass(frozen=True, kw_only=True)
class EmbeddingPairingSettings(PairingSettings):
    """How Type II pairs of faces are found, beside what they weigh.

    Attributes:
        pairs: the attack that finds x'; without a step it is noise.
    """

    pairs: EmbeddingAttackSettings


def learnt_people(identities: np.ndarray, generator: torch.Generator) -> np.ndarray:
    """Which faces are of people that are learnt, bool ``(N,)``: a random half of the people.

    Of each two persons, in the order of their first faces, one at random; so about half of the
    first n faces, whatever n, and the same people in every attack that took the first of them.

    ASSUME: the paper halves examples at random. Halved like that, tests would show other faces of
    the very persons that were learnt.
    """
    _, first, person = np.unique(identities, return_index=True, return_inverse=True)
    place = np.empty(len(first), dtype=int)
    place[np.argsort(first)] = np.arange(len(first))
    sides = torch.randint(2, ((len(first) + 1) // 2,), generator=generator).numpy()
    learnt = (place % 2) == sides[place // 2]
    return learnt[person]


def people_to_learn(identities: np.ndarray, faces: int) -> np.ndarray:
    """Numbers of the first ``faces`` faces, at most, of people with two or more, sorted.

    People in the order of their first faces and whole, the last one may be cut. Of someone with
    one face nothing is learnt about what makes two alike; where nobody has two (generated faces),
    the first faces of all are taken, each a person, which still tells them apart.
    """
    _, first, person, count = np.unique(
        identities, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((np.arange(len(identities)), first[person]))
    rows = order[count[person[order]] > 1] if (count > 1).any() else order
    return np.sort(rows[:faces])


class Lessons:
    """Faces of several sources under one numbering, each with its class.

    Args:
        parts: stored images uint8 ``(N, C, H, W)`` (memory-mapped ones stay so), which of them
            ``(M,)``, and their classes int64 ``(M,)``.

    Attributes:
        labels: class of every face, int64.
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
        """Images ``(M, C, H, W)`` in [0, 1] of ``rows`` ``(M,)``."""
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
    """What a recognizer learns: training faces, attacked ones, and what was made of these.

    Args:
        train: its first ``faces`` faces of people who have two, if anybody has, are learnt.
        test: its faces ``learnt`` ``(M,)`` are learnt, of people of their own.
        attacked: Type I examples made of these, uint8 ``(M, C, H, W)``, or None; those of one
            person are one person more.
        copies: of each learnt face of ``test`` and each of ``attacked``; among thousands of faces
            a few dozen that are seen once would change nothing.
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
    """A recognizer that learns, and beside it a direction for each person that it learns from.

    Args:
        recognizer: images in [0, 1] → unit embeddings; stays in eval mode. Its ``prelogits`` are
            the same before they are normalised.
        centres: directions, ``(people, D)``, of any length.
    """

    def __init__(self, recognizer: Recognizer, centres: Tensor) -> None:
        super().__init__()
        self.recognizer, self.centres = recognizer, nn.Parameter(centres.clone())

    def train(self, mode: bool = True) -> Identifier:
        """As any module, but the recognizer stays in eval mode."""
        super().train(mode)
        self.recognizer.eval()
        return self


@torch.no_grad()
def mean_embeddings(
    recognizer: Callable[[Tensor], Tensor], lessons: Lessons, *, chunk: int = 50
) -> Tensor:
    """Direction of the mean embedding of every class of ``lessons``, ``(classes, D)``."""
    sums = torch.zeros(())
    for rows in torch.arange(len(lessons)).split(chunk):
        belongs = F.one_hot(lessons.labels[rows.to(lessons.labels.device)], lessons.classes)
        found = recognizer(lessons.faces(rows))
        sums = sums + belongs.to(found.dtype).T @ found
    return F.normalize(sums, dim=1)


def around(objective: Objective, count: int) -> Objective:
    """``objective`` of ``count`` rows for any number of them: after the last comes the first.

    So an epoch is as many steps as one likes, whatever there is to learn from.
    """
    return lambda rows, epochs: objective(rows % count, epochs)


def retraining(identifier: Identifier, lessons: Lessons, *, scale: float) -> Objective:
    """Cross-entropy over the people of ``lessons``, for Type I."""
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
    """The same attack in a ball of ``share`` of the radius, in [0, 1]."""
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
    """Adversarial logit pairing on the prelogits of ``lessons`` and of what lies near them.

    Pairs are found against the recognizer as it stands, from starts that ``generator`` draws.
    """
    recognizer = identifier.recognizer

    def objective(rows: Tensor, epochs: float) -> dict[str, Tensor]:
        warmup = settings.epsilon_warmup
        pairs = shrunk(settings.pairs, min(1.0, epochs / warmup) if warmup else 1.0)
        images, labels = lessons.faces(rows), lessons.labels[rows.to(lessons.labels.device)]
        count = len(images)
        found = attack(recognizer, images, pairs, generator=generator, chunk=count)
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
