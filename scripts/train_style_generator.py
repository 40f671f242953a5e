"""Train the small style-based generator of faces whose latent space is attacked (III-D, IV-E)."""

from typeone.data.faces import FaceTable
from typeone.runtime.artifacts import save_model, write_rows
from typeone.runtime.computing import computing_job
from typeone.training.generators import train_style_generator
from typeone.training.loop import Training

if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        settings, seed = dict(run.params.settings), run.params.seed
        how = settings.pop("training"), seed, run.device, run.checkpoint
        model, curve, note = train_style_generator(
            Training(f"style generator seed {seed}", *how), FaceTable(run.input.train), **settings
        )
        save_model(run.output.model, model, metadata=note)
        write_rows(run.output.curve, curve)
