"""Write the four tables of faces of the chosen source (Section IV, CelebA).

Yields one Parquet table a split: index, image, label, identity.
"""

from functools import partial

from typeone.devices import compute_device
from typeone.face_sources import SPLITS, synthetic_parts
from typeone.faces import FaceWriter
from typeone.logs import job_log, logger


def prepare_faces(*, source, settings, limit, outputs):
    """Write the splits to the paths of those names in ``outputs``, part by part.

    ``settings``: of the source. ``limit``: faces taken of each split, None for all.
    """
    parts = {"synthetic": partial(synthetic_parts, **settings)}[source]
    for split in SPLITS:
        with FaceWriter(outputs[split]) as table:
            for part in parts(split, limit=limit[split]):
                table.write(*part)
            table.metadata = {"dataset": "faces", "split": split, "source": source}
        logger.info("%s: %d faces", split, table.count)


if "snakemake" in globals():
    compute_device(snakemake.threads)
    with job_log(snakemake.log[0], snakemake.rule):
        prepare_faces(
            source=snakemake.params.source,
            settings=snakemake.params.settings,
            limit=snakemake.params.limit,
            outputs=dict(snakemake.output),
        )
