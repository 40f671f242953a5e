"""Fig. 8 shows what is stored."""

import runpy
from pathlib import Path

import numpy as np

SCRIPT = Path(__file__).parents[2] / "scripts" / "plot_figure8.py"


def test_figure8_shows_a_pair_a_class_and_successes_before_others():
    rows = {
        "label": np.array([2, 2, 0, 2, 0, 1]),
        "type1_success_oracle": np.array([0, 1, 0, 1, 0, 0], bool),
        "type1_success_clear": np.array([0, 0, 0, 1, 0, 0], bool),
    }
    shown = runpy.run_path(str(SCRIPT))["shown"]
    # of class 2 the clear success, of class 0 the first; then the next ones, success first
    assert shown(rows, "type1", 3).tolist() == [2, 5, 3]
    assert sorted(shown(rows, "type1", 4).tolist()) == [1, 2, 3, 5]
    assert len(shown(rows, "type1", 9)) == 6
