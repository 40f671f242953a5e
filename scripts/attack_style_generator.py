"""Run Eq. 13 on the latent space of the small face generator, f1 a recognizer (III-D, IV-E)."""

import numpy as np
import torch

from typeone.attacks.face_latents import attacked_batches
from typeone.attacks.latent import LatentAttackSettings, jittered
from typeone.models.face_generators import load_face_generator
from typeone.models.recognizers import load_recognizer, read_thresholds
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import Progress, logger


def attack_style_generator(*, paths, settings, threshold, count, seed, device, **how):
    """Write one row per start: both images, latents, distances of the stored images.

    Each row also contains the distance to the face of a random latent (a stranger), as a baseline.
    ``threshold``: which of the recognizer's, by name. ``how``: chunk and checkpoint.
    """
    gan = load_face_generator(paths["generator"], device)
    recognizer = load_recognizer(paths["recognizer"], device)
    limit = read_thresholds(paths["thresholds"])[threshold]
    settings, generator = LatentAttackSettings(**settings), seeded(seed, device)
    shape = (2, count, gan.latent_dim)
    latent, stranger = torch.randn(*shape, generator=generator, device=device).unbind()
    starts = latent, jittered(latent, settings.jitter, generator), stranger
    parts, say = [], Progress("attacking the style generator", count)
    for part in attacked_batches(gan, recognizer, *starts, settings, threshold=limit, **how):
        parts.append(part)
        say(int(part["position"][-1]) + 1)
    columns = {k: torch.cat([part[k] for part in parts]).cpu().numpy() for k in parts[0]}
    kept = (columns["distance"] <= limit) & (columns["hinge"] <= 0)
    logger.info("far away and the same person: %.1f %% of %d", 100 * np.mean(kept), count)
    note = {"threshold": threshold, "threshold_distance": limit, "seed": seed}
    write_parquet(paths["examples"], columns, metadata=note)


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        attack_style_generator(
            paths={**dict(run.input.items()), **dict(run.output.items())},
            settings=run.params.settings,
            **run.params.how,
            seed=run.params.seed,
            device=run.device,
            checkpoint=run.checkpoint,
        )
