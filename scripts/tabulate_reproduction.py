"""Tabulate the verdicts: one row per published number, and further rows of our own."""

import pandas as pd

from typeone.reporting.reproduction import reproduction_table, table_of_set
from typeone.reporting.reproduction_text import as_markdown, as_text
from typeone.reporting.sources import read_sources
from typeone.runtime.artifacts import write_rows
from typeone.runtime.atomic_files import atomic_path
from typeone.runtime.job import job

if "snakemake" in globals():
    with job(snakemake) as run:
        params, output = run.params, run.output
        named = {k: params[k] for k in ("runs", "others", "ablated")}
        sources = read_sources(dict(run.input.items()), **named)
        how = {"target": params.target, "preset": params.preset}
        if run.input.published:
            published = pd.read_csv(run.input.published, keep_default_na=False)
            how |= {"faces": params.faces, "boundary": params.boundary}
            verdicts = reproduction_table(published, sources, **how)
        else:
            verdicts = table_of_set(sources, dataset=params.dataset, **how)
        write_rows(output.parquet, verdicts)
        with atomic_path(output.csv) as path:
            verdicts.to_csv(path, index=False, float_format="%.6g")
        with atomic_path(output.markdown) as path:
            path.write_text(as_markdown(verdicts))
        with atomic_path(output.text) as path:
            path.write_text(as_text(verdicts))
