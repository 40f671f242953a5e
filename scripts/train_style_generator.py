"""Train the small style-based generator of faces whose latent space is attacked (III-D, IV-E)."""

import copy

from torch import nn

from typeone.data.faces import FaceTable
from typeone.models.face_generators import STYLE
from typeone.models.style_generator import StyleCritic, StyleGenerator
from typeone.runtime.artifacts import save_model, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
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


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        train_style_generator(
            checkpoint=run.checkpoint,
            train_path=run.input.train,
            model_path=run.output.model,
            curve_path=run.output.curve,
            **run.params.settings,
            seed=run.params.seed,
            device=run.device,
        )
