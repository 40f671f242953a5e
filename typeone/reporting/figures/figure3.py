"""Fig. 3: walks from the inner to the outer sphere on a level set of f1 (II-B), and f1's error."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from typeone.reporting.plotting import COLOURS, add_caption, style

BLUE, RED, GREEN, PINK, ORANGE, SKY, BLACK = COLOURS
ARROW: dict[str, Any] = {
    **{"angles": "xy", "scale_units": "xy", "scale": 1},
    **{"width": 0.006, "headwidth": 4.5},
}
LENGTH = 0.13  # of the arrows


@style()
def figure3(
    walks: pd.DataFrame,
    curves: Mapping[int, pd.DataFrame],
    measurements: pd.DataFrame,
    *,
    published: float,
    inner: float,
    outer: float,
    preset: str,
) -> Figure:
    """Draw the walks between the spheres, one walk by step, and the error with its lower bound.

    Args:
        walks: of the first seed.
        curves: training curves by seed.
        published: bound on the error.
        inner, outer: radii of the spheres.
    """
    figure, panels = plt.subplot_mosaic(
        [["spheres", "walk"], ["spheres", "errors"]],
        figsize=(7, 3.7),
        width_ratios=[1.25, 1],
        layout="constrained",
    )
    first = walks[walks["position"] == walks["position"].min()]
    _draw_spheres(panels["spheres"], walks, first, inner, outer)
    _draw_walk(panels["walk"], first, inner, outer)
    identity = measurements["id"]
    floor = measurements.loc[identity == "beyond.sphere.floor", "value"].iloc[0]
    sampled = measurements[identity == "sphere.error_rate"]
    _draw_errors(panels["errors"], curves, sampled, floor, published)
    add_caption(
        figure,
        f"Left: {walks['position'].nunique()} walks of seed {next(iter(curves))}, the first one "
        "green; the circles are the spheres, f1 = 0 (dotted) holds for what f1 sees of the green "
        "x. Upper right: the green walk. Lower right: exact error by Imhof's integral and rates "
        f"with Wilson's 95 % intervals, seeds {list(curves)}; the least possible error is that "
        f"of Bayes' rule on what f1 sees. Preset {preset}.",
    )
    return figure


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _draw_spheres(
    axes: Axes, walks: pd.DataFrame, first: pd.DataFrame, inner: float, outer: float
) -> None:
    """Draw the spheres, the walks between them and the projected directions of ``first``."""
    angle = np.linspace(0, np.pi / 2, 200)
    boundary = first["boundary"].iloc[0]
    axes.axvspan(0, boundary, color=BLUE, alpha=0.07, linewidth=0)
    axes.axvline(boundary, color=BLACK, linewidth=0.8, linestyle=":")
    for radius, colour in ((inner, BLUE), (outer, RED)):
        axes.plot(radius * np.cos(angle), radius * np.sin(angle), color=colour, linewidth=1.6)
        axes.annotate(
            f"‖x‖ = {radius:g}",
            (radius * np.cos(1.2), radius * np.sin(1.2)),
            xytext=(2, 3),
            textcoords="offset points",
            color=colour,
            rotation=-90 + np.degrees(1.2),
            rotation_mode="anchor",
            fontsize=7,
        )
    for _, walk in walks.groupby("position"):
        axes.plot(walk["seen"], walk["missing"], color="#bbbbbb", linewidth=0.6, zorder=1)
    points = first[["seen", "missing"]].to_numpy()
    axes.plot(*points.T, ".-", color=GREEN, markersize=3, zorder=3)
    moved = np.linalg.norm(np.diff(points, axis=0), axis=1)
    chosen = np.flatnonzero(moved > 0.5 * moved.max())
    chosen = chosen[np.linspace(0, 0.7 * (len(chosen) - 1), 3).astype(int)]
    starts = points[chosen]
    arrows = (
        (starts, ORANGE, 2, "radial vector at $x_t$"),
        (points[chosen + 1] - starts, GREEN, 4, "projected on $f_1$'s level set"),
    )
    for vectors, colour, order, label in arrows:
        shown = LENGTH * _unit(vectors)
        axes.quiver(*starts.T, *shown.T, color=colour, zorder=order, label=label, **ARROW)
    axes.plot(*points[0], "o", color=BLUE, markersize=5, zorder=5)
    axes.plot(*points[-1], "o", color=RED, markersize=5, zorder=5)
    axes.annotate("$x$", points[0], xytext=(-9, -7), textcoords="offset points")
    axes.annotate("$x'$", points[-1], xytext=(4, 4), textcoords="offset points")
    printed = points[0, 0], np.sqrt(outer**2 - inner**2)
    axes.plot(*printed, "x", color=BLACK, markersize=5, markeredgewidth=1.2, zorder=6)
    line = {"arrowstyle": "-", "linewidth": 0.5}
    axes.annotate("$x'$ as printed", printed, xytext=(0.3, 0.45), fontsize=7, arrowprops=line)
    axes.text(0.05, 0.03, "$f_1$: inner", fontsize=7)
    axes.text(boundary + 0.02, 0.03, "$f_1$: outer", fontsize=7)
    axes.set(
        xlim=(0, 1.12 * outer),
        ylim=(0, 1.12 * outer),
        aspect="equal",
        xlabel="norm of what $f_1$ sees of $x$",
        ylabel="norm of what $f_1$ misses",
    )
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0, ncols=2)


def _draw_walk(axes: Axes, walk: pd.DataFrame, inner: float, outer: float) -> None:
    """Draw radius and f1 along one walk."""
    axes.axhline(inner, color=BLUE, linewidth=0.6)
    axes.axhline(outer, color=RED, linewidth=0.6)
    (radius,) = axes.plot(walk["step"], walk["radius"], ".-", color=GREEN, markersize=3)
    axes.set(xlabel="step $t$", ylabel="$\\|x_t\\|$", ylim=(inner - 0.03, outer + 0.03))
    other = axes.twinx()
    other.spines["right"].set_visible(True)
    (value,) = other.plot(walk["step"], walk["value"], "--", color=PINK)
    lowest = 2 * min(walk["value"].min(), 0)
    other.set(ylabel="$f_1(x_t)$", ylim=(lowest, -lowest / 3))
    other.axhline(0, color=BLACK, linewidth=0.8, linestyle=":")
    axes.legend([radius, value], ["norm", "$f_1$"], loc="center right", bbox_to_anchor=(1, 0.55))


def _draw_errors(
    axes: Axes,
    curves: Mapping[int, pd.DataFrame],
    sampled: pd.DataFrame,
    floor: float,
    published: float,
) -> None:
    """Draw the exact error over the steps, one line per seed, and the sampled error of each."""
    label = "exact, one line per seed"
    for curve, colour in zip(curves.values(), cycle((BLUE, SKY)), strict=False):
        axes.semilogy(curve["step"], curve["error"], color=colour, linewidth=0.9, label=label)
        label = ""
    low, high = sampled["value"] - sampled["low"], sampled["high"] - sampled["value"]
    last = max(curve["step"].max() for curve in curves.values())
    axes.errorbar(
        last * (1 + 0.02 * np.arange(1, len(sampled) + 1)),  # beside one another
        sampled["value"],
        yerr=[low, high],
        fmt="s",
        color=RED,
        markersize=3,
        linewidth=0.8,
        label=f"{sampled['n'].min():,} points, one mark per seed",
    )
    axes.axhline(published, color=BLACK, linewidth=0.8, linestyle="--")
    axes.axhline(floor, color=BLACK, linewidth=0.8, linestyle=":")
    axes.text(0, published * 0.9, "published bound", va="top", fontsize=6.5)
    axes.text(0, floor * 0.9, "least possible", va="top", fontsize=6.5)
    axes.set(xlabel="training step", ylabel="error of $f_1$", ylim=(floor / 3, 1))
    axes.legend(loc="upper right", borderaxespad=0)
