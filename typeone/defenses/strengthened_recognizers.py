"""Strengthen a recognizer: logit pairing, or retraining on Type I examples against it (IV-D)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from typeone.attacks.embedding import EmbeddingAttackSettings
from typeone.data.faces import FaceTable
from typeone.defenses.recognizers import (
    EmbeddingPairingSettings,
    Identifier,
    around,
    embedding_pairing,
    learnt_people,
    lessons,
    mean_embeddings,
    retraining,
)
from typeone.models.recognizers import Recognizer
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger
from typeone.training.loop import Trained, Training


def strengthen_recognizer(
    training: Training,
    recognizer: Recognizer,
    train: FaceTable,
    test: FaceTable,
    attacked: np.ndarray | None,
    *,
    method: Literal["logit_pairing", "retraining"],
    count: int,
    half_seed: int,
    how: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> Trained[Recognizer]:
    """Fine-tune ``recognizer``.

    Args:
        attacked: for ``retraining``, the attacked images of the first ``count`` faces of ``test``,
            uint8 ``(count, C, H, W)``.
        count: number of attacked test faces; those of a random half of the people are trained on.
        half_seed: seed of that half, see `learnt_people`.
        how: training faces, copies, scale and steps in an epoch.
        settings: fields of `EmbeddingPairingSettings`, for ``logit_pairing``.
    """
    learnt = np.flatnonzero(learnt_people(test.identities, seeded(half_seed))[:count])
    numbers = {k: how[k] for k in ("faces", "copies")}
    examples = None if attacked is None else attacked[learnt]
    learns = lessons(train, test, learnt, examples, **numbers, device=training.device)
    recognizer.requires_grad_(True)
    identifier = Identifier(recognizer, mean_embeddings(recognizer, learns))
    if method == "retraining":
        objective = retraining(identifier, learns, scale=how["scale"])
    else:
        pairs = EmbeddingAttackSettings(**settings["pairs"])
        weights = EmbeddingPairingSettings(**{**settings, "pairs": pairs})
        objective = embedding_pairing(
            identifier, learns, weights, training.generator, scale=how["scale"]
        )
    shown = how["steps"] * training.settings["batch_size"]
    curve = training.fit(identifier, around(objective, len(learns)), count=shown)
    faces = len(learns), len(learnt)
    logger.info("%s: %d faces, %d of them attacked people's", training.name, *faces)
    note = {"strengthening": {**how, "settings": settings, "training": training.settings}}
    return Trained(
        recognizer,
        curve,
        {"seed": training.seed, "method": method, "learnt_test_faces": learnt.tolist(), **note},
    )
