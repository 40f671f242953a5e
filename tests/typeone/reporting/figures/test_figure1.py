"""Fig. 1 is drawn of whatever there is."""

from functools import partial

import numpy as np
import pandas as pd

from typeone.reporting.figures.figure1 import figure1
from typeone.reporting.plotting import save_figure
from typeone.runtime.artifacts import Records

from ...first_pixel import judged as judged_as
from ...first_pixel import of_brightness

POSITIVE = 3


judged = partial(judged_as, label=POSITIVE)


def test_a_figure_is_drawn_where_no_attack_succeeded(tmp_path):
    """Curves and digits of what there is not are left out."""
    curves = pd.DataFrame(
        {"attack": "clean", "counted": "oracle", "fpr": [0.0, 1.0], "tpr": [0.0, 1.0], "seed": 1}
    )
    ids = [f"beyond.fig1.clean.{name}" for name in ("tpr", "fpr", "auc")]
    columns = dict.fromkeys(("value", "low", "high"), 0.5)
    measurements = pd.DataFrame({"id": ids, "seed": 1, "n": 9, **columns})
    table = judged([200, 60], [3, 8], [True, True])
    table |= {"index": np.array([4, 5]), "image": of_brightness(9, 9)}
    nothing = np.zeros(2, dtype=bool)
    figure = figure1(
        curves,
        measurements,
        (
            Records(table | {"type1_success_clear": nothing}, {}),
            Records(table | {"type2_success_oracle": nothing}, {}),
        ),
        positive=POSITIVE,
        type1=["paper"],
        type2=["ead", "pgd"],
        seed=1,
        preset="smoke",
    )
    save_figure(figure, [tmp_path / "figure1.png"], dpi=40)
    assert (tmp_path / "figure1.png").stat().st_size > 1000
