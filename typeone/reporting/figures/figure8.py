"""Fig. 8: pairs of digits from the latent space of the AC-GAN that f1 gives one class (IV-E)."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from typeone.evaluation.intervals import rate
from typeone.reporting.plotting import COLOURS, add_caption, show_image, style
from typeone.runtime.artifacts import Records

LABELS = {
    "untargeted": "Eq. 13",
    "untargeted_sm": "Eq. 13,\nauthors'\ndistance",
    "targeted": "Eq. 13,\nto y + 1",
    "targeted_sm": "Eq. 13,\nto y + 1,\nauthors'\ndistance",
    "targeted_k1": "Eq. 13,\nto y + 1,\nk = 1 (ours)",
    "embedding": "and the\ncondition\nfree (ours)",
    "song_type2": "Type II\n(Song\net al.)",
}


@style()
def figure8(table: Records, variants: Mapping[str, str], *, pairs: int, caption: str) -> Figure:
    """Draw one row of pairs per variant: G(z) left, G(z') right.

    ``variants``: kind by name.
    """
    widths = [1, 1, 0.3] * pairs
    figure, grid = plt.subplots(
        len(variants),
        len(widths),
        figsize=(0.33 * sum(widths) + 0.6, 0.62 * len(variants)),
        width_ratios=widths,
        squeeze=False,
    )
    for axes in grid.flat:
        axes.axis("off")
    for line, (name, kind) in zip(grid, variants.items(), strict=True):
        rows = {k: v[table["variant"] == name] for k, v in table.columns.items()}
        for place, i in enumerate(shown_pairs(rows, kind, pairs)):
            left, right = line[3 * place], line[3 * place + 1]
            show_image(left, rows["image"][i], title=f"f1 {rows['f1_label_before'][i]}")
            colour = COLOURS[1] if rows[f"{kind}_success_oracle"][i] else "black"
            title = f"f1 {rows['f1_label_after'][i]}"
            show_image(right, rows["adversarial_image"][i], title=title, colour=colour)
            doubt = "" if rows["judge_clear"][i] else "?"
            right.text(
                *(0.5, -0.06, f"oracle {rows['judge_label'][i]}{doubt}"),
                **{"transform": right.transAxes, "ha": "center", "va": "top", "fontsize": 5},
            )
            for axes in (left, right):
                axes.axis("on")
        share, low, high = (100 * v for v in rate(rows[f"{kind}_success_oracle"])[:3])
        line[0].set_ylabel(
            f"{LABELS.get(name, name)}\n{share:.0f} % [{low:.0f}, {high:.0f}]",
            **{"rotation": 0, "ha": "right", "va": "center", "fontsize": 6, "labelpad": 4},
        )
    figure.subplots_adjust(left=0.06, right=1, bottom=0.02, top=0.95, wspace=0.05, hspace=0.4)
    n = int((table["variant"] == next(iter(variants))).sum())
    add_caption(
        figure,
        "Left G(z), right G(z'). Above, what f1 sees, orange where the attack succeeded "
        "(Type I: f1 keeps the label, the oracle leaves it; Type II: the reverse). Below, what "
        "the oracle sees in the right one, ? where its judges differ or doubt. Successes are "
        "shown where available, one per class. Under the names the share of success among "
        f"all {n}, with its 95 % Wilson interval; {caption}",
    )
    return figure


def shown_pairs(rows: Mapping[str, np.ndarray], kind: str, pairs: int) -> np.ndarray:
    """Return the rows of the pairs to draw: one per class if there are enough, successes first."""
    success = rows[f"{kind}_success_clear"] * 2 + rows[f"{kind}_success_oracle"]
    order = np.argsort(-success.astype(int), kind="stable")
    label = rows["label"][order]
    turn = np.array([np.count_nonzero(label[:i] == label[i]) for i in range(len(order))])
    chosen = order[np.lexsort([np.arange(len(order)), turn])][:pairs]
    return chosen[np.argsort(rows["label"][chosen], kind="stable")]
