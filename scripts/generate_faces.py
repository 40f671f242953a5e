"""Draw faces with a published generator and label them with a published judge (Section IV)."""

from typeone.data.faces import FaceWriter
from typeone.data.generated_faces import Count, generate_faces
from typeone.models.face_generators import load_face_generator
from typeone.models.face_judges import load_face_judge
from typeone.runtime.computing import computing_job
from typeone.runtime.errors import InputError
from typeone.runtime.logs import logger


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
                f"the judge is unsure of the gender of all {count} faces; needs a larger "
                "`faces.generated.count`"
            )
        table.metadata = {
            **{"dataset": "faces", "source": "generated", "seed": seed},
            **{"drawn": tally.drawn, "unsure": tally.unsure},
        }
    logger.info("%d faces, %d of unsure gender left out", table.count, tally.unsure)


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        write_generated_faces(
            generator_path=run.input.generator,
            judge_path=run.input.judge,
            table_path=run.output.table,
            **run.params.settings,
            device=run.device,
            checkpoint=run.checkpoint,
        )
