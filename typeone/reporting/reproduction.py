"""Collect the verdict table: one row per published number, and further rows of our own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from typeone.evaluation.intervals import Rate
from typeone.evaluation.measurements import Measurement, pooled
from typeone.evaluation.people.success import FAILURE
from typeone.reporting import beyond, verdicts
from typeone.reporting.sources import Artifact, Sources

OURS = {"svae": "paper"}  # Table I's Type I row is the variant that follows the text
NOT_RUN = {
    "alp": "no example against the base fooled it",
    "faces": "needs CelebA",
    "faces.recognizer": "needs FaceNet and LFW (config keys `recognizers` and `lfw`)",
    "faces.published_pairs": "needs the authors' 979 attacked pairs (`published_pairs.path`)",
    "table2": "needs CelebA",
    "table3": "needs CelebA",
    "fig9": "`stylegan.source` is none",
}
"""Reason why a published number has no measured one, by the longest prefix of its id."""

Row = dict[str, Any]
KINDS = {
    "type1": beyond.type1_rows,
    "transition": beyond.transition_rows,
    "type2": beyond.type2_rows,
}
"""Function that returns the rows beyond the paper, by kind of attack."""


def measured_on(artifacts: Iterable[Artifact], rows: Iterable[Row]) -> list[Row]:
    """Return ``rows`` with the paths of the artifacts that they were measured on."""
    paths = "; ".join(artifact.path for artifact in artifacts)
    return [row | {"artifact": paths} for row in rows]


def missing(entry: Mapping[str, Any], measured: Mapping[str, Row], faces: str) -> Row:
    """Return the row of a published number that was not measured; ``faces``: source of faces."""
    prefix = max((p for p in NOT_RUN if entry["id"].startswith(f"{p}.")), key=len)
    reason = NOT_RUN[prefix]
    if faces == "celeba" and reason == "needs CelebA":
        named = "`faces.recognizer`, `lfw`, `table3.old`, `face_detection.zeta`"
        reason = f"settings leave it out ({named})"
    row = verdicts.not_run(entry, reason)
    like = f"beyond.{faces}.{entry['id']}"
    return row | ({"note": f"{faces} faces: `{like}`"} if like in measured else {})


def contents(artifacts: Sequence[Artifact]) -> list[Any]:
    """Return the contents of ``artifacts``."""
    return [artifact.content for artifact in artifacts]


def pooled_over(
    tables: Sequence[Artifact],
) -> Iterator[tuple[Measurement, list[Artifact]]]:
    """Yield each id's measurement over the seeds of all tables, and the tables that have the id."""
    if not tables:
        return
    for found in pooled(pd.concat(contents(tables))):
        yield found, [table for table in tables if found.id in set(table.content["id"])]


def measured_rows(
    entries: Mapping[str, Mapping[str, Any]],
    sources: Sources,
    rates: pd.DataFrame,
    target: str,
    boundary: Collection[str],
) -> list[Row]:
    """Return rows that may have a verdict.

    ``rates``: of the joint detector on ``target``. ``boundary``: see `verdicts.table1`.
    """
    errors = {"mnist.mlp.test_error": sources.f1, "mnist.svae.test_error": sources.svae}
    rows = [
        row
        for name, checkpoints in errors.items()
        for row in measured_on(
            checkpoints, [verdicts.test_error(entries[name], contents(checkpoints))]
        )
    ]
    paper = sources.examples["paper", "type1", target]
    confidence = entries["mnist.fig6.confidence"]
    rows += measured_on(paper, [verdicts.figure6(confidence, pd.concat(contents(paper)))])
    in_table1 = [entry for name, entry in entries.items() if name.startswith("table1.")]
    table1 = verdicts.table1(in_table1, rates, ours=OURS, boundary=boundary)
    rows += measured_on([sources.rates], table1)
    for found, tables in pooled_over(sources.measurements):
        rows += measured_on(tables, [verdicts.from_measurement(found, entries.get(found.id))])
    return rows


