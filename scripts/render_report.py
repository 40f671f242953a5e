"""Render the report: tables, figures and examples of a run on one page, from stored rows only."""

import json
from pathlib import Path

import pandas as pd

from typeone.reporting.report import contents
from typeone.reporting.report.ablations import ablations
from typeone.reporting.report.page import Page, figure, render
from typeone.reporting.report.sprites import Sheets
from typeone.reporting.report.tables import verdict_rows
from typeone.reporting.report.timings import run_times
from typeone.runtime.artifacts import read_frame, read_parquet
from typeone.runtime.atomic_files import atomic_path
from typeone.runtime.job import job
from typeone.runtime.logs import logger
from typeone.runtime.provenance import commit


def each(told, paths, *more, read=read_parquet):
    """Yield each tuple of ``told`` with the contents of its paths appended, read one at a time."""
    return ((*said, *map(read, files)) for said, *files in zip(told, paths, *more, strict=True))


if "snakemake" in globals():
    with job(snakemake) as run:
        files, params, sheets = run.input, run.params, Sheets()
        limits, threshold = params.limits, params.threshold
        walks = each(params.walks, files.walked, files.traces)
        runs = each(params.runs, files.examples)
        scores = each(params.detectors, files.scores, read=read_frame)
        variants = zip(params.ablated, map(read_parquet, files.ablations), strict=True)
        data = {
            "filmstrips": contents.shown_filmstrips(walks, sheets, limits["frames"], threshold),
            "examples": contents.shown_examples(runs, sheets, limits["count"], threshold),
            "detector": contents.shown_detectors(scores, params.labels),
            "ablations": {
                "told": params.captions["ablations"],
                "attacks": [{"name": name, "variants": ablations(rows)} for name, rows in variants],
            },
            **run_times(params.benchmarks, params.datasets, params.timed),
        }
        page = Page(
            run={
                **params.captions["run"],
                **contents.described(json.loads(Path(files.machine).read_text())),
                "commit": commit(Path(snakemake.scriptdir).parent),
            },
            verdicts=verdict_rows(read_frame(files.verdicts)),
            tables=contents.shown_tables(each(params.tables, files.tables, read=pd.read_csv)),
            figures=list(map(figure, files.figures, params.figures)),
            sheets=sheets,
            data=data,
            links=contents.shown_links(params.links, Path(run.output.page).parent),
        )
        text = render(page)
        with atomic_path(run.output.page) as path:
            path.write_text(text)
        logger.info("%.1f MB, %d sheets of images", len(text.encode()) / 1e6, len(sheets.found))
