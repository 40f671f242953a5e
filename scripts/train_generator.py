"""Train the AC-GAN whose latent space is attacked (III-D, IV-E): G, and f_G within its critic."""

import copy

import torch
from torch import nn

from typeone.data.digits import read_digits
from typeone.models.acgan import ARCHITECTURE, AuxiliaryGAN
from typeone.runtime.artifacts import save_model, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger
from typeone.training.error_rates import error_rate
from typeone.training.loop import TrainingSettings, train
from typeone.training.objectives.acgan import acgan


def train_generator(
    *,
    train_path,
    test_path,
    model_path,
    curve_path,
    latent_dim,
    channels,
    training,
    objective,
    seed,
    checkpoint,
    device,
):
    """Write G (the average of its last steps) with the critic, f_G's test error, the curve.

    ``objective``: settings of `acgan`.
    """
    images, labels = read_digits(train_path, device)
    generator = seeded(seed, device)
    gan = AuxiliaryGAN(latent_dim=latent_dim, channels=channels)
    gan.reset_parameters(seeded(seed))
    gan.to(device)
    average = copy.deepcopy(gan.generator).requires_grad_(False)
    curve = train(
        nn.ModuleDict({"gan": gan, "average": average}),
        acgan(gan, average, images, labels, generator, **objective),
        name=f"AC-GAN seed {seed}",
        count=len(images),
        settings=TrainingSettings(**training),
        seed=seed,
        generator=generator,
        checkpoint=checkpoint,
    )
    gan.generator.load_state_dict(average.state_dict())
    test, test_labels = read_digits(test_path, device)
    wanted = torch.arange(1000, device=device) % gan.classes
    drawn = gan.generate(torch.randn(1000, latent_dim, generator=generator, device=device), wanted)
    metrics = {
        "test_error": error_rate(gan.classify, test, test_labels),
        "test_n": len(test),
        "generated_error": error_rate(gan.classify, drawn.detach(), wanted),
    }
    logger.info(
        "f_G of the AC-GAN: %.2f %% errors on test digits, %.2f %% on digits of G",
        *(100 * metrics[k] for k in ("test_error", "generated_error")),
    )
    save_model(
        model_path,
        gan,
        metadata={
            "architecture": ARCHITECTURE,
            "latent_dim": latent_dim,
            "channels": channels,
            "seed": seed,
            "training": training,
            "objective": objective,
            **metrics,
        },
    )
    write_rows(curve_path, curve)  # an epoch of few batches may hold no move of the generator


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        train_generator(
            checkpoint=run.checkpoint,
            train_path=run.input.train,
            test_path=run.input.test,
            model_path=run.output.model,
            curve_path=run.output.curve,
            **run.params.settings,
            seed=run.params.seed,
            device=run.device,
        )
