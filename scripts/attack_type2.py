"""One Type II attack of Table I on the examples, by foolbox (IV-C)."""

import numpy as np

from typeone.attacks.type2 import Type2Settings, attack
from typeone.data.digits import read_examples
from typeone.data.images import to_uint8
from typeone.models.classifiers import load_classifier
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger


def attack_type2(
    *, examples_path, model_path, module, shard_path, settings, count, seed, device, checkpoint
):
    """Write an image for each of the first ``count`` examples, and whether f1 was fooled by it."""
    index, images, labels = read_examples(examples_path, count, device)
    classifier = load_classifier(model_path, device, module=module)
    result = attack(classifier, images, labels, settings, seed=seed, checkpoint=checkpoint)
    logger.info("%s: found %d of %d", settings.method, int(result.found.sum()), len(images))
    write_parquet(
        shard_path,
        {
            "position": np.arange(len(images), dtype=np.int32),
            "index": index,
            "label": labels.cpu().numpy(),
            "image": to_uint8(images).cpu().numpy(),
            "adversarial_image": to_uint8(result.images).cpu().numpy(),
            "found": result.found.cpu().numpy(),
            "gradient_vanishes": result.vanishing.cpu().numpy(),
        },
    )


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        attack_type2(
            examples_path=run.input.examples,
            model_path=run.input.model,
            module=run.params.module,
            shard_path=run.output.examples,
            settings=Type2Settings(**run.params.settings),
            **run.params.how,
            seed=int(run.wildcards.seed),
            device=run.device,
            checkpoint=run.checkpoint,
        )
