"""Stage 1 of Algorithm 1: train encoder, decoder and f2 of the SVAE together (Eq. 6)."""

from typeone.evaluation.intervals import mean_interval
from typeone.models.svae import ARCHITECTURES
from typeone.runtime.artifacts import save_model, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger
from typeone.training.algorithm1 import f2_error, labelled_at, reconstruction_errors, train_stage1

if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        svae = ARCHITECTURES[run.params.architecture](**run.params.sizes)
        train, validation, test = (
            labelled_at(svae, run.input[split], run.device)
            for split in ("train", "validation", "test")
        )
        loss, seed = dict(run.params.settings), run.params.seed
        how = {"training": loss.pop("training"), "seed": seed}
        curve = train_stage1(svae, train, validation, loss=loss, **how, checkpoint=run.checkpoint)
        lost = mean_interval(reconstruction_errors(svae, test).cpu().numpy())
        metrics = {
            "validation_error": curve[-1]["validation_error"],
            "test_error": f2_error(svae, test),
            "test_recon_loss": lost.value,
            "test_recon_loss_low": lost.low,
            "test_recon_loss_high": lost.high,
            "test_n": len(test),
        }
        error = 100 * metrics["test_error"]
        logger.info("f2 of the SVAE, seed %d: test error %.2f %%", seed, error)
        note = {**svae.description, **how, **loss, **metrics}
        save_model(run.output.model, svae, metadata=note)
        write_rows(run.output.curve, curve)
