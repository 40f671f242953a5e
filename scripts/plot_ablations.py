"""What each part of an attack is worth: success of its variants, one setting changed at a time."""

import matplotlib.pyplot as plt
import numpy as np

from typeone.evaluation.intervals import rate
from typeone.reporting.plotting import COLOURS, add_caption, save_figure, style
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job

MEASURES = {
    "f1_kept": ("f1 keeps the label", "o"),
    "type1_success_oracle": ("… and the oracle leaves it", "s"),
    "type1_success_clear": ("… and is sure", "D"),
}


def plot_ablations(*, example_paths, figure_paths, dpi, caption):
    """Draw one panel an attack, one line a variant, with Wilson's 95 % intervals."""
    tables = {name: read_parquet(path).frame() for name, path in example_paths.items()}
    heights = [table["variant"].nunique() for table in tables.values()]
    with style():
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
            table["f1_kept"] = table["f1_label_after"] == table["label"]
            variants = list(dict.fromkeys(table["variant"]))
            for i, (measure, (text, marker)) in enumerate(MEASURES.items()):
                found = [rate(table.loc[table["variant"] == v, measure]) for v in variants]
                value, low, high = np.array([r[:3] for r in found]).T
                axes.errorbar(
                    value,
                    np.arange(len(variants)) + 0.22 * (i - 1),
                    xerr=[value - low, high - value],
                    fmt=marker,
                    markersize=3,
                    linewidth=0.8,
                    color=COLOURS[i],
                    label=text,
                )
            steps = [table.loc[table["variant"] == v, "steps"].mean() for v in variants]
            names = [
                f"{v.replace('_', ' ')} ({s:.0f})" for v, s in zip(variants, steps, strict=True)
            ]
            axes.set_yticks(range(len(variants)), names)
            axes.invert_yaxis()
            axes.set_xlim(-0.02, 1.02)
            axes.grid(axis="x", linewidth=0.3)
            axes.set_title(f"variant {name}", loc="left")
        panels[-1, 0].set_xlabel("share of the examples")
        panels[0, 0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.08), ncols=3)
        n = min(len(table) // table["variant"].nunique() for table in tables.values())
        add_caption(
            figure,
            f"{caption} n = {n} a line, 95 % intervals by Wilson; in brackets the mean steps.",
        )
        save_figure(figure, figure_paths, dpi=dpi)


if "snakemake" in globals():
    with job(snakemake) as run:
        plot_ablations(
            example_paths=dict(zip(run.params.attacks, run.input.examples, strict=True)),
            figure_paths=list(run.output),
            dpi=run.params.dpi,
            caption=run.params.caption,
        )
