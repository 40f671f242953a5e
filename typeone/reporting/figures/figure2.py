"""Fig. 2: the two attacks on a toy f1 with an unnecessary and a missing feature (II-A)."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from typeone.reporting.plotting import add_caption, style

FEATURES = ["x1", "x2", "x3"]
ENDS = [f"{name}_end" for name in FEATURES]
ASIDE = np.array([0, 0.1, 0.2])  # offset of a name from its point
HALO = withStroke(linewidth=2, foreground="white")
TEXT = {"fontsize": 11, "zorder": 6, "path_effects": [HALO]}
YELLOW, GREEN, BLUE = "#E69F00", "#009E73", "#0072B2"  # the paper's colours, of Okabe and Ito


@style()
def figure2(
    samples: pd.DataFrame,
    planes: pd.DataFrame,
    moves: pd.DataFrame,
    *,
    seed: int,
    half_width: float,
    shown: int,
    preset: str,
) -> Figure:
    """Draw the first ``shown`` training points, both decision surfaces, and one sample's moves."""
    samples = samples[(samples["seed"] == seed) & (samples["split"] == "train")]
    (f1,) = planes[(planes["seed"] == seed) & (planes["classifier"] == "f1")].itertuples()
    moves = moves[(moves["seed"] == seed) & (moves["classifier"] == "f1")]
    example = _example_of(moves, half_width)
    figure = plt.figure(figsize=(4.8, 4.2))
    axes = figure.add_subplot(projection="3d", computed_zorder=False)
    surfaces = (
        (np.array([1.0, 1.0, 0.0]), 0.0, 2, GREEN),
        (np.array([f1.w1, f1.w2, f1.w3]), f1.bias, 1, BLUE),
    )
    for weights, bias, along, colour in surfaces:
        surface = _plane(weights, bias, half_width, along)
        axes.plot_surface(*surface, color=colour, alpha=0.15, shade=False, zorder=1)
    for y, colour, marker in ((1, YELLOW, "o"), (-1, GREEN, "x")):
        chosen = samples[:shown][samples["y"][:shown] == y]
        look = {"color": colour, "marker": marker, "s": 14, "depthshade": False, "zorder": 2}
        axes.scatter(*(chosen[f] for f in FEATURES), **look, linewidths=0.9)
    start = example.loc[1, FEATURES].to_numpy(dtype=float)
    names = ((2, BLUE, r"$x'_{\mathrm{II}}$"), (1, GREEN, r"$x'_{\mathrm{I}}$"))
    for kind, colour, name in names:
        end = example.loc[kind, ENDS].to_numpy(dtype=float)
        arrow = {"color": colour, "lw": 2, "arrow_length_ratio": 0.12, "zorder": 4}
        axes.quiver(*start, *(end - start), **arrow)
        axes.text(*(end + ASIDE), name, color=colour, **TEXT)
    axes.scatter(*start, color=YELLOW, edgecolors="black", s=36, depthshade=False, zorder=5)
    axes.text(*(start + ASIDE), "$x$", **TEXT)
    axes.set(xlabel="x(1)", ylabel="x(2)")
    axes.set_zlabel("x(3)", labelpad=0)
    ticks = [-half_width, 0, half_width]
    axes.set(xticks=ticks, yticks=ticks, zticks=ticks)
    axes.view_init(elev=20, azim=-26)
    axes.set_box_aspect((1, 1, 1), zoom=1.05)
    figure.legend(
        handles=[
            Line2D([], [], color=YELLOW, marker="o", ls="", label="positive"),
            Line2D([], [], color=GREEN, marker="x", ls="", label="negative"),
            Patch(color=GREEN, alpha=0.25, label="f2 = 0: reads x(1), x(2)"),
            Patch(color=BLUE, alpha=0.25, label="f1 = 0: reads x(1), x(3)"),
            Line2D([], [], color=BLUE, lw=2, label="Type II: along x(3)"),
            Line2D([], [], color=GREEN, lw=2, label="Type I: along x(2)"),
        ],
        loc="upper center",
        ncols=3,
        bbox_to_anchor=(0.5, 0.03),
    )
    add_caption(
        figure,
        f"{min(shown, len(samples))} of the {len(samples)} points f1 learned from, and one "
        f"of {moves['sample'].nunique()} held-out positives that were moved both ways (the one "
        f"whose shorter move is longest); seed {seed}, preset {preset}.",
    )
    return figure


def _plane(weights: np.ndarray, bias: float, half_width: float, along: int) -> np.ndarray:
    """Return the part of w·x + b = 0 inside the cube, ``(3, 2, 2)``, along the axis ``along``."""
    free, solved = (i for i in range(3) if i != along)
    edge = np.array([-half_width, half_width])
    # the line of the other two features, clipped to the cube
    ends = -(weights[solved] * edge + bias) / weights[free]
    ends = np.clip(ends, -half_width, half_width)
    if weights[solved]:
        edge = -(weights[free] * ends + bias) / weights[solved]
    surface = np.empty((3, 2, 2))
    surface[along] = np.array([[-half_width, half_width]] * 2)
    surface[free], surface[solved] = ends[:, None], edge[:, None]
    return surface


def _example_of(moves: pd.DataFrame, half_width: float) -> pd.DataFrame:
    """Select the sample whose shorter move is longest, among those that stay inside the cube."""
    ends = moves.pivot(index="sample", columns="type")
    inside = np.all([ends[name].abs().max(axis=1) <= half_width for name in ENDS], axis=0)
    first, second = (
        np.linalg.norm(
            [ends[e][kind] - ends[f][kind] for f, e in zip(FEATURES, ENDS, strict=True)], axis=0
        )
        for kind in (1, 2)
    )
    shorter = np.where(inside, np.minimum(first, second), -np.inf)
    return moves[moves["sample"] == ends.index[shorter.argmax()]].set_index("type")
