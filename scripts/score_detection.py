"""Compute feature squeezing scores of images: how far f1's output moves under squeezing (IV-C)."""

import numpy as np

from typeone.data.images import from_uint8
from typeone.data.shapes import DIGIT_SHAPE
from typeone.detectors.squeezing import scores
from typeone.models.classifiers import load_classifier
from typeone.models.predictions import labels_of, predict
from typeone.runtime.artifacts import read_parquet, write_parquet
from typeone.runtime.computing import computing_job


def score_detection(*, image_paths, model_path, module, scores_path, bits, median, device):
    """Write one row per (attack, image, squeezer, metric), and whether f1 gets the label right.

    Column ``counted``: false where a Type II attack found nothing, whose image is the original.
    ``image_paths``: paths of judged examples by attack, and of digits under ``clean``.
    """
    classifier = load_classifier(model_path, device, module=module)
    parts = []
    for attack, path in image_paths.items():
        column = "image" if attack == "clean" else "adversarial_image"
        table = read_parquet(path, shapes={column: DIGIT_SHAPE})
        images = from_uint8(table[column], device)
        right = labels_of(predict(classifier, images)).cpu().numpy() == table["label"]
        counted = table.columns.get("found_stored", np.ones(len(table), bool))
        found = scores(classifier, images, bits=bits, median=median)
        parts.append(
            {
                "attack": np.repeat([attack], len(table) * len(found)),
                "index": np.tile(table["index"], len(found)),
                "f1_right": np.tile(right, len(found)),
                "counted": np.tile(counted, len(found)),
                "squeezer": np.repeat([squeezer for squeezer, _ in found], len(table)),
                "metric": np.repeat([metric for _, metric in found], len(table)),
                "score": np.concatenate(list(found.values())),
            }
        )
    write_parquet(scores_path, {k: np.concatenate([p[k] for p in parts]) for k in parts[0]})


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        paths = [run.input.clean, *run.input.attacked]
        score_detection(
            image_paths=dict(zip(["clean", *run.params.attacks], paths, strict=True)),
            model_path=run.input.model,
            module=run.params.module,
            scores_path=run.output.scores,
            **run.params.settings,
            device=run.device,
        )
