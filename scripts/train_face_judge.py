"""Train one judge of faces: female, male, or no face (the annotators' part in IV-B)."""

import numpy as np
import torch

from typeone.data.faces import FaceTable
from typeone.models.classifiers import reset_parameters
from typeone.models.face_judges import NO_FACE, build_face_judge
from typeone.runtime.artifacts import save_model, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger
from typeone.training.loop import TrainingSettings, train
from typeone.training.objectives.faces import face_judging

BATCH = 256  # faces of the validation judged at once


def train_face_judge(
    *,
    judge_path,
    validation_path,
    model_path,
    curve_path,
    name,
    architecture,
    training,
    seed,
    checkpoint,
    device,
):
    """Write the trained judge and its training curve, with errors of gender on validation faces."""
    faces, validation = FaceTable(judge_path), FaceTable(validation_path)
    judge = build_face_judge(architecture)
    reset_parameters(judge, seeded(seed))
    judge.to(device)
    generator = seeded(seed, device)

    @torch.no_grad()
    def evaluate():
        rows = torch.arange(len(validation)).split(BATCH)
        logits = torch.cat([judge(validation.faces(part, device)).cpu() for part in rows])
        seen = logits[:, :NO_FACE].argmax(dim=1).numpy()
        return {
            "validation_error": float(np.mean(seen != validation.labels)),
            "validation_no_face": float((logits.argmax(dim=1) == NO_FACE).double().mean()),
        }

    curve = train(
        judge,
        face_judging(judge, faces, generator, device),
        name=f"judge {name}",
        count=len(faces),
        settings=TrainingSettings(**training),
        seed=seed,
        generator=generator,
        checkpoint=checkpoint,
        evaluate=evaluate,
    )
    logger.info("judge %s: validation error %.2f %%", name, 100 * curve[-1]["validation_error"])
    save_model(
        model_path,
        judge,
        metadata={
            **{"architecture": architecture, "seed": seed, "training": training},
            **{"source": faces.metadata["source"], "train_n": len(faces)},
            **{k: curve[-1][k] for k in ("validation_error", "validation_no_face")},
        },
    )
    write_rows(curve_path, curve)


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        train_face_judge(
            checkpoint=run.checkpoint,
            judge_path=run.input.judge,
            validation_path=run.input.validation,
            model_path=run.output.model,
            curve_path=run.output.curve,
            name=run.wildcards.judge,
            **run.params.settings,
            seed=run.params.seed,
            device=run.device,
        )
