"""ROC of the joint squeezing detector on every attack of Table I, with L1 and with L2 (IV-C)."""

import matplotlib.pyplot as plt

from typeone.reporting.plotting import COLOURS, DASHES, add_caption, save_figure, style
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job


def plot_table1_roc(*, roc_path, figure_paths, target, names, dpi, caption):
    """Draw one panel a metric, one curve an attack, with the area under it (mean over seeds)."""
    frame = read_parquet(roc_path).frame()
    frame = frame[(frame["squeezer"] == "joint") & (frame["target"] == target)]
    with style():
        figure, panels = plt.subplots(1, 2, figsize=(7, 4.6), sharey=True)
        for axes, metric in zip(panels, ("l2", "l1"), strict=True):
            for i, (attack, label) in enumerate(names.items()):
                chosen = frame[(frame["metric"] == metric) & (frame["attack"] == attack)]
                area = chosen.groupby("seed")["auc"].first().mean()
                look = {"color": COLOURS[i % len(COLOURS)], "ls": DASHES[i % len(DASHES)]}
                for n, (_, curve) in enumerate(chosen.groupby("seed")):
                    axes.plot(
                        curve["fpr"],
                        curve["tpr"],
                        **look,
                        label=None if n else f"{label} {area:.3f}",
                    )
            axes.plot([0, 1], [0, 1], color="0.7", lw=0.7)
            axes.set_title(f"{metric.upper()} distance of softmax")
            axes.set_xlabel("clean digits rejected")
            axes.set_box_aspect(1)
            axes.legend(
                **{"loc": "upper center", "bbox_to_anchor": (0.5, -0.15), "ncols": 1},
                **{"title": "area under the curve", "title_fontsize": 7},
            )
        panels[0].set_ylabel("attacked digits rejected")
        add_caption(figure, caption)
        save_figure(figure, figure_paths, dpi=dpi)


if "snakemake" in globals():
    with job(snakemake) as run:
        plot_table1_roc(
            roc_path=run.input.roc,
            figure_paths=list(run.output),
            target=run.params.target,
            names=run.params.names,
            dpi=run.params.dpi,
            caption=run.params.caption,
        )
