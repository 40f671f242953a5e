"""Train the networks for faces: the small recognizer and the face judges (IV-B)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from typeone.data.augmentation import augment_faces
from typeone.data.faces import FaceTable
from typeone.models.classifiers import reset_parameters
from typeone.models.face_judges import NO_FACE, build_face_judge
from typeone.models.recognizers import Recognizer
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger
from typeone.training.loop import Evaluation, Trained, Training
from typeone.training.objectives.faces import face_judging, recognition

BATCH = 256  # batch size of the validation


def train_recognizer(
    training: Training,
    faces: FaceTable,
    evaluation: Callable[[Recognizer], Evaluation] | None,
    *,
    settings: Mapping[str, Any],
    loss: Mapping[str, float],
    augmentation: Mapping[str, Any],
) -> Trained[Recognizer]:
    """Train the small recognizer on the people of ``faces``.

    Args:
        evaluation: further metrics of the recognizer for the curve.
        settings: keyword arguments of the architecture.
        loss: scale and margin of `margin_softmax`.
        augmentation: arguments of `augment_faces`.
    """
    people, labels = np.unique(faces.identities, return_inverse=True)
    recognizer = Recognizer("face_cnn", preprocessing="fixed", settings=settings)
    start = seeded(training.seed)
    reset_parameters(recognizer, start)
    # small norm: the size of Adam's steps does not depend on it, so long centres would hardly turn
    centres = nn.Parameter(0.05 * torch.randn(len(people), settings["dim"], generator=start))
    model = nn.Module()  # all trained parameters; the centres are discarded
    model.recognizer, model.centres = recognizer, centres
    model.to(training.device)
    objective = recognition(
        recognizer,
        model.centres,
        partial(faces.faces, device=training.device),
        torch.from_numpy(labels).to(training.device),
        vary=partial(augment_faces, generator=training.generator, **augmentation),
        **loss,
    )
    evaluate = evaluation and evaluation(recognizer)
    curve = training.fit(model, objective, count=len(faces), evaluate=evaluate)
    told = [k for k in ("train_error", "validation_error", "threshold") if k in curve[-1]]
    last = {k: float(curve[-1][k]) for k in told}
    if "threshold" in last:
        logger.info(
            "%s: misses %.2f %% of same-person pairs of validation faces at threshold %.3f",
            *(training.name, 100 * last["validation_error"], last["threshold"]),
        )
    return training.trained(recognizer, curve, people=len(people), **last)


def train_face_judge(
    training: Training,
    faces: FaceTable,
    validation: FaceTable,
    *,
    architecture: str,
    mixed: float = 0.0,
) -> Trained[nn.Module]:
    """Train one judge: female, male or no face, in place of the annotators of IV-B.

    A share ``mixed`` of the faces gets the coarse part of another (`mix_faces`).

    Its gender error on ``validation`` faces is added to the curve and the note.
    """
    device = training.device
    judge = build_face_judge(architecture)
    reset_parameters(judge, seeded(training.seed))
    judge.to(device)

    @torch.no_grad()
    def evaluate() -> dict[str, float]:
        rows = torch.arange(len(validation)).split(BATCH)
        logits = torch.cat([judge(validation.faces(part, device)).cpu() for part in rows])
        seen = logits[:, :NO_FACE].argmax(dim=1).numpy()
        return {
            "validation_error": float(np.mean(seen != validation.labels)),
            "validation_no_face": float((logits.argmax(dim=1) == NO_FACE).double().mean()),
        }

    objective = face_judging(judge, faces, training.generator, device, mixed=mixed)
    curve = training.fit(judge, objective, count=len(faces), evaluate=evaluate)
    last = {k: curve[-1][k] for k in ("validation_error", "validation_no_face")}
    logger.info("%s: validation error %.2f %%", training.name, 100 * last["validation_error"])
    known = {"source": faces.metadata["source"], "train_n": len(faces)}
    return training.trained(judge, curve, architecture=architecture, **known, **last)
