"""Where the paper's attack and ours end, side by side, on every classifier that ours attacks."""

import numpy as np

from typeone.reporting.plotting import filmstrips, save_figure, style
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job


def seen(examples, position):
    """What the oracle sees in an attacked image, doubted if unclear, and f1's confidence."""
    doubt = "" if examples["judge_clear"][position] else "?"
    kept = examples["f1_label_after"][position] == examples["label"][position]
    confidence = f"{examples['f1_confidence_after'][position]:.2f}" if kept else "left"
    return f"{examples['judge_label'][position]}{doubt}  {confidence}"


def plot_variants(*, paper_path, ours_paths, shown, figure_paths, dpi, preset):
    """Draw the first example of each class: the original, the paper's end, ours on each target.

    ``ours_paths``: by target. ``shown``: the classifier that the paper's column attacks. Another
    target has other examples, so that its columns show its own first one, original and end.
    """
    paper = read_parquet(paper_path)
    ours = {target: read_parquet(path) for target, path in ours_paths.items()}
    same = ours.pop(shown)
    headers = ["x", f"paper\n{shown}", f"ours\n{shown}"]
    headers += [header for target in ours for header in ("x", f"ours\n{target}")]
    rows, labels = [], []
    for label in sorted(set(same["label"])):
        first = int(np.flatnonzero(same["label"] == label)[0])
        row = [
            (same["image"][first], ""),
            (paper["adversarial_image"][first], seen(paper, first)),
            (same["adversarial_image"][first], seen(same, first)),
        ]
        for examples in ours.values():
            mine = np.flatnonzero(examples["label"] == label)[:1]
            blank = np.zeros_like(examples["image"][0])
            row += [(examples["image"][i], "") for i in mine] or [(blank, "none")]
            row += [(examples["adversarial_image"][i], seen(examples, i)) for i in mine] or [
                (blank, "")
            ]
        if not rows:
            row = [
                (image, f"{header}\n{title}")
                for header, (image, title) in zip(headers, row, strict=True)
            ]
        rows.append(row)
        labels.append(f"{label} → {same['target_label'][first]}")
    caption = (
        "x: the original. Above each end what the oracle sees (? where its judges differ or doubt) "
        "and f1's confidence in the old label (or that f1 left it). The first example of each "
        f"class that the network gets right, first seed, preset {preset}."
    )
    with style():
        save_figure(filmstrips(rows, labels=labels, caption=caption), figure_paths, dpi=dpi)


if "snakemake" in globals():
    with job(snakemake) as run:
        plot_variants(
            paper_path=run.input.paper[0],
            ours_paths=dict(zip(run.params.targets, run.input.ours, strict=True)),
            shown=run.params.shown,
            figure_paths=list(run.output),
            dpi=run.params.dpi,
            preset=run.params.preset,
        )
