"""Fig. 5a: image transition by the SVAE alone, i → i + 1 (III-B)."""

import numpy as np

from typeone.reporting.plotting import filmstrips, moments, save_figure, style
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job


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
    with job(snakemake) as run:
        plot_figure5a(
            trace_path=run.input.trace[0],
            figure_paths=list(run.output),
            columns=run.params.columns,
            dpi=run.params.dpi,
            caption=run.params.caption,
        )
