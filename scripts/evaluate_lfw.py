"""Measure FaceNet's accuracy on the 6,000 pairs of LFW, view 2, to compare with IV-B."""

import torch
import torch.nn.functional as F

from typeone.data.lfw import CROPS, SMALL, image_side, lfw_folder, read_faces, read_lfw
from typeone.evaluation.recognizers import lfw_measurements
from typeone.evaluation.verification import Pairs
from typeone.models.recognizers import embed, load_recognizer
from typeone.runtime.artifacts import write_parquet, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import Progress, logger


def evaluate_lfw(*, recognizer_path, paths, source, path, flip, false_accepts, device, checkpoint):
    """Write the distance of every pair for each crop and preprocessing, and the resulting rates.

    ``flip``: whether an image's embedding is the mean of its own and its mirror image's.
    """
    lfw = read_lfw(lfw_folder(source, path))
    sides = [SMALL] if image_side(lfw.files) == SMALL else list(CROPS)
    names = {k: [lfw.files[i].stem for i in getattr(lfw, k)] for k in ("first", "second")}
    columns = {"fold": lfw.fold, "same": lfw.same, **names}
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
            how = {"side": side, "preprocessing": preprocessing, "false_accepts": false_accepts}
            first = side == sides[0] and preprocessing == "fixed"
            rows += lfw_measurements(distances, lfw, **how, published=first)
            logger.info("%d px, %s: accuracy %.4f", side, preprocessing, rows[-10]["value"])
    write_parquet(paths["pairs"], columns)
    write_rows(paths["measurements"], rows)


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run, torch.no_grad():
        evaluate_lfw(
            recognizer_path=run.input.recognizer,
            paths=dict(run.output.items()),
            **run.params.settings,
            false_accepts=run.params.false_accepts,
            device=run.device,
            checkpoint=run.checkpoint,
        )
