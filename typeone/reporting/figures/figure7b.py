"""Fig. 7b: faces beside their attacked versions, with f1's distance above (IV-B)."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from typeone.reporting.plotting import COLUMN, add_caption, show_image, style
from typeone.runtime.artifacts import Records

FAILED = "#B00000"


@style()
def figure7b(rows: Records, *, pairs: int, threshold: float, caption: str) -> Figure:
    """Draw the first ``pairs``, four per row, with failures included and marked."""
    pairs, columns = min(pairs, len(rows)), 4
    lines = -(-pairs // columns)
    reasons = [_failure(rows, i, threshold) for i in range(len(rows))]
    widths = ([1, 1, 0.25] * columns)[:-1]
    figure, grid = plt.subplots(
        *(lines, len(widths)),
        figsize=(2 * COLUMN, 0.97 * lines),
        squeeze=False,
        width_ratios=widths,
    )
    for axes in grid.flat:
        axes.axis("off")
    for i in range(pairs):
        line, place = divmod(i, columns)
        left, right = grid[line, 3 * place : 3 * place + 2]
        for axes, column in ((left, "image"), (right, "adversarial_image")):
            show_image(axes, rows[column][i])
            axes.axis("on")
        title = f"{rows['distance'][i]:.3f}" + (f"  {reasons[i]}" if reasons[i] else "")
        colour = FAILED if reasons[i] else "black"
        left.set_title(title, x=1.02, fontsize=7, pad=2, color=colour)
    figure.subplots_adjust(wspace=0.04, hspace=0.28)
    succeeded = np.mean([not reason for reason in reasons])
    add_caption(
        figure,
        f"{caption} The first {pairs} of {len(rows)}: left the original, right the attacked face, "
        f"above the distance of f1's embeddings (one person up to {threshold:g}) and, in red, why "
        f"f1 or the judges call it a failure. Of all {len(rows)}, {succeeded:.1%} succeed.",
    )
    return figure


def _failure(rows: Records, i: int, threshold: float) -> str:
    """Return why an attack failed, in two words; empty for a success."""
    if rows["distance"][i] > threshold:
        return "other person"
    if not rows["shows_class"][i]:
        return "no face"
    return "" if rows["gender_changed"][i] else "same gender"
