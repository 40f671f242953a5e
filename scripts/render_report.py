"""The report: tables, figures and examples of a run on one page, from stored rows alone."""

import json
import os
from pathlib import Path

import pandas as pd

from typeone.reporting.report import examples
from typeone.reporting.report.ablations import ablations
from typeone.reporting.report.detection import detector
from typeone.reporting.report.filmstrips import filmstrips
from typeone.reporting.report.page import Page, figure, render
from typeone.reporting.report.sprites import Sheets
from typeone.reporting.report.tables import cells, verdict_rows
from typeone.reporting.report.timings import timings
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.atomic_files import atomic_path
from typeone.runtime.job import job
from typeone.runtime.logs import logger
from typeone.runtime.provenance import commit

MEASURES = {"digits": "f1's confidence in the old label", "faces": "distance of f1's embeddings"}


def shown_examples(runs, sheets, *, count, threshold):
    """What the explorer shows of each of ``runs``: kind, name, what is told of it, path."""
    found = []
    for kind, name, told, path in runs:
        rows = read_parquet(path)
        if kind == "faces":
            run = examples.faces(rows, sheets, count=count, threshold=threshold)
        else:
            run = examples.digits(rows, sheets, count=count)
        found.append({"name": name, "told": told, **run})
    return found


def shown_filmstrips(walks, sheets, *, frames, threshold):
    """What can be stepped through of each of ``walks``: kind, name, examples, trace."""
    found = []
    for kind, name, path, trace in walks:
        strips = filmstrips(read_parquet(path), read_parquet(trace), sheets, frames=frames)
        limit = threshold if kind == "faces" else None
        found.append(
            {"name": name, "measure": MEASURES[kind], "threshold": limit, "strips": strips}
        )
    return found


def shown_detectors(detectors, *, labels):
    """What each of ``detectors`` rejects: kind, name, what is told of it, columns that choose its
    scores, published thresholds, path. ``labels``: of attacks, by kind.
    """
    found = []
    for kind, name, told, chosen, zetas, path in detectors:
        frame = read_parquet(path).frame()
        for column, value in chosen.items():
            frame = frame[frame[column] == value]
        frame = frame[frame["attack"] != "validation"]  # of faces; a threshold is fitted on them
        found.append(
            {"name": name, "told": told, "labels": labels[kind], **detector(frame, named=zetas)}
        )
    return found


def benchmarks_by_rule(folder, datasets):
    """The benchmark tables in ``folder``, by the rule or script that is their name.

    Those of some rules lie in the folder of one of ``datasets``.
    """
    files = {}
    for path in sorted(Path(folder).rglob("*.tsv")):
        name = next(part for part in path.relative_to(folder).parts if part not in datasets)
        files.setdefault(name.removesuffix(".tsv"), []).append(path)
    return files


def render_report(
    *,
    verdicts_path,
    machine_path,
    tables,
    figures,
    runs,
    walks,
    detectors,
    ablated,
    captions,
    links,
    labels,
    threshold,
    count,
    frames,
    benchmarks,
    datasets,
    repository,
    page_path,
):
    """Write the page.

    ``tables``: title, caption and path of each; ``figures``: title and path; ``ablated``: path by
    attack; ``captions``: what is said of the run (``run``) and of the ablations; ``links``: words,
    name and path of files that the page leads to.
    """
    machine = json.loads(Path(machine_path).read_text())
    gpu = "" if machine["gpu"] == "none" else f", {machine['gpu']}"
    sheets = Sheets()
    data = {
        "filmstrips": shown_filmstrips(walks, sheets, frames=frames, threshold=threshold),
        "examples": shown_examples(runs, sheets, count=count, threshold=threshold),
        "detector": shown_detectors(detectors, labels=labels),
        "ablations": {
            "told": captions["ablations"],
            "attacks": [
                {"name": name, "variants": ablations(read_parquet(path))}
                for name, path in ablated.items()
            ],
        },
        "timings": timings(benchmarks_by_rule(benchmarks, datasets)),
    }
    shown = []
    for title, caption, path in tables:
        heads, rows = cells(pd.read_csv(path))
        shown.append({"title": title, "caption": caption, "heads": heads, "rows": rows})
    page = Page(
        run={
            **captions["run"],
            "machine": f"{machine['processor']}, {machine['cores']} cores{gpu}",
            "system": f"{machine['system']}; Python {machine['python']}, torch {machine['torch']}",
            "commit": commit(repository),
        },
        verdicts=verdict_rows(read_parquet(verdicts_path).frame()),
        tables=shown,
        figures=[figure(path, title) for title, path in figures],
        sheets=sheets,
        data=data,
        links=[
            {"told": told, "name": name, "address": os.path.relpath(path, Path(page_path).parent)}
            for told, name, path in links
        ],
    )
    text = render(page)
    with atomic_path(page_path) as path:
        path.write_text(text)
    logger.info("%.1f MB, %d sheets of images", len(text.encode()) / 1e6, len(sheets.found))


def with_paths(told, paths):
    """Each tuple of ``told`` with its path at the end."""
    return [(*said, path) for said, path in zip(told, paths, strict=True)]


if "snakemake" in globals():
    with job(snakemake) as run:
        files, params = run.input, run.params
        render_report(
            verdicts_path=files.verdicts,
            machine_path=files.machine,
            tables=with_paths(params.tables, files.tables),
            figures=with_paths([(title,) for title in params.figures], files.figures),
            runs=with_paths(params.runs, files.examples),
            walks=[
                (*walk, trace)
                for walk, trace in zip(
                    with_paths(params.walks, files.walked), files.traces, strict=True
                )
            ],
            detectors=with_paths(params.detectors, files.scores),
            ablated=dict(zip(params.ablated, files.ablations, strict=True)),
            captions=params.captions,
            links=params.links,
            labels=params.labels,
            threshold=params.threshold,
            **params.limits,
            benchmarks=params.benchmarks,
            datasets=params.datasets,
            repository=Path(snakemake.scriptdir).parent,
            page_path=run.output.page,
        )
