"""Fig. 1: the ROC of f1 for one class, and where each type of attack moves its operating point."""

import matplotlib.pyplot as plt
import numpy as np

from typeone.reporting.plotting import COLOURS, add_caption, save_figure, show_image, style
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job

TYPE2, _, TYPE1 = COLOURS[:3]  # blue and green, as in Fig. 2
LEAST = 1e-4  # false positive rate at the left end of a logarithmic axis


def inset(axes, image, place, *, title, colour):
    """A digit at ``place`` (data coordinates of its centre) with a line of text below it."""
    size = 0.17
    box = axes.inset_axes(
        [place[0] - size / 2, place[1] - size / 2, size, size], transform=axes.transData
    )
    show_image(box, image)
    for spine in box.spines.values():
        spine.set(visible=True, color=colour, linewidth=1.5)
    box.set_xlabel(title, fontsize=6.5, labelpad=2, color=colour)


def shown_rows(type1, type2, positive):
    """Rows (in ``type1``, in ``type2``) of the images in the picture, None where there is none.

    Both start from one digit if one can be found for which both succeeded: beyond doubt to the
    oracle, and with nothing lost in storage.
    """
    good = {
        "type1": (type1["label"] == positive) & type1["type1_success_clear"],
        "type2": (type2["label"] == positive) & type2["type2_success_oracle"],
    }
    good["type2"] &= type2["judge_clear"]
    first, second = (np.flatnonzero(rows) for rows in good.values())
    both = [
        (i, j)
        for i in first
        for j in np.flatnonzero(good["type2"] & (type2["index"] == type1["index"][i]))
    ]
    if both:
        return both[0]
    return (first[0] if len(first) else None, second[0] if len(second) else None)


def plot_figure1(
    *,
    curves_path,
    measurements_path,
    type1_path,
    type2_path,
    figure_paths,
    positive,
    type1,
    type2,
    seed,
    dpi,
    preset,
):
    """Draw the curves twice, over all false positive rates and over their logarithm.

    ``type1`` and ``type2``: attacks; the first of each moves the operating point, has its curve and
    its digit; further Type II attacks are dotted, each image counted by its label.
    """
    curves = read_parquet(curves_path).frame()
    curves = curves[curves["seed"] == seed]
    rows = read_parquet(measurements_path).frame()
    figures = rows[rows["seed"] == seed].set_index("id")

    def measured(name):
        """(value, low, high, n) of one figure; NaN where nothing was left to measure."""
        identity = f"beyond.fig1.{name}"
        if identity not in figures.index:
            return np.nan, np.nan, np.nan, 0
        return tuple(figures.loc[identity, ["value", "low", "high", "n"]])

    tables = read_parquet(type1_path), read_parquet(type2_path)
    one, two = type1[0], type2[0]
    here = measured("clean.fpr")[0], measured("clean.tpr")[0]
    moved = [
        ((measured(f"{one}.fpr")[0], here[1]), TYPE1),
        ((here[0], measured(f"{two}.tpr")[0]), TYPE2),
    ]

    def draw(name, counted, label, look):
        curve = curves[(curves["attack"] == name) & (curves["counted"] == counted)]
        if len(curve):
            for axes in panels:
                axes.plot(curve["fpr"].clip(lower=LEAST / 10), curve["tpr"], **look, label=label)

    with style():
        figure, panels = plt.subplots(1, 2, figsize=(7, 3.9), sharey=True)
        area = f"{measured('clean.auc')[0]:.3f}"
        draw("clean", "oracle", f"test digits, area {area}", {"color": "black"})
        area = f"{measured(f'{two}.auc')[0]:.3f}"
        text = f"positives by Type II ({two}), area {area}"
        draw(two, "oracle", text, {"color": TYPE2, "ls": "--"})
        for name in type2[1:]:
            area = f"{measured(f'{name}.auc_by_label')[0]:.3f}"
            text = f"the same ({name}, counted by label), area {area}"
            draw(name, "label", text, {"color": TYPE2, "ls": ":"})
        area = f"{measured(f'{one}.auc')[0]:.3f}"
        text = f"negatives by Type I ({one}), area {area}"
        draw(one, "oracle", text, {"color": TYPE1, "ls": "-."})
        for axes in panels:
            for there, colour in moved:
                if not np.isnan(there).any():
                    axes.annotate(
                        "",
                        **{"xy": there, "xytext": here},
                        arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 2.2},
                    )
            axes.plot(*here, "o", color="black", ms=5, zorder=5)
            axes.set(xlabel="false positive rate", ylim=(-0.03, 1.05))
            axes.set_box_aspect(1)
        panels[0].set(ylabel="true positive rate", xlim=(-0.03, 1.05))
        panels[1].set(xscale="log", xlim=(LEAST, 1.3))
        digits(panels[0], *tables, positive=positive, names=(one, two))
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, 0.07), ncols=2)
        add_caption(figure, caption_of(measured, one, two, positive, seed, preset))
        save_figure(figure, figure_paths, dpi=dpi)


def digits(axes, first, second, *, positive, names):
    """Put the digit and its two attacked versions beside the arrows."""
    row1, row2 = shown_rows(first, second, positive)
    if row1 is not None:
        label = first["judge_label"][row1]
        text = f"Type I: now a {label},\nf1 says {first['f1_label_after'][row1]}"
        inset(axes, first["adversarial_image"][row1], (0.72, 0.56), title=text, colour=TYPE1)
        inset(
            axes,
            first["image"][row1],
            (0.24, 0.56),
            title=f"a {positive},\nf1 says {first['f1_label_before'][row1]}",
            colour="black",
        )
    if row2 is not None:
        text = f"Type II: still a {positive},\nf1 says {second['f1_label_after'][row2]}"
        inset(axes, second["adversarial_image"][row2], (0.24, 0.245), title=text, colour=TYPE2)


def caption_of(measured, one, two, positive, seed, preset):
    """What stands under the figure."""

    def told(name):
        value, low, high, n = measured(name)
        return f"{value:.3f} [{low:.3f}, {high:.3f}] of {n:.0f}"

    def share(name):
        value, _, _, n = measured(name)
        return f"{value:.0%} of {n:.0f}"

    return (
        f"f1 (mlp), {positive} against the rest; score: margin of logit {positive}. The dot is "
        f"f1's own decision: true positives {told('clean.tpr')}, false positives "
        f"{told('clean.fpr')}. Down: {two} on {positive}s in which the oracle still sees a "
        f"{positive} ({share(f'{two}.still')}), true positives "
        f"{told(f'{two}.tpr')}. Right: {one} on {positive}s in which it sees something else "
        f"({share(f'{one}.gone')}), false positives {told(f'{one}.fpr')}. Unclear images "
        f"are left out. Intervals: 95 %, Wilson. Seed {seed}, preset {preset}."
    )


if "snakemake" in globals():
    with job(snakemake) as run:
        plot_figure1(
            curves_path=run.input.curves,
            measurements_path=run.input.measurements,
            type1_path=run.input.type1,
            type2_path=run.input.type2,
            figure_paths=list(run.output),
            **run.params.settings,
            seed=run.params.seed,
            dpi=run.params.dpi,
            preset=run.params.preset,
        )
