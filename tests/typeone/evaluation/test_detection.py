"""Rates of a detector are of the digits that its thresholds were not fitted on."""

import numpy as np
import pandas as pd
import pytest

from typeone.evaluation.detection import detection_tables, pivoted

ATTACKED = [0, 1, 2, 3]


def scores_of(attack, index, score, right=True):
    rows = {"attack": attack, "index": index, "squeezer": "joint", "metric": "l1"}
    return pd.DataFrame({**rows, "score": score, "f1_right": right})


@pytest.fixture
def tables():
    """24 clean digits that score 0 to 23, of which four are attacked and score 100."""
    clean = scores_of("clean", np.arange(24), np.arange(24.0), np.arange(24) != 23)
    attacked = scores_of("pgd", ATTACKED, [100.0, 100.0, 100.0, 1.0])
    how = {"zetas": [2.0], "false_positive_rates": [0.2], "seed": 0}
    return detection_tables(pd.concat([clean, attacked]), **how)


def test_a_pivoted_table_has_a_row_a_digit():
    rows = pd.concat([scores_of("a", [4, 7], [1.0, 2.0]), scores_of("a", [4], [5.0])])
    rows.iloc[2, rows.columns.get_loc("metric")] = "l2"
    table = pivoted(rows)
    assert table.index.tolist() == [4, 7]
    assert table["joint", "l1"].tolist() == [1, 2]
    assert table["joint", "l2"][4] == 5


def test_published_thresholds_are_held_against_all_clean_digits(tables):
    rates = tables[0]
    at_zeta = rates[rates["threshold"] == "zeta"].set_index("attack")
    assert at_zeta["n"].to_dict() == {"clean": 24, "original": 4, "pgd": 4}
    assert at_zeta.loc["clean", "rate"] == pytest.approx(22 / 24)  # 0 and 1 lie below
    assert at_zeta["rate"].to_dict()["original"] == 0.5
    assert at_zeta["rate"].to_dict()["pgd"] == 0.75


def test_fitted_thresholds_are_held_against_the_other_half(tables):
    rates, curves = tables
    fitted = rates[rates["threshold"] == "false_positive_rate"].set_index("attack")
    # 24 less four attacked and one that f1 misreads are 19, in halves of 10 and 9
    assert fitted.loc["clean", "n"] == 9
    assert (fitted["zeta"] > 4).all()
    assert fitted.loc["pgd", "rate"] == 0.75
    assert set(curves["attack"]) == {"pgd"}
    # three attacked digits are above all clean ones, one below
    assert curves["auc"].unique().tolist() == [0.75]
