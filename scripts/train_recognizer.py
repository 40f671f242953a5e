"""Train the small recognizer on the people of the training faces (IV-B)."""

from typeone.data.faces import FaceTable
from typeone.evaluation.verification import verification_of
from typeone.models.recognizers import save_recognizer
from typeone.runtime.artifacts import write_rows
from typeone.runtime.computing import computing_job
from typeone.training.faces import train_recognizer
from typeone.training.loop import Training

SHOWN = 500  # validation faces of the training curve

if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        settings = dict(run.params.settings)
        how = settings.pop("training"), run.params.seed, run.device, run.checkpoint
        evaluation = verification_of(FaceTable(run.input.validation, limit=SHOWN), run.device)
        model, curve, note = train_recognizer(
            Training("small recognizer", *how), FaceTable(run.input.train), evaluation, **settings
        )
        save_recognizer(run.output.model, model, metadata=note)
        write_rows(run.output.curve, curve)
