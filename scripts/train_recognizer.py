"""Train the small recognizer on the people of the training faces (IV-B)."""

from functools import partial

import numpy as np
import torch
from torch import nn

from typeone.data.augmentation import augment_faces
from typeone.data.faces import FaceTable
from typeone.evaluation.verification import draw_pairs, far_threshold, has_same_pairs
from typeone.models.classifiers import reset_parameters
from typeone.models.recognizers import Recognizer, embed, save_recognizer
from typeone.runtime.artifacts import write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger
from typeone.training.loop import TrainingSettings, train
from typeone.training.objectives.faces import recognition

# what the training curve tells, on validation faces
CURVE = {"faces": 500, "pairs": 2000, "false_accepts": 0.01, "seed": 0}


def verification_of(recognizer, validation, device):
    """What the curve tells of a recognizer: same people that it misses, and its threshold."""
    same, different = (
        draw_pairs(
            validation.identities,
            validation.labels,
            kind=kind,
            count=CURVE["pairs"],
            generator=seeded(CURVE["seed"]),
        )
        for kind in ("same", "different")
    )

    def verify():
        found = embed(recognizer, len(validation), partial(validation.faces, device=device))
        threshold = far_threshold(different.distances(found), CURVE["false_accepts"])
        missed = same.distances(found) > threshold
        return {"validation_error": missed.mean(), "threshold": threshold}

    return verify


def train_recognizer(
    *,
    train_path,
    validation_path,
    model_path,
    curve_path,
    name,
    settings,
    loss,
    augmentation,
    training,
    seed,
    checkpoint,
    device,
):
    """Write the trained recognizer and its training curve.

    ``settings``: of the architecture; ``loss``: scale and margin of `margin_softmax`;
    ``augmentation``: arguments of `augment_faces`.
    """
    faces, validation = FaceTable(train_path), FaceTable(validation_path, limit=CURVE["faces"])
    people, labels = np.unique(faces.identities, return_inverse=True)
    recognizer = Recognizer("face_cnn", preprocessing="fixed", settings=settings)
    start = seeded(seed)
    reset_parameters(recognizer, start)
    # short: Adam's steps do not depend on the length, so that long ones would hardly turn
    centres = nn.Parameter(0.05 * torch.randn(len(people), settings["dim"], generator=start))
    model = nn.Module()  # what is trained; the centres are not kept
    model.recognizer, model.centres = recognizer, centres
    model.to(device)
    generator = seeded(seed, device)
    several = has_same_pairs(validation.identities)  # not of generated faces
    curve = train(
        model,
        recognition(
            recognizer,
            model.centres,
            partial(faces.faces, device=device),
            torch.from_numpy(labels).to(device),
            vary=partial(augment_faces, generator=generator, **augmentation),
            **loss,
        ),
        name=name,
        count=len(faces),
        settings=TrainingSettings(**training),
        seed=seed,
        generator=generator,
        checkpoint=checkpoint,
        evaluate=verification_of(recognizer, validation, device) if several else None,
    )
    told = ("train_error", *(("validation_error", "threshold") if several else ()))
    last = {k: float(curve[-1][k]) for k in told}
    if several:
        logger.info(
            "%s: misses %.2f %% of the same people of the validation faces at %g %% false accepts",
            *(name, 100 * last["validation_error"], 100 * CURVE["false_accepts"]),
        )
    note = {"seed": seed, "training": training, "people": len(people), **last}
    save_recognizer(model_path, recognizer, metadata=note)
    write_rows(curve_path, curve)


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        train_recognizer(
            checkpoint=run.checkpoint,
            train_path=run.input.train,
            validation_path=run.input.validation,
            model_path=run.output.model,
            curve_path=run.output.curve,
            name="small recognizer",
            **run.params.settings,
            seed=run.params.seed,
            device=run.device,
        )
