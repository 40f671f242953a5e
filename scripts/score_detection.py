"""Feature squeezing scores of images: how far f1 moves when one is squeezed (IV-C)."""

import numpy as np

from typeone.artifacts import read_parquet, write_parquet
from typeone.detectors.squeezing import scores
from typeone.devices import compute_device
from typeone.images import DIGIT_SHAPE, from_uint8
from typeone.logs import job_log
from typeone.models.classifiers import load_classifier, predict


def score_detection(*, images_path, column, model_path, scores_path, bits, median, device):
    """Write one row an (image, squeezer, metric), for the images in ``column``, and whether f1 sees
    their label."""
    table = read_parquet(
        images_path, columns=["index", "label", column], shapes={column: DIGIT_SHAPE}
    )
    images = from_uint8(table[column], device)
    classifier = load_classifier(model_path, device)
    right = predict(classifier, images).argmax(dim=1).cpu().numpy() == table["label"]
    found = scores(classifier, images, bits=bits, median=median)
    write_parquet(
        scores_path,
        {
            "index": np.tile(table["index"], len(found)),
            "f1_right": np.tile(right, len(found)),
            "squeezer": np.repeat([squeezer for squeezer, _ in found], len(table)),
            "metric": np.repeat([metric for _, metric in found], len(table)),
            "score": np.concatenate(list(found.values())),
        },
    )


if "snakemake" in globals():
    with job_log(snakemake.log[0], snakemake.rule):
        score_detection(
            images_path=snakemake.input.images,
            column=snakemake.params.column,
            model_path=snakemake.input.model,
            scores_path=snakemake.output.scores,
            **snakemake.params.settings,
            device=compute_device(snakemake.threads),
        )
