"""Train the diffusion model of small images."""

from typeone.data.digits import read_digits
from typeone.runtime.artifacts import save_model, write_rows
from typeone.runtime.computing import computing_job
from typeone.training.diffusion import train_diffusion
from typeone.training.loop import Training

if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        settings, seed = dict(run.params.settings), run.params.seed
        how = settings.pop("training"), seed, run.device, run.checkpoint
        model, curve, note = train_diffusion(
            Training(f"the diffusion model, seed {seed}", *how),
            *read_digits(run.input.train, run.device),
            read_digits(run.input.validation, run.device),
            **settings,
        )
        save_model(run.output.model, model, metadata=note)
        write_rows(run.output.curve, curve)
