"""Render the sheet that asks people to label images, and the key with the origin of its images."""

from typeone.evaluation.people.sample import QUESTIONS, Run, draw_study
from typeone.reporting.study.page import Sheet, render_sheet
from typeone.runtime.artifacts import read_parquet, write_rows
from typeone.runtime.atomic_files import atomic_path
from typeone.runtime.job import job
from typeone.runtime.logs import logger

COLUMNS = ["position", "index", "label", "image", "adversarial_image"]


def examples_of(runs, paths, columns):
    """Pair each of ``runs`` with its examples."""
    return [
        (Run(*run), read_parquet(path, columns=columns))
        for run, path in zip(runs, paths, strict=True)
    ]


def render_study(*, digits, faces, page_path, key_path, settings):
    """Write the page, and one row per item of its key: number, name, condition, truth, digest.

    ``digits``, ``faces``: runs and the paths of their examples.
    """
    digits, faces = examples_of(*digits, COLUMNS), examples_of(*faces, [*COLUMNS, "identity"])
    items = draw_study(digits, faces, settings)
    repeats = {question: settings[part]["repeats"] for question, part in QUESTIONS.items()}
    sheet = Sheet(items, repeats, settings["seed"])
    with atomic_path(page_path) as path:
        path.write_text(render_sheet(sheet))
    told = ("question", "image", "condition", "truth", "digest")
    key = [
        {"number": item.number(sheet.seed), **{k: getattr(item, k) for k in told}} for item in items
    ]
    write_rows(key_path, sorted(key, key=lambda row: row["number"]))
    for question in QUESTIONS:
        logger.info("%d items ask %s", sum(i.question == question for i in items), question)


if "snakemake" in globals():
    with job(snakemake) as run:
        render_study(
            digits=(run.params.digit_runs, run.input.digits),
            faces=(run.params.face_runs, run.input.faces),
            page_path=run.output.page,
            key_path=run.output.key,
            settings=run.params.settings,
        )