def further_rows(
    sources: Sources, rates: pd.DataFrame, elsewhere: pd.DataFrame, published: set[str]
) -> list[Row]:
    """Return rows without a verdict.

    ``rates``: of the joint detector on the target of Table I; ``elsewhere``: on others.
    ``published``: ids that have a row already.
    """
    stored = [artifact for each in sources.others.values() for artifact in each]
    others = {name: contents(each) for name, each in sources.others.items()}
    rows = measured_on(stored, beyond.classifier_rows(others))
    rows += measured_on([sources.oracle], beyond.oracle_rows(sources.oracle.content))
    rows += measured_on(sources.svae, [beyond.discriminator_row(contents(sources.svae))])
    for (name, kind, attacked), tables in sources.examples.items():
        rows += measured_on(tables, KINDS[kind](name, attacked, pd.concat(contents(tables))))
    rows += measured_on([sources.rates], beyond.detection_rows(rates, published, ours=OURS))
    rows += measured_on([sources.rates], beyond.fitted_detection_rows(elsewhere))
    rows += measured_on([sources.realism], beyond.realism_rows(sources.realism.content))
    if sources.calibration:
        calibrated = beyond.calibration_rows(sources.calibration.content)
        rows += measured_on([sources.calibration], calibrated)
    for name, table in sources.ablations.items():
        rows += measured_on([table], beyond.ablation_rows(name, table.content))
    return rows


def reproduction_table(
    published: pd.DataFrame,
    sources: Sources,
    *,
    target: str,
    faces: str,
    preset: str,
    boundary: Collection[str],
) -> pd.DataFrame:
    """Return the verdict table, with the columns `verdicts.COLUMNS` and preset.

    Args:
        published: rows of docs/published-values.csv.
        target: the classifier of Table I.
        faces: source of the faces.
        boundary: attacks that stop at f1's decision boundary.
    """
    entries = {row["id"]: row for row in published.astype({"published": float}).to_dict("records")}
    joint = sources.rates.content[sources.rates.content["squeezer"] == "joint"]
    elsewhere, rates = joint[joint["target"] != target], joint[joint["target"] == target]
    done = {row["id"]: row for row in measured_rows(entries, sources, rates, target, boundary)}
    rows = [
        done.pop(name) if name in done else missing(entry, done, faces)
        for name, entry in entries.items()
    ]
    rows += further_rows(sources, rates, elsewhere, set(entries))
    rows += done.values()
    if sources.people:
        people = sources.people.content
        people = people[people["unclear"] == FAILURE].set_index("id")
        rows = [
            verdicts.beside_people(row, seen_by(people.loc[row["id"]]), entries.get(row["id"]))
            if row["id"] in people.index
            else row
            for row in rows
        ]
    return as_table(rows, preset)


def table_of_set(sources: Sources, *, dataset: str, target: str, preset: str) -> pd.DataFrame:
    """Return the table of a data set that is not in the paper: measured numbers without verdicts.

    Args:
        dataset: its name, the prefix of ids in place of ``beyond``.
        target: the classifier whose detection rates are also listed at the published thresholds.
    """
    joint = sources.rates.content[sources.rates.content["squeezer"] == "joint"]
    elsewhere, rates = joint[joint["target"] != target], joint[joint["target"] == target]
    f1, svae = contents(sources.f1), contents(sources.svae)
    rows = measured_on(sources.f1, beyond.classifier_rows({target: f1}))
    rows += measured_on(sources.svae, beyond.classifier_rows({"svae": svae}))
    rows += further_rows(sources, rates, elsewhere, set())
    for found, tables in pooled_over(sources.measurements):
        rows += measured_on(tables, [verdicts.from_measurement(found, None)])
    return as_table([named_after(dataset, row) for row in rows], preset)


def named_after(dataset: str, row: Row) -> Row:
    """Rename a row of digits to one of another data set."""
    identity = row["id"].removeprefix("beyond.").removeprefix("mnist.")
    described = row["description"].replace("digits", "images")
    return row | {"id": f"{dataset}.{identity}", "description": described}


def as_table(rows: Sequence[Row], preset: str) -> pd.DataFrame:
    """Return rows of the verdict table as a frame, with the preset of the measurement."""
    table = pd.DataFrame(rows, columns=list(verdicts.COLUMNS)).assign(preset=preset)
    table["seeds"] = pd.to_numeric(table["seeds"], errors="coerce").fillna(0).astype(int)
    return table


def seen_by(row: Mapping[str, Any]) -> Rate:
    """Return the value of a row about people."""
    return Rate(row["value"], row["low"], row["high"], int(row["n"]))
