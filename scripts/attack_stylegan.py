"""One row of Fig. 9: Eq. 13 on a large generator of faces, f1 FaceNet (IV-E).

ASSUME: the paper draws its starts; row r starts from the latent of seed + r.
"""

import numpy as np
import torch

from typeone.attacks.criteria import KeepIdentity
from typeone.attacks.frames import Followed
from typeone.attacks.latent import LatentAttackSettings, attack, distance_hinge, jittered
from typeone.data.images import to_uint8
from typeone.models.face_generators import load_face_generator
from typeone.models.recognizers import load_recognizer
from typeone.reporting.plotting import moments
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger
from typeone.training.losses import embedding_distance


def attack_stylegan(
    *,
    generator_path,
    recognizer_path,
    example_path,
    frames_path,
    settings,
    threshold,
    frames,
    side,
    row,
    seed,
    device,
    checkpoint,
):
    """Write both ends at full size with their distance, and ``frames`` small images of the way.

    ``settings`` as in the configuration. Distances are those of the stored images.
    """
    gan = load_face_generator(generator_path, device)
    recognizer = load_recognizer(recognizer_path, device)
    settings = LatentAttackSettings(**settings)
    generator = seeded(seed + row, device)
    latent = torch.randn(1, gan.latent_dim, generator=generator, device=device)
    with torch.no_grad():
        original = gan(latent)
        keep = KeepIdentity(recognizer, recognizer(original), threshold)
    followed = Followed(keep, side=side)
    result = attack(
        lambda moved, _rows: gan(moved),
        latent,
        settings,
        keep=followed,
        start=jittered(latent, settings.jitter, generator),
        checkpoint=checkpoint,
        carried={"frames": followed},
    )
    stored = [to_uint8(images) for images in (original, result.images)]
    with torch.no_grad():
        before, after = (recognizer(images.float() / 255) for images in stored)
    distance = embedding_distance(before, after)
    moved = result.latent_end - latent
    hinge = distance_hinge(moved, settings.epsilon, settings.form)
    logger.info(
        "row %d: distance %.4f, ||z' - z|| %.2f, hinge %.3g after %d steps",
        *(row, distance, moved.norm(), hinge, result.steps),
    )
    write_parquet(
        example_path,
        {
            "row": np.array([row], np.int32),
            "image": stored[0].cpu().numpy(),
            "adversarial_image": stored[1].cpu().numpy(),
            "latent_start": latent.cpu().numpy(),
            "latent_end": result.latent_end.cpu().numpy(),
            "distance": distance.cpu().numpy(),
            "latent_distance": moved.norm(dim=1).cpu().numpy(),
            "hinge": hinge.cpu().numpy(),
            "steps": result.steps.int().cpu().numpy(),
            "converged": result.converged.cpu().numpy(),
        },
        metadata={"threshold": threshold, "seed": seed},
    )
    shown = torch.stack([frame.image for frame in followed.frames]).numpy()
    chosen = moments(shown, frames)
    write_parquet(
        frames_path,
        {
            "row": np.full(len(chosen), row, np.int32),
            "step": np.array([followed.frames[i].step for i in chosen], np.int32),
            "image": shown[chosen],
            "distance": np.array([followed.frames[i].loss for i in chosen], np.float32),
        },
    )


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        attack_stylegan(
            generator_path=run.input.generator,
            recognizer_path=run.input.recognizer,
            example_path=run.output.example,
            frames_path=run.output.frames,
            settings=run.params.settings,
            **run.params.how,
            row=int(run.wildcards.row),
            device=run.device,
            checkpoint=run.checkpoint,
        )
