"""Train the small style-based generator of faces whose latent space is attacked (III-D, IV-E)."""

import copy

from torch import nn

from typeone.data.faces import FaceTable
from typeone.models.face_generators import STYLE
from typeone.models.style_generator import StyleCritic, StyleGenerator
from typeone.runtime.artifacts import save_model, write_rows
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.devices import compute_device, seeded
from typeone.runtime.job import job_log
from typeone.runtime.stamps import digest
from typeone.training.loop import TrainingSettings, train
from typeone.training.objectives.style_gan import style_gan


def train_style_generator(
    *,
    train_path,
    model_path,
    curve_path,
    latent_dim,
    channels,
    critic_channels,
    training,
    objective,
    seed,
    checkpoint,
    device,
):
    """Write the generator (the average of its last steps) and the curve.

    ``objective``: settings of `style_gan`.
    """
    table = FaceTable(train_path)
    gan = StyleGenerator(latent_dim=latent_dim, channels=channels)
    critic = StyleCritic(channels=critic_channels)
    start = seeded(seed)
    for network in (gan, critic):
        network.reset_parameters(start)
    average = copy.deepcopy(gan).requires_grad_(False)
    networks = nn.ModuleDict({"gan": gan, "critic": critic, "average": average}).to(device)
    generator = seeded(seed, device)
    curve = train(
        networks,
        style_gan(
            gan, critic, average, lambda rows: table.faces(rows, device), generator, **objective
        ),
        name=f"style generator seed {seed}",
        count=len(table),
        settings=TrainingSettings(**training),
        seed=seed,
        generator=generator,
        checkpoint=checkpoint,
    )
    save_model(
        model_path,
        average,
        metadata={
            **{"architecture": STYLE, "latent_dim": latent_dim, "channels": channels},
            **{"seed": seed, "training": training, "objective": objective},
            **{"faces": len(table), "size": average.size},
        },
    )
    write_rows(curve_path, curve)
    checkpoint.finish()


if "snakemake" in globals():
    with job_log(snakemake.log[0], snakemake.rule, snakemake.params):
        device = compute_device(snakemake.threads, gpu=snakemake.resources.get("gpu", 0))
        settled = digest(list(snakemake.params), device.type, files=list(snakemake.input))
        train_style_generator(
            checkpoint=Checkpoint(snakemake.params.resume, settled),
            train_path=snakemake.input.train,
            model_path=snakemake.output.model,
            curve_path=snakemake.output.curve,
            **snakemake.params.settings,
            seed=snakemake.params.seed,
            device=device,
        )
