"""Table of the Type I attacks on every classifier: success, realism and detection side by side."""

import pandas as pd

from typeone.reporting.tables.attacks import CAPTION, attacks_table, compared
from typeone.reporting.tables.files import write_table
from typeone.runtime.artifacts import read_frame
from typeone.runtime.job import job

if "snakemake" in globals():
    with job(snakemake) as run:
        frames = [
            compared(read_frame(path)).assign(attack=attack, target=target, seed=seed)
            for (attack, target, seed), path in zip(
                run.params.runs, run.input.examples, strict=True
            )
        ]
        rate = run.params.false_positive_rate
        rows, table = attacks_table(
            pd.concat(frames, ignore_index=True),
            read_frame(run.input.rates),
            labels=run.params.labels,
            false_positive_rate=rate,
        )
        write_table(
            run.output,
            rows,
            table,
            caption=CAPTION.format(rejected="no share" if rate is None else f"{100 * rate:g}%"),
        )
