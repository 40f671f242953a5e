"""Fig. 5a: image transition by the SVAE alone, i → i + 1 (III-B)."""

import numpy as np

from typeone.artifacts import read_parquet
from typeone.logs import job_log
from typeone.plotting import filmstrips, save_figure, style


def strip(trace, position, columns):
    """Rows of ``trace`` for one example: first, last, and more of the early steps between.

    Steps are spaced by the square root of time, since most of the change comes early.
    """
    rows = np.flatnonzero(trace["position"] == position)
    places = np.round(np.linspace(0, 1, columns) ** 2 * (len(rows) - 1)).astype(int)
    return rows[np.unique(places)]


def plot_figure5a(*, trace_path, figure_paths, columns, dpi, caption):
    """Draw one filmstrip a class."""
    trace = read_parquet(trace_path)
    first = {int(trace["label"][i]): p for i, p in reversed(list(enumerate(trace["position"])))}
    rows, labels = [], []
    for label, position in sorted(first.items()):
        chosen = strip(trace, position, columns)
        rows.append([(trace["image"][i], f"{trace['step'][i]}") for i in chosen])
        labels.append(f"{label} → {(label + 1) % 10}")
    with style():
        save_figure(filmstrips(rows, labels=labels, caption=caption), figure_paths, dpi=dpi)


if "snakemake" in globals():
    with job_log(snakemake.log[0], snakemake.rule):
        plot_figure5a(
            trace_path=snakemake.input.trace[0],
            figure_paths=list(snakemake.output),
            columns=snakemake.params.columns,
            dpi=snakemake.params.dpi,
            caption=snakemake.params.caption,
        )
