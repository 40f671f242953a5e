"""Run one Type II attack of Table I on the examples, with foolbox (IV-C)."""

import numpy as np

from typeone.attacks.type2 import Type2Settings, attack
from typeone.data.digits import read_examples
from typeone.data.images import to_uint8
from typeone.models.classifiers import load_classifier
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger

if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        settings, how = Type2Settings(**run.params.settings), {"seed": int(run.wildcards.seed)}
        index, *digits = read_examples(run.input.examples, **run.params.how, device=run.device)
        f1 = load_classifier(run.input.model, run.device, module=run.params.module)
        result = attack(f1, *digits, settings, **how, checkpoint=run.checkpoint)
        logger.info("%s: found %d of %d", settings.method, int(result.found.sum()), len(index))
        images, labels = digits
        rows = {
            "position": np.arange(len(index), dtype=np.int32),
            "index": index,
            "label": labels.cpu().numpy(),
            "image": to_uint8(images).cpu().numpy(),
            "adversarial_image": to_uint8(result.images).cpu().numpy(),
            "found": result.found.cpu().numpy(),
            "gradient_vanishes": result.vanishing.cpu().numpy(),
        }
        write_parquet(run.output.examples, rows)
