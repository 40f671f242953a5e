"""Measure the distance of attacked images from real data, with networks that no attack has used."""

import numpy as np
import torch

from typeone.data.digits import read_digits
from typeone.data.images import from_uint8
from typeone.data.shapes import DIGIT_SHAPE
from typeone.evaluation.realism import Reference
from typeone.models.classifiers import load_classifier
from typeone.models.svae import load_svae
from typeone.runtime.artifacts import read_parquet, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger


def evaluate_realism(*, paths, svae_paths, runs, clean, seed):
    """Write rows (attack, target, seed, measure) of every run and of real digits.

    ``svae_paths``: by seed. ``clean``: number of test digits drawn with ``seed`` as a control; the
    other test digits are the reference.
    """
    images, _ = read_digits(paths["test"])
    shapes = {"adversarial_image": DIGIT_SHAPE}
    order = torch.randperm(len(images), generator=seeded(seed))
    control, others = images[order[:clean]], images[order[clean:]]
    svaes = {number: load_svae(path) for number, path in svae_paths.items()}
    reference = Reference(others, load_classifier(paths["judge"]), svaes)
    rows = []

    def measure(attack, target, number, images, latent):
        key = {"attack": attack, "target": target, "seed": number}
        found = reference.measures(images, seed=number, latent=latent)
        if "kernel_distance" not in found:
            told = "%s on %s, seed %d: no kernel distance of %d images"
            logger.warning(told, *key.values(), len(images))
        for what, value in found.items():
            logger.info("%s on %s, seed %d: %s %.3f", *key.values(), what, value.value)
            interval = {"value": value.value, "low": value.low, "high": value.high, "n": value.n}
            rows.append({**key, "measure": what, **interval})

    for number, svae in svaes.items():
        with torch.no_grad():
            measure("clean", "", number, control, svae.encode(svae.read(control))[0])
    for run, path in zip(runs, paths["examples"], strict=True):
        table = read_parquet(path, columns=["adversarial_image", "latent_end"], shapes=shapes)
        latent = torch.from_numpy(np.array(table["latent_end"]))
        measure(*run, from_uint8(table["adversarial_image"]), latent)
    write_rows(paths["realism"], rows)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        evaluate_realism(
            paths={**dict(run.input.items()), **dict(run.output.items())},
            svae_paths=dict(zip(run.params.seeds, run.input.svae, strict=True)),
            runs=run.params.runs,
            **run.params.settings,
        )
