"""Stage 2 of Algorithm 1: train the discriminator on encoded and drawn latents (Eq. 7)."""

import torch

from typeone.artifacts import digest, read_model_metadata, save_model, write_parquet
from typeone.devices import compute_device, seeded
from typeone.images import binarise, read_digits
from typeone.logs import job_log, logger
from typeone.metrics import balanced_accuracy
from typeone.models.svae import load_svae
from typeone.objectives import svae_stage2
from typeone.training import Checkpoint, TrainingSettings, train


def train_svae_stage2(
    *,
    train_path,
    test_path,
    stage1_path,
    model_path,
    curve_path,
    training,
    seed,
    checkpoint,
    device,
):
    """Write the whole SVAE with the discriminator's balanced accuracy on the test digits."""
    images, _ = read_digits(train_path, device)
    svae = load_svae(stage1_path, device)
    svae.discriminator.requires_grad_(True)

    def posterior(images):
        with torch.no_grad():
            parts = [svae.encode(binarise(part)) for part in images.split(1000)]
        return (torch.cat(each) for each in zip(*parts, strict=True))

    mu, sigma = posterior(images)
    generator = seeded(seed, device)
    curve = train(
        svae,
        svae_stage2(svae, mu, sigma, generator),
        name=f"SVAE stage 2 seed {seed}",
        count=len(images),
        settings=TrainingSettings(**training),
        seed=seed,
        generator=generator,
        checkpoint=checkpoint,
    )
    test, _ = read_digits(test_path, device)
    with torch.no_grad():
        mu, sigma = posterior(test)
        noise = torch.randn(2, *mu.shape, generator=seeded(seed, device), device=device)
        encoded, drawn = svae.discriminate(mu + sigma * noise[0]), svae.discriminate(noise[1])
        accuracy = balanced_accuracy(encoded.cpu().numpy(), drawn.cpu().numpy())
    logger.info("f_dis, seed %d: balanced accuracy %.1f %% on test digits", seed, 100 * accuracy)
    save_model(
        model_path,
        svae,
        metadata={
            **read_model_metadata(stage1_path),
            "stage2": training,
            "discriminator_balanced_accuracy": accuracy,
        },
    )
    write_parquet(curve_path, {key: [row[key] for row in curve] for key in curve[0]})
    checkpoint.discard()


if "snakemake" in globals():
    with job_log(snakemake.log[0], snakemake.rule):
        device = compute_device(snakemake.threads, gpu=snakemake.resources.get("gpu", 0))
        settled = digest(
            list(snakemake.params),
            device.type,
            files=[snakemake.input.train, snakemake.input.stage1],
        )
        train_svae_stage2(
            checkpoint=Checkpoint(snakemake.params.resume, settled),
            train_path=snakemake.input.train,
            test_path=snakemake.input.test,
            stage1_path=snakemake.input.stage1,
            model_path=snakemake.output.model,
            curve_path=snakemake.output.curve,
            **snakemake.params.settings,
            seed=snakemake.params.seed,
            device=device,
        )
