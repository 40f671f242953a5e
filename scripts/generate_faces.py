"""Draw faces with a published generator and label them with a published judge (Section IV)."""

from typeone.data.faces import FaceWriter
from typeone.data.generated_faces import Count, generate_faces
from typeone.models.face_generators import load_face_generator
from typeone.models.face_judges import load_face_judge
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.devices import compute_device
from typeone.runtime.errors import InputError
from typeone.runtime.job import job_log
from typeone.runtime.logs import logger
from typeone.runtime.stamps import digest


def write_generated_faces(
    *, generator_path, judge_path, table_path, count, seed, batch, sure, device, checkpoint
):
    """Write one table of faces: index, image, label, identity."""
    generator = load_face_generator(generator_path, device)
    judge = load_face_judge(judge_path, device)
    tally = Count()
    with FaceWriter(table_path) as table:
        for part in generate_faces(
            generator,
            judge,
            latent_dim=generator.latent_dim,
            count=count,
            seed=seed,
            batch=batch,
            sure=sure,
            device=device,
            tally=tally,
            checkpoint=checkpoint,
        ):
            table.write(*part)
        if not table.count:
            raise InputError(
                f"of {count} faces (`faces.generated.count`) the judge is sure of none; needs more"
            )
        table.metadata = {
            **{"dataset": "faces", "source": "generated", "seed": seed},
            **{"drawn": tally.drawn, "unsure": tally.unsure},
        }
    logger.info("%d faces, %d of unsure gender left out", table.count, tally.unsure)
    checkpoint.finish()


if "snakemake" in globals():
    with job_log(snakemake.log[0], snakemake.rule, snakemake.params):
        device = compute_device(snakemake.threads, gpu=snakemake.resources.get("gpu", 0))
        settled = digest(list(snakemake.params), device.type, files=list(snakemake.input))
        write_generated_faces(
            generator_path=snakemake.input.generator,
            judge_path=snakemake.input.judge,
            table_path=snakemake.output.table,
            **snakemake.params.settings,
            device=device,
            checkpoint=Checkpoint(snakemake.params.resume, settled),
        )
