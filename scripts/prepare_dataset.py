"""Read a data set of small images and write its three splits (Section IV).

Has no inputs from the workflow. Writes one Parquet table per split: index, image, label.
"""

from typeone.data.idx_sets import splits_of
from typeone.data.sets import load_set
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.job import job
from typeone.runtime.logs import logger


def prepare_dataset(*, name, settings, limit, outputs):
    """Write the splits train, validation and test to the paths of those names in ``outputs``."""
    images = load_set(name, **settings)
    logger.info("%s from %s", name, images.source)
    for split, part in splits_of(images, limit=limit).items():
        write_parquet(
            outputs[split],
            {"index": part.index, "image": part.images, "label": part.labels},
            metadata={
                "dataset": name,
                "split": split,
                "source": images.source,
                "sha256": dict(part.sha256),
                "value_range": [0, 255],
            },
        )
        logger.info("%s: %d images", split, len(part.index))


if "snakemake" in globals():
    with job(snakemake) as run:
        prepare_dataset(
            name=run.wildcards.dataset,
            settings=run.params.settings,
            limit=run.params.limit,
            outputs=dict(run.output),
        )
