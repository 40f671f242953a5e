"""Fig. 5a: image transition by the SVAE alone, i → i + 1 (III-B)."""

import numpy as np

from typeone.reporting.plotting import filmstrips, moments, save_figure, style
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job_log


def plot_figure5a(*, trace_path, figure_paths, columns, dpi, caption):
    """Draw one filmstrip a class."""
    trace = read_parquet(trace_path)
    first = {int(trace["label"][i]): p for i, p in reversed(list(enumerate(trace["position"])))}
    rows, labels = [], []
    for label, position in sorted(first.items()):
        seen = np.flatnonzero(trace["position"] == position)
        chosen = seen[moments(trace["image"][seen], columns)]
        rows.append([(trace["image"][i], f"{trace['step'][i]}") for i in chosen])
        labels.append(f"{label} → {(label + 1) % 10}")
    with style():
        save_figure(filmstrips(rows, labels=labels, caption=caption), figure_paths, dpi=dpi)


if "snakemake" in globals():
    with job_log(snakemake.log[0], snakemake.rule, snakemake.params):
        plot_figure5a(
            trace_path=snakemake.input.trace[0],
            figure_paths=list(snakemake.output),
            columns=snakemake.params.columns,
            dpi=snakemake.params.dpi,
            caption=snakemake.params.caption,
        )
