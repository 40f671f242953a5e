"""Stage 1 of Algorithm 1: train encoder, decoder and f2 of the SVAE together (Eq. 6)."""

from typeone.evaluation.intervals import mean_interval
from typeone.models.svae import ARCHITECTURES
from typeone.runtime.artifacts import save_model, write_rows
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.devices import compute_device
from typeone.runtime.job import job_log
from typeone.runtime.logs import logger
from typeone.runtime.stamps import digest
from typeone.training.algorithm1 import f2_error, labelled_at, reconstruction_errors, train_stage1


def train_svae_stage1(
    *,
    train_path,
    validation_path,
    test_path,
    model_path,
    curve_path,
    architecture,
    sizes,
    loss,
    training,
    seed,
    checkpoint,
    device,
):
    """Write the SVAE (its discriminator untrained), f2's error rates on mu, the training curve."""
    svae = ARCHITECTURES[architecture](**sizes)
    curve = train_stage1(
        svae,
        labelled_at(svae, train_path, device),
        labelled_at(svae, validation_path, device),
        loss=loss,
        training=training,
        seed=seed,
        checkpoint=checkpoint,
    )
    test = labelled_at(svae, test_path, device)
    lost = mean_interval(reconstruction_errors(svae, test).cpu().numpy())
    metrics = {
        "validation_error": curve[-1]["validation_error"],
        "test_error": f2_error(svae, test),
        "test_recon_loss": lost.value,
        "test_recon_loss_low": lost.low,
        "test_recon_loss_high": lost.high,
        "test_n": len(test),
    }
    logger.info("f2 of the SVAE, seed %d: test error %.2f %%", seed, 100 * metrics["test_error"])
    save_model(
        model_path,
        svae,
        metadata={**svae.description, "seed": seed, "training": training, **loss, **metrics},
    )
    write_rows(curve_path, curve)
    checkpoint.finish()


if "snakemake" in globals():
    with job_log(snakemake.log[0], snakemake.rule, snakemake.params):
        device = compute_device(snakemake.threads, gpu=snakemake.resources.get("gpu", 0))
        settled = digest(list(snakemake.params), device.type, files=list(snakemake.input))
        loss = dict(snakemake.params.settings)
        training = loss.pop("training")
        train_svae_stage1(
            checkpoint=Checkpoint(snakemake.params.resume, settled),
            train_path=snakemake.input.train,
            validation_path=snakemake.input.validation,
            test_path=snakemake.input.test,
            model_path=snakemake.output.model,
            curve_path=snakemake.output.curve,
            architecture=snakemake.params.architecture,
            sizes=snakemake.params.sizes,
            loss=loss,
            training=training,
            seed=snakemake.params.seed,
            device=device,
        )
