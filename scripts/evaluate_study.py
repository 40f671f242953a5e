"""What people see: success of attacks, how far people agree, and who was careless."""

import numpy as np
import pandas as pd

from typeone.evaluation.intervals import Rate, rate
from typeone.evaluation.measurements import MEASURED, measurement
from typeone.evaluation.people.agreement import annotator_figures, kappa_interval
from typeone.evaluation.people.annotations import FACES, SAME
from typeone.evaluation.people.sample import RECONSTRUCTION, Run
from typeone.evaluation.people.success import (
    COLUMNS,
    FAILURE,
    LEFT_OUT,
    digit_measures,
    face_measures,
    people_rates,
)
from typeone.reporting.tables import write_table
from typeone.reporting.verdicts import SAME_PERSON
from typeone.runtime.artifacts import read_parquet, write_parquet
from typeone.runtime.job import job
from typeone.runtime.logs import logger

TEXTS = {
    "true_success": "f1 keeps what it said, most people see something else",
    "targeted_success": "f1 keeps the label, most people see the target",
    "gender_changed": "most people see a face of the other gender",
    "still_a_face": "most people see a face",
    "same_person": "most people see the person of the original beside it",
    "label_seen": "most people see the label",
}
ALONE = ("same_person", "label_seen")  # what nobody but people was asked
IN_DIGITS = ["position", "label", "target_label", "f1_label_after"]
IN_FACES = ["position", "label", "target_label", "distance"]


def named_rows(runs, paths, columns):
    """Rows of judged examples with the name of each image, by (attack, target), seeds together."""
    found = {}
    for run, path in zip((Run(*run) for run in runs), paths, strict=True):
        rows = read_parquet(path, columns=columns).frame()
        rows["image"] = [run.name(position) for position in rows["position"]]
        found.setdefault((run.attack, run.target), []).append(rows)
    return {key: pd.concat(tables, ignore_index=True) for key, tables in found.items()}


def measures_of(question, attack, rows):
    """Which labels count in which measure, by image."""
    if question == "person":
        return {"same_person": dict.fromkeys(rows["image"], (SAME,))}
    names = FACES if question == "face" else [str(digit) for digit in range(10)]
    if attack == RECONSTRUCTION:
        shown = zip(rows["image"], rows["label"], strict=True)
        return {"label_seen": {image: (names[label],) for image, label in shown}}
    if question == "face":
        return face_measures(rows, FACES[:2], SAME_PERSON)
    return digit_measures(rows)


def success_rows(answers, tables, *, sources, published, settings, rng):
    """One row a measure of an attack on a target, and how unclear images count.

    ``tables``: by question, `named_rows`; ``sources``: what the ids call the images of a question.
    """
    collected = []
    for question, by_attack in tables.items():
        given = answers[(answers["question"] == question) & (answers["showing"] == 1)]
        for (attack, target), rows in by_attack.items():
            own = given[given["image"].isin(rows["image"])]
            if own.empty:
                continue
            seen = rows[rows["image"].isin(own["image"])]
            wanted = measures_of(question, attack, seen)
            rates = people_rates(own, wanted, draws=settings["draws"], rng=rng)
            people = own["annotator"].nunique()
            for measure, by_unclear in rates.items():
                ids = [f"beyond.{sources[question]}.{attack}.{target}.{measure}"]
                if (question, attack, measure) == ("face", "paper", "true_success"):
                    ids.append(published)
                for unclear, value in by_unclear.items():
                    told = f"{attack} on {target}: {TEXTS[measure]}, unclear is {unclear}"
                    logger.info("%s: %.3f of %d", told, value.value, value.n)
                    for identity in ids:
                        collected.append(
                            {"id": identity, "description": told, "unclear": unclear}
                            | {"value": value.value, "low": value.low, "high": value.high}
                            | {"n": value.n, "annotators": people}
                        )
    return pd.DataFrame(collected, columns=list(COLUMNS)).astype(COLUMNS)


