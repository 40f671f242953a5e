"""Fig. 9: faces along the attack in the latent space of a large generator (IV-E)."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from typeone.evaluation.style_generators import FEW
from typeone.reporting.plotting import add_caption, show_image, style
from typeone.runtime.artifacts import Records


@style()
def figure9(
    walks: Sequence[tuple[Records, Records]],
    measurements: pd.DataFrame,
    *,
    name: str,
    threshold: float,
    caption: str,
) -> Figure:
    """Draw one row per attack: the start left, the end right, FaceNet's distance beside it.

    ``walks``: example and frames of each attack.
    """
    columns = max(len(frames) for _, frames in walks)
    figure, grid = plt.subplots(
        len(walks), columns, figsize=(7.0, 7.0 / columns * len(walks)), squeeze=False
    )
    for line, (example, frames) in zip(grid, walks, strict=True):
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
    measured = measurements.set_index("id")
    apart = measured.loc["beyond.fig9.strangers.distance"]
    same = measured.loc["beyond.fig9.strangers.same"]
    fair = measured.loc["beyond.fig9.strangers.fair_threshold"]
    walked = np.mean([example["latent_distance"][0] for example, _ in walks])
    add_caption(
        figure,
        f"Eq. 13 on the latent space of {name}, f1 FaceNet: left G(z), right G(z'), between "
        "them images of the way. At the right FaceNet's distance of both ends as stored, "
        f"{threshold} being its threshold for one person; z' ends {walked:.1f} away from z. "
        f"Two faces of {name} at random are {apart['value']:.2f} apart in the mean, and one "
        f"person to FaceNet in {100 * same['value']:.0f} % of {same['n']:.0f} pairs; "
        f"{100 * FEW:.0f} % of these pairs are nearer than {fair['value']:.3f}; {caption}",
    )
    return figure
