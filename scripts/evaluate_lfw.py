"""Is FaceNet as good as IV-B says? Its accuracy on the 6,000 pairs of LFW, view 2."""

import numpy as np
import torch
import torch.nn.functional as F

from typeone.data.lfw import CROPS, SMALL, image_side, lfw_folder, read_faces, read_lfw
from typeone.evaluation.intervals import rate
from typeone.evaluation.measurements import measurement
from typeone.evaluation.verification import Pairs, far_by_fold, ten_fold
from typeone.models.recognizers import THRESHOLDS, embed, load_recognizer
from typeone.runtime.artifacts import write_parquet, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import Progress, logger

PUBLISHED = "faces.recognizer.lfw_accuracy"


def measured(name, distances, lfw, *, false_accepts, published):
    """Rows on one way of giving the images, ``name``: side and preprocessing."""
    side, preprocessing = name
    own = f"beyond.lfw.{side}px.{preprocessing}"
    which = f"FaceNet on LFW, {side} px, {preprocessing}"
    right, _ = ten_fold(distances, lfw.same, lfw.fold)
    rows = [
        measurement(
            PUBLISHED if published else f"{own}.accuracy",
            rate(right),
            seed=0,
            description=f"{which}: accuracy",
            note=f"view 2, ten folds, {side} px, preprocessing {preprocessing}",
        )
    ]
    far = far_by_fold(distances, lfw.same, lfw.fold, false_accepts)
    for threshold, distance in (THRESHOLDS | {"far": far}).items():
        accepted = distances <= distance
        judged = {
            "accuracy": (accepted == lfw.same, "accuracy"),
            "true_accept": (accepted[lfw.same], "same people accepted"),
            "false_accept": (accepted[~lfw.same], "different people accepted"),
        }
        rows += [
            measurement(
                f"{own}.{what}.{threshold}",
                rate(hits),
                seed=0,
                description=f"{which}: {told}",
                note=f"distance at most {np.mean(distance):.3f}",
            )
            for what, (hits, told) in judged.items()
        ]
    return rows


def evaluate_lfw(
    *,
    recognizer_path,
    pairs_path,
    measurements_path,
    source,
    path,
    flip,
    false_accepts,
    device,
    checkpoint,
):
    """Write the distance of every pair for each crop and preprocessing, and what they say.

    ``flip``: whether an image's embedding is the mean of its own and its mirror image's.
    """
    lfw = read_lfw(lfw_folder(source, path))
    sides = [SMALL] if image_side(lfw.files[0]) == SMALL else list(CROPS)
    columns = {"fold": lfw.fold, "same": lfw.same}
    columns |= {
        which: [lfw.files[i].stem for i in number]
        for which, number in (("first", lfw.first), ("second", lfw.second))
    }
    rows = []
    for preprocessing in ("fixed", "whiten"):
        recognizer = load_recognizer(recognizer_path, device, preprocessing)

        def both(images, recognizer=recognizer):
            return F.normalize(recognizer(images) + recognizer(images.flip(3)), dim=1)

        for side in sides:
            found = embed(
                both if flip else recognizer,
                len(lfw.files),
                lambda part, side=side: read_faces(lfw.files[part], side, device),
                say=Progress(f"LFW, {side} px, {preprocessing}", len(lfw.files)),
                checkpoint=checkpoint.part(f"{preprocessing}.{side}"),
            )
            distances = Pairs(lfw.first, lfw.second).distances(found)
            columns[f"distance_{side}_{preprocessing}"] = distances
            rows += measured(
                (side, preprocessing),
                distances,
                lfw,
                false_accepts=false_accepts,
                published=side == sides[0] and preprocessing == "fixed",
            )
            logger.info("%d px, %s: accuracy %.4f", side, preprocessing, rows[-10]["value"])
    write_parquet(pairs_path, columns)
    write_rows(measurements_path, rows)


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run, torch.no_grad():
        evaluate_lfw(
            recognizer_path=run.input.recognizer,
            pairs_path=run.output.pairs,
            measurements_path=run.output.measurements,
            **run.params.settings,
            false_accepts=run.params.false_accepts,
            device=run.device,
            checkpoint=run.checkpoint,
        )
