"""Stage 2 of Algorithm 1: train the discriminator on encoded and drawn latents (Eq. 7)."""

from typeone.models.svae import load_svae
from typeone.runtime.artifacts import read_model_metadata, save_model, write_rows
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.devices import compute_device
from typeone.runtime.job import job_log
from typeone.runtime.logs import logger
from typeone.runtime.stamps import digest
from typeone.training.algorithm1 import discriminator_accuracy, labelled_at, train_stage2


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
    """Write the whole SVAE with the discriminator's balanced accuracy on the test images."""
    svae = load_svae(stage1_path, device)
    train = labelled_at(svae, train_path, device)
    curve = train_stage2(svae, train, training=training, seed=seed, checkpoint=checkpoint)
    accuracy = discriminator_accuracy(svae, labelled_at(svae, test_path, device), seed)
    logger.info("f_dis, seed %d: balanced accuracy %.1f %% on test images", seed, 100 * accuracy)
    save_model(
        model_path,
        svae,
        metadata={
            **read_model_metadata(stage1_path),
            "stage2": training,
            "discriminator_balanced_accuracy": accuracy,
        },
    )
    write_rows(curve_path, curve)
    checkpoint.finish()


if "snakemake" in globals():
    with job_log(snakemake.log[0], snakemake.rule, snakemake.params):
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
