"""Fig. 9: faces on the way through the latent space of a large generator (IV-E)."""

import matplotlib.pyplot as plt
import numpy as np

from typeone.reporting.plotting import add_caption, save_figure, show_image, style
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.job import job


def plot_figure9(
    *, example_paths, frame_paths, measurements_path, figure_paths, name, threshold, dpi, caption
):
    """Draw a row an attack: the start left, the end right, FaceNet's distance beside it."""
    rows = [
        (read_parquet(a), read_parquet(b)) for a, b in zip(example_paths, frame_paths, strict=True)
    ]
    measured = read_parquet(measurements_path).frame().set_index("id")
    columns = max(len(frames) for _, frames in rows)
    with style():
        figure, grid = plt.subplots(
            len(rows), columns, figsize=(7.0, 7.0 / columns * len(rows)), squeeze=False
        )
        for line, (example, frames) in zip(grid, rows, strict=True):
            for axes in line:
                axes.axis("off")
            for axes, image, step in zip(line, frames["image"], frames["step"], strict=False):
                axes.axis("on")
                show_image(axes, image, title=f"step {step}")
            line[-1].text(
                *(1.08, 0.5, f"{example['distance'][0]:.4f}"),
                **{"transform": line[-1].transAxes, "va": "center", "fontsize": 8},
            )
        figure.subplots_adjust(left=0, right=0.92, bottom=0, top=1, wspace=0.04, hspace=0.16)
        apart = measured.loc["beyond.fig9.strangers.distance"]
        same = measured.loc["beyond.fig9.strangers.same"]
        walked = np.mean([example["latent_distance"][0] for example, _ in rows])
        add_caption(
            figure,
            f"Eq. 13 on the latent space of {name}, f1 FaceNet: left G(z), right G(z'), between "
            "them images of the way. At the right FaceNet's distance of both ends as stored, "
            f"{threshold} being its threshold for one person; z' ends {walked:.1f} away from z. "
            f"Two faces of {name} at random are {apart['value']:.2f} apart in the mean, and one "
            f"person to FaceNet in {100 * same['value']:.0f} % of {same['n']:.0f} pairs; {caption}",
        )
        save_figure(figure, figure_paths, dpi=dpi)


if "snakemake" in globals():
    with job(snakemake) as run:
        plot_figure9(
            example_paths=run.input.examples,
            frame_paths=run.input.frames,
            measurements_path=run.input.measurements,
            figure_paths=list(run.output),
            **run.params.drawn,
        )
