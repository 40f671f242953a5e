"""Read MNIST from the first source that has it and write its three splits (Section IV).

Consumes nothing of the workflow; yields one Parquet table a split: index, image, label.
"""

from collections.abc import Mapping, Sequence

from typeone.data.mnist import Source, load_mnist, split_mnist
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.job import job
from typeone.runtime.logs import logger


def prepare_mnist(
    *,
    source: Source,
    path: str | None,
    mirrors: Sequence[str],
    limit: Mapping[str, int | None],
    outputs: Mapping[str, str],
) -> None:
    """Write the splits train, validation and test to the paths of those names in ``outputs``."""
    mnist = load_mnist(source=source, path=path, mirrors=mirrors)
    logger.info("MNIST from %s", mnist.source)
    for name, split in split_mnist(mnist, limit=limit).items():
        write_parquet(
            outputs[name],
            {"index": split.index, "image": split.images, "label": split.labels},
            metadata={
                "dataset": "mnist",
                "split": name,
                "source": mnist.source,
                "sha256": dict(split.sha256),
                "value_range": [0, 255],
            },
        )
        logger.info("%s: %d images", name, len(split.index))


if "snakemake" in globals():
    with job(snakemake) as run:
        prepare_mnist(**run.params.settings, outputs=dict(run.output))
