"""Write the four tables of faces of the chosen source (Section IV, CelebA).

There is one Parquet table per split: index, image, label, identity.
"""

from typeone.data.face_sources import open_faces, write_faces
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger


def prepare_faces(*, source, settings, limit, outputs):
    """Write the splits to the paths of those names in ``outputs``, part by part.

    ``settings``: of the source. ``limit``: maximum number of faces of each split, None for all.
    """
    faces = open_faces(source, settings)
    write_faces(faces, outputs, limit=limit, metadata={"source": source})
    told = ", ".join(f"{k} {v}" for k, v in faces.notes().items() if v is not None)
    logger.info("faces from source %s: %s", source, told)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        prepare_faces(
            source=run.params.source,
            settings={**run.params.settings, **run.input},
            limit=run.params.limit,
            outputs=dict(run.output),
        )
