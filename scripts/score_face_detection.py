"""Feature squeezing scores of faces: how far f1's embedding moves under median smoothing (IV-C)."""

import numpy as np
import torch

from typeone.data.faces import FACE_SHAPE, first_faces
from typeone.data.images import from_uint8
from typeone.detectors.squeezing import embedding_scores
from typeone.models.recognizers import load_recognizer
from typeone.runtime.artifacts import read_parquet, write_parquet
from typeone.runtime.checkpoints import each
from typeone.runtime.computing import computing_job


def score_face_detection(
    *,
    test_path,
    validation_path,
    attacked_paths,
    recognizer_path,
    scores_path,
    medians,
    count,
    chunk,
    device,
    checkpoint,
):
    """Write one row an (images, face, squeezer).

    ``attacked_paths``: by attack, those of its examples. Beside them stand ``clean``, the first
    ``count`` test faces, and ``validation``, as many that a threshold can be fitted on.
    """
    recognizer = load_recognizer(recognizer_path, device)
    shown = {}
    for name, path in (("clean", test_path), ("validation", validation_path)):
        faces = first_faces(path, count)
        shown[name] = faces.index, faces.images
    for attack, path in attacked_paths.items():
        table = read_parquet(
            path,
            columns=["index", "adversarial_image"],
            shapes={"adversarial_image": FACE_SHAPE},
        )
        shown[attack] = table["index"], table["adversarial_image"]

    def scores(name):
        images = from_uint8(shown[name][1], device)
        found = embedding_scores(recognizer, images, medians=medians, batch=chunk)
        return {squeezer: torch.from_numpy(score) for squeezer, score in found.items()}

    parts = []
    for (name, (index, _)), scored in zip(
        shown.items(), each(checkpoint, shown, scores), strict=True
    ):
        found = {squeezer: score.numpy() for squeezer, score in scored.items()}
        parts.append(
            {
                "attack": np.repeat([name], len(index) * len(found)),
                "index": np.tile(index, len(found)),
                "squeezer": np.repeat(list(found), len(index)),
                "score": np.concatenate(list(found.values())),
            }
        )
    write_parquet(scores_path, {k: np.concatenate([p[k] for p in parts]) for k in parts[0]})


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        score_face_detection(
            test_path=run.input.test,
            validation_path=run.input.validation,
            attacked_paths=dict(zip(run.params.attacks, run.input.attacked, strict=True)),
            recognizer_path=run.input.recognizer,
            scores_path=run.output.scores,
            **run.params.settings,
            device=run.device,
            checkpoint=run.checkpoint,
        )
