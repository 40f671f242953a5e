"""Train one judge of faces: female, male, or no face (the annotators' part in IV-B)."""

import numpy as np
import torch

from typeone.data.faces import FaceTable
from typeone.models.classifiers import reset_parameters
from typeone.models.face_judges import NO_FACE, build_face_judge
from typeone.runtime.artifacts import save_model, write_rows
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.devices import compute_device, seeded
from typeone.runtime.job import job_log
from typeone.runtime.logs import logger
from typeone.runtime.stamps import digest
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
    checkpoint.finish()


if "snakemake" in globals():
    with job_log(snakemake.log[0], snakemake.rule, snakemake.params):
        device = compute_device(snakemake.threads, gpu=snakemake.resources.get("gpu", 0))
        settled = digest(list(snakemake.params), device.type, files=list(snakemake.input))
        train_face_judge(
            checkpoint=Checkpoint(snakemake.params.resume, settled),
            judge_path=snakemake.input.judge,
            validation_path=snakemake.input.validation,
            model_path=snakemake.output.model,
            curve_path=snakemake.output.curve,
            name=snakemake.wildcards.judge,
            **snakemake.params.settings,
            seed=snakemake.params.seed,
            device=device,
        )
