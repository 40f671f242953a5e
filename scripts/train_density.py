"""Train a density model; fit the limits that tell clean images from others to the held-out one."""

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
        quantile = settings.pop("quantile", None)  # only the held-out model has limits
        how = settings.pop("training"), seed, run.device, run.checkpoint
        images, _ = read_digits(run.input.train, run.device)
        validation = read_digits(run.input.validation, run.device)
        training = Training(f"the density model, seed {seed}", *how)
        model, curve, note = train_density(training, images, validation[0], **settings)
        if quantile is not None:
            limits = asdict(fit_limits(model, *validation, quantile=quantile))
            logger.info("limits at the quantile %g of clean images, by class: %s", quantile, limits)
            note |= {"quantile": quantile, "limits": limits}
        save_model(run.output.model, model, metadata=note)
        write_rows(run.output.curve, curve)
