"""Fig. 8 shows what is stored."""

import numpy as np

from typeone.reporting.figures.figure8 import shown_pairs


def test_figure8_shows_a_pair_a_class_and_successes_before_others():
    rows = {
        "label": np.array([2, 2, 0, 2, 0, 1]),
        "type1_success_oracle": np.array([0, 1, 0, 1, 0, 0], bool),
        "type1_success_clear": np.array([0, 0, 0, 1, 0, 0], bool),
    }
    # of class 2 the clear success, of class 0 the first; then the next ones, success first
    assert shown_pairs(rows, "type1", 3).tolist() == [2, 5, 3]
    assert sorted(shown_pairs(rows, "type1", 4).tolist()) == [1, 2, 3, 5]
    assert len(shown_pairs(rows, "type1", 9)) == 6
