"""How far attacked images lie from data, by networks that no attack has used."""

import numpy as np
import torch

from typeone.data.digits import DIGIT_SHAPE, read_digits
from typeone.data.images import binarise, from_uint8
from typeone.evaluation.held_out import next_seed
from typeone.evaluation.intervals import mean_interval
from typeone.evaluation.realism import (
    KernelDistance,
    kernel_distance_interval,
    negative_elbo,
    odd_share,
)
from typeone.models.classifiers import load_classifier
from typeone.models.predictions import predict
from typeone.models.svae import load_svae
from typeone.runtime.artifacts import read_parquet, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger


@torch.no_grad()
def evaluate_realism(
    *, test_path, judge_path, svae_paths, runs, example_paths, realism_path, clean, seed
):
    """Write rows (attack, target, seed, measure) of every run and of real digits.

    ``svae_paths``: by seed; the images of one seed are shown to the SVAE of another, `next_seed`
    says which. ``clean``: test digits drawn with ``seed`` as a control; the others
    are what all are compared with.
    """
    images, _ = read_digits(test_path)
    order = torch.randperm(len(images), generator=seeded(seed))
    control, reference = images[order[:clean]], images[order[clean:]]
    judge = load_classifier(judge_path)
    svaes = {number: load_svae(path) for number, path in svae_paths.items()}
    stranger = {number: svaes[other] for number, other in next_seed(list(svaes)).items()}

    def features(batch):
        return predict(judge[:-1], batch).numpy()

    distance = KernelDistance(features(reference))
    scores = {
        number: negative_elbo(svae, binarise(reference)).numpy()
        for number, svae in stranger.items()
    }
    rows = []

    def measure(name, target, number, attacked, latent=None):
        found = {"kernel_distance": kernel_distance_interval(features(attacked), distance)}
        if number in stranger:
            seen = negative_elbo(stranger[number], binarise(attacked)).numpy()
            found["odd_share"] = odd_share(seen, scores[number])
        if latent is not None:
            belief = svaes[number].discriminate(latent).sigmoid().numpy()
            found["discriminator"] = mean_interval(belief)
        for what, value in found.items():
            logger.info("%s on %s, seed %d: %s %.3f", name, target, number, what, value.value)
            rows.append(
                {
                    **{"attack": name, "target": target, "seed": number, "measure": what},
                    **{"value": value.value, "low": value.low, "high": value.high, "n": value.n},
                }
            )

    for number in svaes:
        measure("clean", "", number, control, svaes[number].encode(binarise(control))[0])
    for (name, target, number), path in zip(runs, example_paths, strict=True):
        table = read_parquet(
            path,
            columns=["adversarial_image", "latent_end"],
            shapes={"adversarial_image": DIGIT_SHAPE},
        )
        latent = torch.from_numpy(np.array(table["latent_end"]))
        measure(name, target, number, from_uint8(table["adversarial_image"]), latent)
    write_rows(realism_path, rows)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        evaluate_realism(
            test_path=run.input.test,
            judge_path=run.input.judge[0],
            svae_paths=dict(zip(run.params.seeds, run.input.svae, strict=True)),
            runs=run.params.runs,
            example_paths=run.input.examples,
            realism_path=run.output.realism,
            **run.params.settings,
        )
