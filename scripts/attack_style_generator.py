"""Eq. 13 on the latent space of the small generator of faces, f1 a recognizer (III-D, IV-E)."""

import numpy as np
import torch

from typeone.attacks.criteria import KeepIdentity
from typeone.attacks.latent import LatentAttackSettings, attack, distance_hinge, jittered
from typeone.data.images import to_uint8
from typeone.models.face_generators import load_face_generator
from typeone.models.recognizers import load_recognizer, read_thresholds
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import Progress, logger
from typeone.training.losses import embedding_distance


def attack_style_generator(
    *,
    generator_path,
    recognizer_path,
    thresholds_path,
    examples_path,
    settings,
    threshold,
    count,
    chunk,
    seed,
    device,
    checkpoint,
):
    """Write one row a start: both images, latents, distances of what is stored.

    Beside each start stands a stranger, drawn anew: its distance tells what a low one is worth.
    ``threshold``: which of the recognizer's, by name.
    """
    gan = load_face_generator(generator_path, device)
    recognizer = load_recognizer(recognizer_path, device)
    limit = read_thresholds(thresholds_path)[threshold]
    settings = LatentAttackSettings(**settings)
    generator = seeded(seed, device)
    latent, stranger = torch.randn(
        2, count, gan.latent_dim, generator=generator, device=device
    ).unbind()
    start = jittered(latent, settings.jitter, generator)
    parts, say = [], Progress("attacking the style generator", count)
    for rows in torch.arange(count, device=device).split(chunk):
        with torch.no_grad():
            original, other = gan(latent[rows]), gan(stranger[rows])
            embeddings = recognizer(original)
        result = attack(
            lambda moved, _rows: gan(moved),
            latent[rows],
            settings,
            keep=KeepIdentity(recognizer, embeddings, limit),
            start=start[rows],
            checkpoint=checkpoint.part(str(int(rows[0]))),
        )
        stored = [to_uint8(images) for images in (original, result.images, other)]
        with torch.no_grad():
            before, after, strange = (recognizer(images.float() / 255) for images in stored)
        moved = result.latent_end - latent[rows]
        parts.append(
            {
                "position": rows.int(),
                "image": stored[0],
                "adversarial_image": stored[1],
                "latent_start": latent[rows],
                "latent_end": result.latent_end,
                "distance": embedding_distance(before, after),
                "stranger_distance": embedding_distance(before, strange),
                "latent_distance": moved.norm(dim=1),
                "hinge": distance_hinge(moved, settings.epsilon, settings.form),
                "steps": result.steps.int(),
                "converged": result.converged,
            }
        )
        say(int(rows[-1]) + 1)
    columns = {k: torch.cat([part[k] for part in parts]).cpu().numpy() for k in parts[0]}
    kept = (columns["distance"] <= limit) & (columns["hinge"] <= 0)
    logger.info("far away and the same person: %.1f %% of %d", 100 * np.mean(kept), count)
    write_parquet(
        examples_path,
        columns,
        metadata={"threshold": threshold, "threshold_distance": limit, "seed": seed},
    )


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        attack_style_generator(
            generator_path=run.input.generator,
            recognizer_path=run.input.recognizer,
            thresholds_path=run.input.thresholds,
            examples_path=run.output.examples,
            settings=run.params.settings,
            **run.params.how,
            seed=run.params.seed,
            device=run.device,
            checkpoint=run.checkpoint,
        )
