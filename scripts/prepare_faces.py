"""Write the four tables of faces of the chosen source (Section IV, CelebA).

Yields one Parquet table a split: index, image, label, identity.
"""

from typeone.data.face_sources import open_faces, write_faces
from typeone.runtime.devices import compute_device
from typeone.runtime.job import job_log
from typeone.runtime.logs import logger


def prepare_faces(*, source, settings, limit, outputs):
    """Write the splits to the paths of those names in ``outputs``, part by part.

    ``settings``: of the source. ``limit``: faces taken of each split, None for all.
    """
    faces = open_faces(source, settings)
    write_faces(faces, outputs, limit=limit, metadata={"source": source})
    told = ", ".join(f"{k} {v}" for k, v in faces.notes().items() if v is not None)
    logger.info("faces from source %s: %s", source, told)


if "snakemake" in globals():
    compute_device(snakemake.threads)
    with job_log(snakemake.log[0], snakemake.rule, snakemake.params):
        prepare_faces(
            source=snakemake.params.source,
            settings={**snakemake.params.settings, **snakemake.input},
            limit=snakemake.params.limit,
            outputs=dict(snakemake.output),
        )
