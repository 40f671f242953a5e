"""Read people's annotations, check them against the current images, and store them by image."""

import numpy as np

from typeone.evaluation.people.annotations import KINDS, Picture, picture_digest, read_annotations
from typeone.evaluation.people.sample import Run
from typeone.runtime.artifacts import read_frame, read_parquet, write_parquet
from typeone.runtime.job import job
from typeone.runtime.logs import logger


def known_pictures(*, key_paths, digits, faces):
    """Return the pictures that a file may refer to: items of the sheet by number, images by name.

    ``digits``, ``faces``: runs and the paths of their examples.
    """
    known = {}
    for path in key_paths:
        for row in read_frame(path).itertuples():
            known[row.number] = Picture(row.image, row.question, row.digest)
    for question, (runs, paths) in (("digit", digits), ("face", faces)):
        for run, path in zip((Run(*run) for run in runs), paths, strict=True):
            table = read_parquet(path, columns=["position", "adversarial_image"])
            images = zip(table["position"].tolist(), table["adversarial_image"], strict=True)
            for position, image in images:
                name = run.name(position)
                known[name] = Picture(name, question, picture_digest(image))
    return known


def prepare_annotations(*, annotation_paths, known, answers_path):
    """Write one row per answer; no row if there are no files."""
    answers = read_annotations(annotation_paths, known)
    unchecked = int((~answers["checked"]).sum())
    if unchecked:
        logger.warning(
            "%d of %d labels have no digest of the labelled image; they are used for the current "
            "images, which is wrong if an attack has been rerun since",
            *(unchecked, len(answers)),
        )
    logger.info("%d answers of %d people", len(answers), answers["annotator"].nunique())
    columns = {name: np.array(answers[name], dtype=kind) for name, kind in KINDS.items()}
    write_parquet(answers_path, columns)


if "snakemake" in globals():
    with job(snakemake) as run:
        prepare_annotations(
            annotation_paths=run.input.annotations,
            known=known_pictures(
                key_paths=run.input.key,
                digits=(run.params.digit_runs, run.input.digits),
                faces=(run.params.face_runs, run.input.faces),
            ),
            answers_path=run.output.answers,
        )
