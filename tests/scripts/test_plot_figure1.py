"""Fig. 1 is drawn of whatever there is."""

import runpy
from pathlib import Path

import numpy as np

from typeone.runtime.artifacts import write_parquet

SCRIPTS = Path(__file__).parents[2] / "scripts"
POSITIVE = 3


def images(*brightness):
    stored = np.zeros((len(brightness), 1, 28, 28), dtype=np.uint8)
    stored[:, 0, 0, 0] = brightness
    return stored


def judged(brightness, judge_label, clear, label=POSITIVE):
    n = len(brightness)
    return {
        "label": np.full(n, label),
        "adversarial_image": images(*brightness),
        "judge_label": np.array(judge_label),
        "judge_clear": np.array(clear),
    }


def test_a_figure_is_drawn_where_no_attack_succeeded(tmp_path):
    """Curves and digits of what there is not are left out."""
    plot_figure1 = runpy.run_path(str(SCRIPTS / "plot_figure1.py"))["plot_figure1"]
    paths = {name: tmp_path / f"{name}.parquet" for name in ("curves", "rows", "one", "two")}
    write_parquet(
        paths["curves"],
        {"attack": ["clean"] * 2, "counted": ["oracle"] * 2, "fpr": [0.0, 1.0], "tpr": [0.0, 1.0]}
        | {"seed": [1, 1]},
    )
    ids = [f"beyond.fig1.clean.{name}" for name in ("tpr", "fpr", "auc")]
    columns = {k: [0.5] * 3 for k in ("value", "low", "high")}
    write_parquet(paths["rows"], {"id": ids, "seed": [1] * 3, "n": [9] * 3, **columns})
    table = judged([200, 60], [3, 8], [True, True]) | {"index": [4, 5], "image": images(9, 9)}
    nothing = np.zeros(2, dtype=bool)
    write_parquet(paths["one"], table | {"type1_success_clear": nothing})
    write_parquet(paths["two"], table | {"type2_success_oracle": nothing})
    plot_figure1(
        curves_path=paths["curves"],
        measurements_path=paths["rows"],
        type1_path=paths["one"],
        type2_path=paths["two"],
        figure_paths=[tmp_path / "figure1.png"],
        positive=POSITIVE,
        type1=["paper"],
        type2=["ead", "pgd"],
        seed=1,
        dpi=40,
        preset="smoke",
    )
    assert (tmp_path / "figure1.png").stat().st_size > 1000
