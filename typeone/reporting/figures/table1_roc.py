"""ROC of the joint squeezing detector on every attack of Table I, with L1 and with L2 (IV-C)."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from typeone.reporting.plotting import COLOURS, DASHES, add_caption, style


@style()
def table1_roc(
    curves: pd.DataFrame, *, target: str, names: Mapping[str, str], caption: str
) -> Figure:
    """Draw one panel per metric, one curve per attack, with the area under it (mean over seeds)."""
    curves = curves[(curves["squeezer"] == "joint") & (curves["target"] == target)]
    figure, panels = plt.subplots(1, 2, figsize=(7, 4.6), sharey=True)
    for axes, metric in zip(panels, ("l2", "l1"), strict=True):
        for i, (attack, name) in enumerate(names.items()):
            chosen = curves[(curves["metric"] == metric) & (curves["attack"] == attack)]
            label = f"{name} {chosen.groupby('seed')['auc'].first().mean():.3f}"
            look = {"color": COLOURS[i % len(COLOURS)], "ls": DASHES[i % len(DASHES)]}
            for _, curve in chosen.groupby("seed"):
                axes.plot(curve["fpr"], curve["tpr"], **look, label=label)
                label = ""  # one entry of the legend for all seeds
        axes.plot([0, 1], [0, 1], color="0.7", lw=0.7)
        axes.set_title(f"{metric.upper()} distance of softmax")
        axes.set_xlabel("clean images rejected")
        axes.set_box_aspect(1)
        axes.legend(
            **{"loc": "upper center", "bbox_to_anchor": (0.5, -0.15), "ncols": 1},
            **{"title": "area under the curve", "title_fontsize": 7},
        )
    panels[0].set_ylabel("attacked images rejected")
    add_caption(figure, caption)
    return figure
