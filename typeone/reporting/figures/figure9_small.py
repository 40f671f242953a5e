"""The attack of Fig. 9 on the small generator of faces: pairs, and all distances (IV-E)."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from typeone.evaluation.intervals import rate
from typeone.reporting.plotting import COLOURS, add_caption, show_image, style
from typeone.runtime.artifacts import Records


@style()
def figure9_small(table: Records, *, pairs: int, caption: str) -> Figure:
    """Draw the first ``pairs`` starts above and their ends below, with distances below them."""
    limit = table.metadata["threshold_distance"]
    pairs = min(pairs, len(table))
    figure, (grid, histogram) = plt.subplots(2, 1, figsize=(3.5, 2.6), height_ratios=[1, 1.5])
    grid.axis("off")
    for i in range(pairs):
        for height, column in ((0.52, "image"), (0.0, "adversarial_image")):
            axes = grid.inset_axes([i / pairs, height, 0.97 / pairs, 0.5])
            show_image(axes, table[column][i])
        axes.set_xlabel(f"{table['distance'][i]:.2f}", fontsize=6, labelpad=1)
    bins = [i / 15 for i in range(31)]
    for column, colour, dash, label in (
        ("distance", COLOURS[0], "-", "G(z) and G(z')"),
        ("stranger_distance", COLOURS[1], "--", "two latents at random"),
    ):
        look = {"color": colour, "linestyle": dash, "label": label, "linewidth": 1.2}
        histogram.hist(table[column], bins=bins, histtype="step", **look)
    histogram.axvline(limit, color="black", linewidth=0.8, linestyle=":")
    histogram.set(xlabel="distance of the embeddings", ylabel="faces", xlim=(0, 2))
    histogram.set_ylim(top=1.4 * histogram.get_ylim()[1])  # above the bars
    histogram.legend(loc="upper left")
    figure.subplots_adjust(left=0.1, right=0.99, bottom=0.14, top=1, hspace=0.28)
    kept = (table["distance"] <= limit) & (table["hinge"] <= 0)
    share, low, high = (100 * v for v in rate(kept)[:3])
    add_caption(
        figure,
        "Eq. 13 on the latent space of the small generator: above G(z), below G(z') with the "
        f"distance of both, the first {pairs} of {len(table)} starts. Dotted: the threshold "
        f"{limit:.3f}; of all starts {share:.0f} % [{low:.0f}, {high:.0f}] end far away and "
        f"below it (95 % Wilson interval); {caption}",
    )
    return figure
