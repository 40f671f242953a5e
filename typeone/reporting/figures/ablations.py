"""Ablations of an attack: success of its variants, one setting changed at a time."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from typeone.reporting.ablations import MEASURES, rates_of_variants
from typeone.reporting.plotting import COLOURS, add_caption, style

MARKERS = ("o", "s", "D", "v")


@style()
def ablations(tables: Mapping[str, pd.DataFrame], *, caption: str) -> Figure:
    """Draw one panel per attack and one line per variant, with Wilson's 95 % intervals."""
    heights = [table["variant"].nunique() for table in tables.values()]
    figure, panels = plt.subplots(
        len(tables),
        1,
        figsize=(5.2, 0.32 * sum(heights) + 0.7 * len(tables) + 0.4),
        gridspec_kw={"height_ratios": heights},
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    for axes, (name, table) in zip(panels[:, 0], tables.items(), strict=True):
        variants = rates_of_variants(table)
        for i, (measure, text) in enumerate(MEASURES.items()):
            value, low, high = np.array([rates[measure][:3] for _, rates in variants.values()]).T
            axes.errorbar(
                value,
                np.arange(len(variants)) + 0.19 * (i - 1.5),
                xerr=[value - low, high - value],
                fmt=MARKERS[i],
                markersize=3,
                linewidth=0.8,
                color=COLOURS[i],
                label=text,
            )
        names = [f"{v.replace('_', ' ')} ({steps:.0f})" for v, (steps, _) in variants.items()]
        axes.set_yticks(range(len(variants)), names)
        axes.invert_yaxis()
        axes.set_xlim(-0.02, 1.02)
        axes.grid(axis="x", linewidth=0.3)
        axes.set_title(f"variant {name}", loc="left")
    panels[-1, 0].set_xlabel("share of the examples")
    panels[0, 0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.08), ncols=2)
    n = min(len(table) // table["variant"].nunique() for table in tables.values())
    add_caption(
        figure,
        f"{caption} n = {n} per line, Wilson 95 % intervals; in brackets the mean number of steps.",
    )
    return figure
