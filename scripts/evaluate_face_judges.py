"""Measure the face judges on test faces; fit the limits of clean faces on validation faces."""

import torch

from typeone.data.faces import FaceTable
from typeone.evaluation.clean_faces import fit_clean_faces, quality_of_table, write_clean_faces
from typeone.evaluation.face_judges import judge_measurements
from typeone.models.face_judges import load_face_judge
from typeone.runtime.artifacts import write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger


def evaluate_face_judges(*, paths, judge_paths, prefix, quantile, **how):
    """Write limits, and rates of all judges, by name in ``judge_paths``, and of the panel."""
    faces = FaceTable(paths["validation"])
    genders = torch.from_numpy(faces.labels)
    clean = fit_clean_faces(quality_of_table(faces), genders, quantile=quantile)
    write_clean_faces(paths["limits"], clean, quantile=quantile)
    judges = {name: load_face_judge(path) for name, path in judge_paths.items()}
    rows = judge_measurements(judges, FaceTable(paths["test"]), clean=clean, prefix=prefix, **how)
    for row in rows:
        name, _, what = row["id"].removeprefix(f"{prefix}.").partition(".")
        logger.info("%s: %s %.4f", name, what, row["value"])
    write_rows(paths["measurements"], rows)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        evaluate_face_judges(
            paths={**dict(run.input.items()), **dict(run.output.items())},
            judge_paths=dict(zip(run.params.judges, run.input.judges, strict=True)),
            prefix=run.params.prefix,
            **run.params.settings,
        )
