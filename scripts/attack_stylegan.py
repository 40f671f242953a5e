"""Compute one row of Fig. 9: Eq. 13 on a large generator of faces, f1 FaceNet (IV-E).

ASSUME: the paper draws its starts; row r starts from the latent of seed + r.
"""

import numpy as np
import torch

from typeone.attacks.face_latents import followed_attack
from typeone.attacks.latent import LatentAttackSettings, jittered
from typeone.models.face_generators import load_face_generator
from typeone.models.recognizers import load_recognizer
from typeone.reporting.plotting import moments
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger


def attack_stylegan(*, paths, settings, threshold, frames, row, seed, device, **how):
    """Write both ends at full size with their distance, and ``frames`` small images between them.

    ``settings`` as in the configuration. ``how``: side of a frame, and checkpoint.
    """
    gan = load_face_generator(paths["generator"], device)
    recognizer = load_recognizer(paths["recognizer"], device)
    settings, generator = LatentAttackSettings(**settings), seeded(seed + row, device)
    latent = torch.randn(1, gan.latent_dim, generator=generator, device=device)
    start = jittered(latent, settings.jitter, generator)
    columns, followed = followed_attack(
        gan, recognizer, latent, start, settings, threshold=threshold, **how
    )
    logger.info(
        "row %d: distance %.4f, ||z' - z|| %.2f, hinge %.3g after %d steps",
        *(row, *(columns[k] for k in ("distance", "latent_distance", "hinge", "steps"))),
    )
    columns = {name: values.cpu().numpy() for name, values in columns.items()}
    note = {"threshold": threshold, "seed": seed}
    write_parquet(paths["example"], {"row": np.array([row], np.int32), **columns}, metadata=note)
    images = torch.stack([frame.image for frame in followed]).numpy()
    chosen = moments(images, frames)
    shown = {
        "row": np.full(len(chosen), row, np.int32),
        "step": np.array([followed[i].step for i in chosen], np.int32),
        "image": images[chosen],
        "distance": np.array([followed[i].loss for i in chosen], np.float32),
    }
    write_parquet(paths["frames"], shown)


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        attack_stylegan(
            paths={**dict(run.input.items()), **dict(run.output.items())},
            settings=run.params.settings,
            **run.params.how,
            row=int(run.wildcards.row),
            device=run.device,
            checkpoint=run.checkpoint,
        )
