"""Fig. 8: pairs of digits from the latent space of the AC-GAN, the same class to f1 (IV-E)."""

import matplotlib.pyplot as plt
import numpy as np

from typeone.data.digits import DIGIT_SHAPE
from typeone.evaluation.intervals import rate
from typeone.reporting.plotting import COLOURS, add_caption, save_figure, show_image, style
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job

LABELS = {
    "untargeted": "Eq. 13",
    "untargeted_sm": "Eq. 13,\nauthors'\ndistance",
    "targeted": "Eq. 13,\nto y + 1",
    "targeted_sm": "Eq. 13,\nto y + 1,\nauthors'\ndistance",
    "targeted_k1": "Eq. 13,\nto y + 1,\nk = 1 (ours)",
    "embedding": "and the\ncondition\nfree (ours)",
    "song_type2": "Type II\n(Song\net al.)",
}


def shown(rows, kind, pairs):
    """Which pairs to draw: one a class where there are enough, successes first, else the first."""
    success = rows[f"{kind}_success_clear"] * 2 + rows[f"{kind}_success_oracle"]
    order = np.argsort(-success.astype(int), kind="stable")
    label = rows["label"][order]
    turn = np.array([np.count_nonzero(label[:i] == label[i]) for i in range(len(order))])
    chosen = order[np.lexsort([np.arange(len(order)), turn])][:pairs]
    return chosen[np.argsort(rows["label"][chosen], kind="stable")]


def plot_figure8(*, examples_path, figure_paths, variants, pairs, dpi, caption):
    """Draw a row of pairs a variant: G(z) left, G(z') right.

    ``variants``: kind by name.
    """
    table = read_parquet(
        examples_path, shapes={"image": DIGIT_SHAPE, "adversarial_image": DIGIT_SHAPE}
    )
    with style():
        widths = [1, 1, 0.3] * pairs
        figure, grid = plt.subplots(
            len(variants),
            len(widths),
            figsize=(0.33 * sum(widths) + 0.6, 0.62 * len(variants)),
            width_ratios=widths,
            squeeze=False,
        )
        for line, (name, kind) in zip(grid, variants.items(), strict=True):
            mine = table["variant"] == name
            rows = {k: v[mine] for k, v in table.columns.items()}
            chosen = shown(rows, kind, pairs)
            for axes in line:
                axes.axis("off")
            for place, i in enumerate(chosen):
                left, right = line[3 * place], line[3 * place + 1]
                show_image(left, rows["image"][i], title=f"f1 {rows['f1_label_before'][i]}")
                won = rows[f"{kind}_success_oracle"][i]
                doubt = "" if rows["judge_clear"][i] else "?"
                show_image(
                    right,
                    rows["adversarial_image"][i],
                    title=f"f1 {rows['f1_label_after'][i]}",
                    colour=COLOURS[1] if won else "black",
                )
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
            "shown where there are any, one a class. Under the names the share of success among "
            f"all {n}, with its 95 % Wilson interval; {caption}",
        )
        save_figure(figure, figure_paths, dpi=dpi)


if "snakemake" in globals():
    with job(snakemake) as run:
        plot_figure8(
            examples_path=run.input.examples,
            figure_paths=list(run.output),
            variants=run.params.variants,
            pairs=run.params.pairs,
            dpi=run.params.dpi,
            caption=run.params.caption,
        )