def agreement_rows(answers, figures, *, settings, rng):
    """Rows of the verdict table about the people themselves."""
    rows = []

    def add(name, value, description, unit="fraction"):
        told = {"seed": 0, "description": description, "unit": unit}
        rows.append(measurement(f"beyond.people.{name}", value, **told))

    for question, own in answers[answers["showing"] == 1].groupby("question", sort=False):
        kappa = kappa_interval(own, draws=settings["draws"], rng=rng)
        if kappa.n:
            text = f"Fleiss' kappa of {own['annotator'].nunique()} people, question {question}"
            add(f"{question}.kappa", kappa, text, unit="kappa")
    texts = {
        "agreement": "answers that are those of most of the others",
        "consistency": "images that came back and got the same label",
        "accuracy": "clean images read right",
    }
    for name, text in texts.items():
        n = int(figures[f"{name}_n"].sum())
        if n:
            right = round(float((figures[name].fillna(0) * figures[f"{name}_n"]).sum()))
            add(name, rate(np.arange(n) < right), text)
    careless = (figures["careless"] != "").to_numpy()
    add("careless", rate(careless), "people who were careless; none is left out")
    return rows


def further_rows(people):
    """Rows of the verdict table that have none of a network beside them.

    Of images that most people can read, and measures that no network has judged.
    """
    alone = people["id"].str.endswith(ALONE) & (people["unclear"] == FAILURE)
    rows = []
    for row in people[alone | (people["unclear"] == LEFT_OUT)].itertuples():
        if row.n and row.id.startswith("beyond."):
            value = Rate(row.value, row.low, row.high, row.n)
            identity = row.id.replace("beyond.", "beyond.people.", 1)
            end = ".of_clear" if row.unclear == LEFT_OUT else ""
            rows.append(measurement(identity + end, value, seed=0, description=row.description))
    return rows


def evaluate_study(*, answers_path, key_paths, tables, sources, published, settings, paths):
    """Write what people see, a table of the people, and rows of the verdict table."""
    answers = read_parquet(answers_path).frame()
    rng = np.random.default_rng(settings["seed"])
    people = pd.DataFrame(columns=list(COLUMNS)).astype(COLUMNS)
    figures, rows = pd.DataFrame(columns=["annotator"]), []
    if len(answers):
        key = pd.concat([read_parquet(path).frame() for path in key_paths])
        truths = key[key["truth"] != ""].set_index(["question", "image"])["truth"]
        figures = annotator_figures(answers, truths, limits=settings["careless"])
        for row in figures[figures["careless"] != ""].itertuples():
            logger.warning("%s may have been careless: %s", row.annotator, row.careless)
        people = success_rows(
            answers,
            tables,
            sources=sources,
            published=published,
            settings=settings,
            rng=rng,
        )
        rows = agreement_rows(answers, figures, settings=settings, rng=rng)
        rows += further_rows(people)
    else:
        logger.info(
            "nobody was asked: to ask people, hand out results/study/index.html and list what they "
            "save under `annotations` (config.yaml)"
        )
    columns = {name: np.array(people[name], dtype=kind) for name, kind in COLUMNS.items()}
    write_parquet(paths["people"], columns)
    measured = {k: np.array([row[k] for row in rows], dtype=v) for k, v in MEASURED.items()}
    write_parquet(paths["measurements"], measured)
    shown = figures.round(3).astype(object).fillna("")
    write_table(paths, figures, shown)


if "snakemake" in globals():
    with job(snakemake) as run:
        digits = named_rows(run.params.digit_runs, run.input.digits, IN_DIGITS)
        faces = named_rows(run.params.face_runs, run.input.faces, IN_FACES)
        evaluate_study(
            answers_path=run.input.answers,
            key_paths=run.input.key,
            tables={"digit": digits, "face": faces, "person": faces},
            sources=run.params.sources,
            published=run.params.published,
            settings=run.params.settings,
            paths=dict(run.output),
        )
