"""Train one classifier of digits: an attacked f1 (IV-A, IV-D) or a judge of the oracle ensemble."""

from typeone.data.digits import read_digits
from typeone.runtime.artifacts import save_model, write_rows
from typeone.runtime.computing import computing_job
from typeone.training.classifiers import train_classifier
from typeone.training.loop import Training

if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        settings, name = dict(run.params.settings), " ".join(run.wildcards)
        how = settings.pop("training"), run.params.seed, run.device, run.checkpoint
        model, curve, note = train_classifier(
            Training(name, *how),
            *(read_digits(run.input[k], run.device) for k in ("train", "validation", "test")),
            **settings,
            key=f"classifiers.{run.wildcards.get('target')}.module",
            augmentation=run.params.augmentation,
        )
        save_model(run.output.model, model, metadata=note)
        write_rows(run.output.curve, curve)
