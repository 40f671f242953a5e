"""Fig. 7b: faces beside what became of them, with f1's distance above (IV-B)."""

import matplotlib.pyplot as plt
import numpy as np

from typeone.reporting.plotting import COLUMN, add_caption, save_figure, show_image, style
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job

FAILED = "#B00000"


def failure(rows, i, threshold):
    """Why an attack has not succeeded, in two words; nothing where it has."""
    if rows["distance"][i] > threshold:
        return "other person"
    if not rows["shows_class"][i]:
        return "no face"
    return "" if rows["gender_changed"][i] else "same gender"


def plot_figure7b(*, examples_path, figure_paths, pairs, threshold, dpi, caption):
    """Draw the first ``pairs``, failures among them and marked, four a row."""
    rows = read_parquet(examples_path)
    pairs, columns = min(pairs, len(rows)), 4
    lines = -(-pairs // columns)
    reasons = [failure(rows, i, threshold) for i in range(len(rows))]
    widths = [width for _ in range(columns) for width in (1, 1, 0.25)][:-1]
    with style():
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
            colour = FAILED if reasons[i] else "black"
            show_image(left, rows["image"][i])
            show_image(right, rows["adversarial_image"][i])
            left.axis("on")
            right.axis("on")
            title = f"{rows['distance'][i]:.3f}" + (f"  {reasons[i]}" if reasons[i] else "")
            left.set_title(title, x=1.02, fontsize=7, pad=2, color=colour)
        figure.subplots_adjust(wspace=0.04, hspace=0.28)
        succeeded = np.mean([not reason for reason in reasons])
        told = (
            f"The first {pairs} of {len(rows)}: left the original, right the attacked face, above "
            f"the distance of f1's embeddings (one person up to {threshold:g}) and, in red, why f1 "
            f"or the judges call it a failure. Of all {len(rows)}, {succeeded:.1%} succeed."
        )
        add_caption(figure, f"{caption} {told}")
        save_figure(figure, figure_paths, dpi=dpi)


if "snakemake" in globals():
    with job(snakemake) as run:
        plot_figure7b(
            examples_path=run.input.examples,
            figure_paths=list(run.output),
            pairs=run.params.pairs,
            threshold=run.params.threshold,
            dpi=run.params.dpi,
            caption=run.params.caption,
        )
