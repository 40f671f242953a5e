"""Fig. 7a: Type I attacks on digits, with f1's confidence in the original class (IV-A)."""

import numpy as np

from typeone.reporting.plotting import filmstrips, moments, save_figure, style
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job


def plot_figure7a(*, examples_path, trace_path, figure_paths, columns, dpi, caption):
    """Draw one filmstrip a class; each ends with what f1 and the oracle say of the last image.

    A question mark stands where the image is not clear to the oracle.
    """
    examples, trace = read_parquet(examples_path), read_parquet(trace_path)
    rows, labels = [], []
    for position in sorted(set(trace["position"]), key=lambda p: examples["label"][p]):
        # the original stands first; the start of the trace is already a reconstruction
        walked = np.flatnonzero(trace["position"] == position)
        chosen = walked[moments(trace["image"][walked], columns - 1)]
        before = f"{examples['f1_confidence_before'][position]:.2f}"
        row = [(examples["image"][position], before)]
        for moment in chosen:
            row.append((trace["image"][moment], f"{trace['f1_confidence'][moment]:.2f}"))
        rows.append(row)
        doubt = "" if examples["judge_clear"][position] else "?"
        seen = f"{examples['judge_label'][position]}{doubt}"
        labels.append(
            f"{examples['label'][position]} → {examples['target_label'][position]}\noracle {seen}"
        )
    with style():
        save_figure(filmstrips(rows, labels=labels, caption=caption), figure_paths, dpi=dpi)


if "snakemake" in globals():
    with job(snakemake) as run:
        plot_figure7a(
            examples_path=run.input.examples[0],
            trace_path=run.input.trace[0],
            figure_paths=list(run.output),
            columns=run.params.columns,
            dpi=run.params.dpi,
            caption=run.params.caption,
        )
