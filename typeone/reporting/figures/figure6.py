"""Fig. 6: losses of f1, f2 and f_dis while one "4" becomes a "5" that f1 labels "4" (IV-A)."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from typeone.reporting.plotting import COLOURS, DASHES, add_caption, show_image, style
from typeone.runtime.artifacts import Records

EXAMPLE = 4  # the class of the paper's example


@style()
def figure6(trace: Records, *, columns: int, published: float | None, caption: str) -> Figure:
    """Draw the loss curves of one traced example, with images on top.

    The example is of the paper's class, or the first traced one if f1 gets none of that class
    right.

    Args:
        trace: judged images of the traced examples, with ``label``, ``step``, ``image``, the losses
            ``j1``, ``j2``, ``penalty`` and ``f1_confidence``.
        columns: number of images on top.
        published: f1's confidence at the end in the paper; None for other data.
        caption: start of the caption.
    """
    label = EXAMPLE if EXAMPLE in trace["label"] else int(trace["label"].min())
    rows = np.flatnonzero(trace["label"] == label)
    steps = trace["step"][rows]
    figure = plt.figure(figsize=(7, 3.4))
    grid = figure.add_gridspec(2, columns, height_ratios=[1, 3.2], hspace=0.15)
    for column, row in enumerate(rows[np.linspace(0, len(rows) - 1, columns).astype(int)]):
        axes = figure.add_subplot(grid[0, column])
        show_image(axes, trace["image"][row], title=f"step {trace['step'][row]}")
    axes = figure.add_subplot(grid[1, :])
    curves = {
        "j2": f"f2, target {(label + 1) % 10}",
        "j1": f"f1, original {label}",
        "penalty": "discriminator",
    }
    for (name, text), colour, dash in zip(curves.items(), COLOURS, DASHES, strict=False):
        values = np.maximum(trace[name][rows], 1e-6)
        axes.semilogy(steps, values, dash, color=colour, label=text)
    axes.set(xlabel="step", ylabel="loss")
    axes.margins(x=0.01)
    axes.legend(loc="upper right", ncols=3)
    end = trace["f1_confidence"][rows[-1]]
    text = f"{caption} f1's confidence in {label} at the end: {end:.4f}"
    if label != EXAMPLE:
        text += f"; f1 gets no example of the paper's class, {EXAMPLE}, right"
    elif published is not None:
        text += f"; published {published:.4f}"
    add_caption(figure, f"{text}.")
    return figure
