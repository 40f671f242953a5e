"""Stage 2 of Algorithm 1: train the discriminator on encoded and drawn latents (Eq. 7)."""

from typeone.models.svae import load_svae
from typeone.runtime.artifacts import read_model_metadata, save_model, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger
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


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        train_svae_stage2(
            checkpoint=run.checkpoint,
            train_path=run.input.train,
            test_path=run.input.test,
            stage1_path=run.input.stage1,
            model_path=run.output.model,
            curve_path=run.output.curve,
            **run.params.settings,
            seed=run.params.seed,
            device=run.device,
        )
