"""Fig. 1: the ROC of f1 for one class, and where each type of attack moves its operating point."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from typeone.evaluation.intervals import Rate
from typeone.reporting.plotting import COLOURS, add_caption, show_image, style
from typeone.runtime.artifacts import Records

TYPE2, _, TYPE1 = COLOURS[:3]  # blue and green, as in Fig. 2
LEAST = 1e-4  # false positive rate at the left end of a logarithmic axis


@style()
def figure1(
    curves: pd.DataFrame,
    measurements: pd.DataFrame,
    examples: tuple[Records, Records],
    *,
    positive: int,
    type1: Sequence[str],
    type2: Sequence[str],
    seed: int,
    preset: str,
) -> Figure:
    """Draw the curves twice, over all false positive rates and over their logarithm.

    Args:
        examples: judged digits of the first attacks of ``type1`` and ``type2``.
        type1, type2: attacks; the first of each moves the operating point, has its curve and its
            digit. Further Type II attacks are dotted, with each image counted by its label.
    """
    curves = curves[curves["seed"] == seed]
    figures = measurements[measurements["seed"] == seed].set_index("id")

    def measured(name: str) -> Rate:
        """Return one value; NaN if there was nothing to measure."""
        identity = f"beyond.fig1.{name}"
        if identity not in figures.index:
            return Rate(np.nan, np.nan, np.nan, 0)
        return Rate(*figures.loc[identity, ["value", "low", "high", "n"]])

    one, two = type1[0], type2[0]
    fpr, tpr = measured("clean.fpr").value, measured("clean.tpr").value
    arrows = [
        ((measured(f"{one}.fpr").value, tpr), TYPE1),
        ((fpr, measured(f"{two}.tpr").value), TYPE2),
    ]
    lines = [
        ("clean", "oracle", "auc", "test images", "black", "-"),
        (two, "oracle", "auc", f"positives by Type II ({two})", TYPE2, "--"),
        *(
            (name, "label", "auc_by_label", f"the same ({name}, counted by label)", TYPE2, ":")
            for name in type2[1:]
        ),
        (one, "oracle", "auc", f"negatives by Type I ({one})", TYPE1, "-."),
    ]
    figure, panels = plt.subplots(1, 2, figsize=(7, 3.9), sharey=True)
    for axes in panels:
        for name, counted, area, text, colour, dash in lines:
            curve = curves[(curves["attack"] == name) & (curves["counted"] == counted)]
            if len(curve):
                label = f"{text}, area {measured(f'{name}.{area}').value:.3f}"
                shown = curve["fpr"].clip(lower=LEAST / 10), curve["tpr"]
                axes.plot(*shown, color=colour, ls=dash, label=label)
        for end, colour in arrows:
            if not np.isnan(end).any():
                look = {"arrowstyle": "-|>", "color": colour, "lw": 2.2}
                axes.annotate("", xy=end, xytext=(fpr, tpr), arrowprops=look)
        axes.plot(fpr, tpr, "o", color="black", ms=5, zorder=5)
        axes.set(xlabel="false positive rate", ylim=(-0.03, 1.05))
        axes.set_box_aspect(1)
    panels[0].set(ylabel="true positive rate", xlim=(-0.03, 1.05))
    panels[1].set(xscale="log", xlim=(LEAST, 1.3))
    _draw_digits(panels[0], *examples, positive)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, 0.07), ncols=2)

    def interval(name: str) -> str:
        return "{:.3f} [{:.3f}, {:.3f}] of {:.0f}".format(*measured(name))

    def share(name: str) -> str:
        return f"{measured(name).value:.0%} of {measured(name).n:.0f}"

    add_caption(
        figure,
        f"f1 (mlp), {positive} against the rest; score: margin of logit {positive}. The dot is "
        f"f1's own decision: true positives {interval('clean.tpr')}, false positives "
        f"{interval('clean.fpr')}. Down: {two} on {positive}s in which the oracle still sees a "
        f"{positive} ({share(f'{two}.still')}), true positives {interval(f'{two}.tpr')}. Right: "
        f"{one} on {positive}s in which it sees something else ({share(f'{one}.gone')}), false "
        f"positives {interval(f'{one}.fpr')}. Unclear images are left out. Intervals: 95 %, "
        f"Wilson. Seed {seed}, preset {preset}.",
    )
    return figure


def _shown_rows(type1: Records, type2: Records, positive: int) -> tuple[int | None, int | None]:
    """Return the rows (in ``type1``, in ``type2``) of the images to draw, None where there is none.

    Both start from the same digit if there is one for which both attacks succeeded: clearly to the
    oracle, and as stored.
    """
    good1 = (type1["label"] == positive) & type1["type1_success_clear"]
    good2 = (type2["label"] == positive) & type2["type2_success_oracle"] & type2["judge_clear"]
    first, second = np.flatnonzero(good1).tolist(), np.flatnonzero(good2).tolist()
    for i in first:
        for j in second:
            if type2["index"][j] == type1["index"][i]:
                return i, j
    return (first[0] if first else None, second[0] if second else None)


def _draw_digits(axes: Axes, first: Records, second: Records, positive: int) -> None:
    """Draw the digit and its two attacked versions beside the arrows."""
    row1, row2 = _shown_rows(first, second, positive)
    if row1 is not None:
        text = (
            f"Type I: now a {first['judge_label'][row1]},\nf1 says {first['f1_label_after'][row1]}"
        )
        _inset(axes, first["adversarial_image"][row1], (0.72, 0.56), text, TYPE1)
        text = f"a {positive},\nf1 says {first['f1_label_before'][row1]}"
        _inset(axes, first["image"][row1], (0.24, 0.56), text, "black")
    if row2 is not None:
        text = f"Type II: still a {positive},\nf1 says {second['f1_label_after'][row2]}"
        _inset(axes, second["adversarial_image"][row2], (0.24, 0.245), text, TYPE2)


def _inset(
    axes: Axes, image: np.ndarray, place: tuple[float, float], title: str, colour: str
) -> None:
    """Draw a digit at ``place`` (data coordinates of its centre) with lines of text below it."""
    size = 0.17
    box = axes.inset_axes(
        (place[0] - size / 2, place[1] - size / 2, size, size), transform=axes.transData
    )
    show_image(box, image)
    for spine in box.spines.values():
        spine.set(visible=True, color=colour, linewidth=1.5)
    box.set_xlabel(title, fontsize=6.5, labelpad=2, color=colour)
