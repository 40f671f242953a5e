"""Train one judge of faces, or attacker: female, male, or no face (as the annotators of IV-B)."""

from typeone.data.faces import FaceTable
from typeone.runtime.artifacts import save_model, write_rows
from typeone.runtime.computing import computing_job
from typeone.training.faces import train_face_judge
from typeone.training.loop import Training

if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        (name,), settings = run.wildcards, dict(run.params.settings)
        how = settings.pop("training"), run.params.seed, run.device, run.checkpoint
        faces, validation = FaceTable(run.input.faces), FaceTable(run.input.validation)
        model, curve, note = train_face_judge(
            Training(f"faces {name}", *how), faces, validation, **settings
        )
        save_model(run.output.model, model, metadata=note)
        write_rows(run.output.curve, curve)
