"""Attack the latent space of an AC-GAN (Eq. 13, IV-E), also by Song et al.'s Type II attack."""

import numpy as np

from typeone.attacks.latent_variants import attacked_batches
from typeone.evaluation.latent_space import draw_starts, latent_views
from typeone.evaluation.panels import load_panel
from typeone.models.acgan import load_gan
from typeone.models.classifiers import load_classifier
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import Progress, logger


def attack_latent(
    *, paths, module, attacks, chunk, seed, clear_confidence, device, checkpoint, **starts
):
    """Write one row per (variant, start) with the pair of images and the views of all networks.

    ``attacks``: settings by the variant's name. All variants start from the same latents, ``count``
    of ``draws`` (``starts``).
    """
    gan = load_gan(paths["generator"], device)
    f1 = load_classifier(paths["model"], device, module=module)
    oracle = load_panel(paths["oracle"], device)
    judges, clear = (gan, f1, oracle), {"clear_confidence": clear_confidence}
    drawn = draw_starts(*judges, seeded(seed, device), **starts, **clear)
    parts = []
    say = Progress("attacking the latent space", len(attacks))
    for done, (name, variant) in enumerate(attacks.items(), 1):
        how = {"seed": seed + 1_000_000, "chunk": chunk}  # distinct from the draws of every seed
        part = checkpoint.part(name)
        mine = [
            rows | latent_views(rows, *judges, **clear, device=device)
            for rows in attacked_batches(gan, f1, *drawn, variant, **how, checkpoint=part)
        ]
        say(done)
        success = np.concatenate([rows[f"{variant['kind']}_success_oracle"] for rows in mine])
        logger.info("variant %s: success %.1f %% of %d", name, 100 * success.mean(), len(success))
        parts += [{"variant": np.full(len(rows["label"]), name), **rows} for rows in mine]
    columns = {k: np.concatenate([part[k] for part in parts]) for k in parts[0]}
    write_parquet(paths["examples"], columns, metadata={**clear, "seed": seed})


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        attack_latent(
            paths={**dict(run.input.items()), **dict(run.output.items())},
            module=run.params.module,
            attacks=run.params.attacks,
            **run.params.settings,
            seed=run.params.seed,
            clear_confidence=run.params.clear_confidence,
            device=run.device,
            checkpoint=run.checkpoint,
        )
