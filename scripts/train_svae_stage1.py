"""Stage 1 of Algorithm 1: train encoder, decoder and f2 of the SVAE together (Eq. 6)."""

from typeone.evaluation.intervals import mean_interval
from typeone.models.svae import ARCHITECTURES
from typeone.runtime.artifacts import save_model, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger
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


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        loss = dict(run.params.settings)
        training = loss.pop("training")
        train_svae_stage1(
            checkpoint=run.checkpoint,
            train_path=run.input.train,
            validation_path=run.input.validation,
            test_path=run.input.test,
            model_path=run.output.model,
            curve_path=run.output.curve,
            architecture=run.params.architecture,
            sizes=run.params.sizes,
            loss=loss,
            training=training,
            seed=run.params.seed,
            device=run.device,
        )
