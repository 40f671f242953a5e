"""Train the AC-GAN whose latent space is attacked (III-D, IV-E): G, and f_G in its critic."""

from typeone.data.digits import read_digits
from typeone.runtime.artifacts import save_model, write_rows
from typeone.runtime.computing import computing_job
from typeone.training.generators import train_acgan
from typeone.training.loop import Training

if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        settings, seed = dict(run.params.settings), run.params.seed
        how = settings.pop("training"), seed, run.device, run.checkpoint
        digits = (read_digits(run.input[k], run.device) for k in ("train", "test"))
        model, curve, note = train_acgan(Training(f"AC-GAN seed {seed}", *how), *digits, **settings)
        save_model(run.output.model, model, metadata=note)
        write_rows(run.output.curve, curve)  # an epoch of few batches may contain no update of G
