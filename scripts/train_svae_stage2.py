"""Stage 2 of Algorithm 1: train the discriminator on encoded and drawn latents (Eq. 7)."""

from typeone.models.svae import load_svae
from typeone.runtime.artifacts import read_model_metadata, save_model, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger
from typeone.training.algorithm1 import discriminator_accuracy, labelled_at, train_stage2

if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        svae, seed = load_svae(run.input.stage1, run.device), run.params.seed
        train, test = (labelled_at(svae, run.input[k], run.device) for k in ("train", "test"))
        curve = train_stage2(
            svae, train, **run.params.settings, seed=seed, checkpoint=run.checkpoint
        )
        accuracy = discriminator_accuracy(svae, test, seed)
        logger.info(
            "f_dis, seed %d: balanced accuracy %.1f %% on test images", seed, 100 * accuracy
        )
        note = read_model_metadata(run.input.stage1)
        note |= {"stage2": run.params.settings["training"]}
        note |= {"discriminator_balanced_accuracy": accuracy}
        save_model(run.output.model, svae, metadata=note)
        write_rows(run.output.curve, curve)
