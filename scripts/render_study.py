"""The sheet that asks people what they see, and the key that says where its images come from."""

import numpy as np

from typeone.evaluation.people.annotations import FACES
from typeone.evaluation.people.sample import RECONSTRUCTION, Run, draw_items, draw_pairs
from typeone.reporting.study.page import Sheet, render_sheet
from typeone.runtime.artifacts import read_parquet, write_rows
from typeone.runtime.atomic_files import atomic_path
from typeone.runtime.job import job
from typeone.runtime.logs import logger

COLUMNS = ["position", "index", "label", "image", "adversarial_image"]
DIGIT_NAMES = [str(digit) for digit in range(10)]


def by_condition(runs, paths, columns):
    """(examples of attacks by condition and run, those of the reconstruction by run)."""
    attacks, controls = {}, {}
    for run, path in zip((Run(*run) for run in runs), paths, strict=True):
        table = read_parquet(path, columns=columns)
        condition = f"{run.attack}/{run.target}"
        group = controls if run.attack == RECONSTRUCTION else attacks.setdefault(condition, {})
        group[run] = table
    return attacks, controls


def render_study(*, digit_runs, digit_paths, face_runs, face_paths, page_path, key_path, settings):
    """Write the page, and one row an item of its key: number, name, condition, truth, digest."""
    rng = np.random.default_rng(settings["seed"])
    shares = {
        part: {k: settings[part][k] for k in ("count", "clean", "reconstruction")}
        for part in ("digits", "faces", "pairs")
    }
    digits = by_condition(digit_runs, digit_paths, COLUMNS)
    faces = by_condition(face_runs, face_paths, [*COLUMNS, "identity"])
    items = [
        *draw_items("digit", *digits, DIGIT_NAMES, **shares["digits"], rng=rng),
        *draw_items("face", *faces, FACES, **shares["faces"], rng=rng),
        *draw_pairs(*faces, **shares["pairs"], rng=rng),
    ]
    parts = {"digit": "digits", "face": "faces", "person": "pairs"}
    repeats = {question: settings[part]["repeats"] for question, part in parts.items()}
    sheet = Sheet(items, repeats, settings["seed"])
    with atomic_path(page_path) as path:
        path.write_text(render_sheet(sheet))
    told = ("question", "image", "condition", "truth", "digest")
    key = [
        {"number": item.number(sheet.seed), **{k: getattr(item, k) for k in told}} for item in items
    ]
    write_rows(key_path, sorted(key, key=lambda row: row["number"]))
    for question in parts:
        logger.info("%d items ask %s", sum(i.question == question for i in items), question)


if "snakemake" in globals():
    with job(snakemake) as run:
        render_study(
            digit_runs=run.params.digit_runs,
            digit_paths=run.input.digits,
            face_runs=run.params.face_runs,
            face_paths=run.input.faces,
            page_path=run.output.page,
            key_path=run.output.key,
            settings=run.params.settings,
        )
