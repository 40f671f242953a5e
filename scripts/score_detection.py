"""Feature squeezing scores of images: how far f1 moves when one is squeezed (IV-C)."""

import numpy as np

from typeone.data.digits import DIGIT_SHAPE
from typeone.data.images import from_uint8
from typeone.detectors.squeezing import scores
from typeone.models.classifiers import load_classifier
from typeone.models.predictions import predict
from typeone.runtime.artifacts import read_parquet, write_parquet
from typeone.runtime.devices import compute_device
from typeone.runtime.job import job_log


def score_detection(*, image_paths, model_path, module, scores_path, bits, median, device):
    """Write one row an (attack, image, squeezer, metric), and whether f1 sees the image's label.

    ``image_paths``: by attack, those of its examples; under ``clean``, of digits.
    """
    classifier = load_classifier(model_path, device, module=module)
    parts = []
    for attack, path in image_paths.items():
        column = "image" if attack == "clean" else "adversarial_image"
        table = read_parquet(path, columns=["index", "label", column], shapes={column: DIGIT_SHAPE})
        images = from_uint8(table[column], device)
        right = predict(classifier, images).argmax(dim=1).cpu().numpy() == table["label"]
        found = scores(classifier, images, bits=bits, median=median)
        parts.append(
            {
                "attack": np.repeat([attack], len(table) * len(found)),
                "index": np.tile(table["index"], len(found)),
                "f1_right": np.tile(right, len(found)),
                "squeezer": np.repeat([squeezer for squeezer, _ in found], len(table)),
                "metric": np.repeat([metric for _, metric in found], len(table)),
                "score": np.concatenate(list(found.values())),
            }
        )
    write_parquet(scores_path, {k: np.concatenate([p[k] for p in parts]) for k in parts[0]})


if "snakemake" in globals():
    with job_log(snakemake.log[0], snakemake.rule, snakemake.params):
        paths = [snakemake.input.clean, *snakemake.input.attacked]
        score_detection(
            image_paths=dict(zip(["clean", *snakemake.params.attacks], paths, strict=True)),
            model_path=snakemake.input.model,
            module=snakemake.params.module,
            scores_path=snakemake.output.scores,
            **snakemake.params.settings,
            device=compute_device(snakemake.threads),
        )
