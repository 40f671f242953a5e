"""Fig. 6: the losses of f1, f2 and f_dis while one "4" becomes a "5" that f1 calls "4" (IV-A)."""

import matplotlib.pyplot as plt
import numpy as np

from typeone.reporting.plotting import COLOURS, DASHES, add_caption, save_figure, show_image, style
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job

LABEL = 4  # the paper's example


def plot_figure6(*, trace_path, figure_paths, columns, dpi, caption):
    """Draw the loss curves of the followed example of class 4, images on top."""
    trace = read_parquet(trace_path)
    rows = np.flatnonzero(trace["label"] == LABEL)
    steps = trace["step"][rows]
    with style():
        figure = plt.figure(figsize=(7, 3.4))
        grid = figure.add_gridspec(2, columns, height_ratios=[1, 3.2], hspace=0.15)
        for column, row in enumerate(rows[np.linspace(0, len(rows) - 1, columns).astype(int)]):
            axes = figure.add_subplot(grid[0, column])
            show_image(axes, trace["image"][row], title=f"step {trace['step'][row]}")
        axes = figure.add_subplot(grid[1, :])
        curves = [
            ("j2", "f2, target 5"),
            ("j1", "f1, original 4"),
            ("penalty", "discriminator"),
        ]
        for (name, label), colour, dash in zip(curves, COLOURS, DASHES, strict=False):
            values = np.maximum(trace[name][rows], 1e-6)
            axes.semilogy(steps, values, dash, color=colour, label=label)
        axes.set_xlabel("step")
        axes.set_ylabel("loss")
        axes.margins(x=0.01)
        axes.legend(loc="upper right", ncols=3)
        confidence = trace["f1_confidence"][rows[-1]]
        text = (
            f"{caption} f1's confidence in {LABEL} at the end: {confidence:.4f}; published 0.9941."
        )
        add_caption(figure, text)
        save_figure(figure, figure_paths, dpi=dpi)


if "snakemake" in globals():
    with job(snakemake) as run:
        plot_figure6(
            trace_path=run.input.trace,
            figure_paths=list(run.output),
            columns=run.params.columns,
            dpi=run.params.dpi,
            caption=run.params.caption,
        )
