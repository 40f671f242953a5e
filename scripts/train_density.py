"""Train the held-out density model, and fit the limits that tell clean images from others."""

from dataclasses import asdict

from typeone.data.digits import read_digits
from typeone.evaluation.clean_images import fit_limits
from typeone.runtime.artifacts import save_model, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger
from typeone.training.density import train_density
from typeone.training.loop import Training

if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        settings, seed = dict(run.params.settings), run.params.seed
        quantile = settings.pop("quantile")
        how = settings.pop("training"), seed, run.device, run.checkpoint
        images, validation = (
            read_digits(run.input[split], run.device)[0] for split in ("train", "validation")
        )
        training = Training(f"the density model, seed {seed}", *how)
        model, curve, note = train_density(training, images, validation, **settings)
        limits = asdict(fit_limits(model, validation, quantile=quantile))
        logger.info("%.0f %% of clean images are at most at %s", 100 * quantile, limits)
        save_model(
            run.output.model, model, metadata={**note, "quantile": quantile, "limits": limits}
        )
        write_rows(run.output.curve, curve)
