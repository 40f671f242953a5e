"""Measure the accuracy of the face judges on test faces and on images without a face."""

from typeone.data.faces import FaceTable
from typeone.evaluation.face_judges import judge_measurements
from typeone.models.face_judges import load_face_judge
from typeone.runtime.artifacts import write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger


def evaluate_face_judges(*, test_path, judge_paths, measurements_path, prefix, **how):
    """Write rates of all judges, by name in ``judge_paths``, and of the panel."""
    judges = {name: load_face_judge(path) for name, path in judge_paths.items()}
    rows = judge_measurements(judges, FaceTable(test_path), prefix=prefix, **how)
    for row in rows:
        name, _, what = row["id"].removeprefix(f"{prefix}.").partition(".")
        logger.info("%s: %s %.4f", name, what, row["value"])
    write_rows(measurements_path, rows)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        evaluate_face_judges(
            test_path=run.input.test,
            judge_paths=dict(zip(run.params.judges, run.input.judges, strict=True)),
            measurements_path=run.output.measurements,
            clear_confidence=run.params.clear_confidence,
            prefix=run.params.prefix,
            seed=run.params.seed,
        )
