"""Stage 1 of Algorithm 1: train encoder, decoder and f2 of the SVAE together (Eq. 6)."""

from typeone.artifacts import digest, save_model, write_parquet
from typeone.devices import compute_device, seeded
from typeone.images import binarise, read_digits
from typeone.logs import job_log, logger
from typeone.models.classifiers import error_rate
from typeone.models.svae import ARCHITECTURE, SupervisedVAE
from typeone.objectives import svae_stage1
from typeone.training import Checkpoint, TrainingSettings, train


def train_svae_stage1(
    *,
    train_path,
    validation_path,
    test_path,
    model_path,
    curve_path,
    latent_dim,
    kl_warmup,
    training,
    seed,
    checkpoint,
    device,
):
    """Write the SVAE (its discriminator untrained), f2's error rates on mu, the training curve."""
    images, labels = read_digits(train_path, device)
    validation, validation_labels = read_digits(validation_path, device)
    generator = seeded(seed, device)
    svae = SupervisedVAE(latent_dim=latent_dim)
    svae.reset_parameters(seeded(seed))
    svae.to(device).discriminator.requires_grad_(False)

    def f2_error(images, labels):
        return error_rate(lambda x: svae.classify(svae.encode(x)[0]), binarise(images), labels)

    curve = train(
        svae,
        svae_stage1(svae, binarise(images), labels, generator, kl_warmup=kl_warmup),
        name=f"SVAE stage 1 seed {seed}",
        count=len(images),
        settings=TrainingSettings(**training),
        seed=seed,
        generator=generator,
        checkpoint=checkpoint,
        evaluate=lambda: {"validation_error": f2_error(validation, validation_labels)},
    )
    test, test_labels = read_digits(test_path, device)
    metrics = {
        "validation_error": curve[-1]["validation_error"],
        "test_error": f2_error(test, test_labels),
        "test_n": len(test),
    }
    logger.info("f2 of the SVAE, seed %d: test error %.2f %%", seed, 100 * metrics["test_error"])
    save_model(
        model_path,
        svae,
        metadata={
            "architecture": ARCHITECTURE,
            "latent_dim": latent_dim,
            "seed": seed,
            "training": training,
            "kl_warmup": kl_warmup,
            **metrics,
        },
    )
    write_parquet(curve_path, {key: [row[key] for row in curve] for key in curve[0]})
    checkpoint.discard()


if "snakemake" in globals():
    with job_log(snakemake.log[0], snakemake.rule):
        device = compute_device(snakemake.threads, gpu=snakemake.resources.get("gpu", 0))
        settled = digest(list(snakemake.params), device.type, files=[snakemake.input.train])
        train_svae_stage1(
            checkpoint=Checkpoint(snakemake.params.resume, settled),
            train_path=snakemake.input.train,
            validation_path=snakemake.input.validation,
            test_path=snakemake.input.test,
            model_path=snakemake.output.model,
            curve_path=snakemake.output.curve,
            latent_dim=snakemake.params.latent_dim,
            **snakemake.params.settings,
            seed=snakemake.params.seed,
            device=device,
        )
