"""Rates of a detector are of the digits that its thresholds were not fitted on."""

import numpy as np
import pandas as pd
import pytest

from typeone.evaluation.detection import detection_tables, face_detection_rows, pivoted

ATTACKED = [0, 1, 2, 3]


def scores_of(attack, index, score, right=True, counted=True):
    rows = {"attack": attack, "index": index, "squeezer": "joint", "metric": "l1"}
    return pd.DataFrame({**rows, "score": score, "f1_right": right, "counted": counted})


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


def test_what_an_attack_did_not_find_is_no_adversarial_image():
    """Two of four attacks failed: their originals, of score 0, are in no rate and no curve."""
    clean = scores_of("clean", np.arange(24), np.arange(24.0))
    some = scores_of("pgd", ATTACKED, [100.0, 0.0, 100.0, 0.0], counted=[True, False, True, False])
    none = scores_of("ead", [4, 5], 0.0, counted=False)
    how = {"zetas": [2.0], "false_positive_rates": [0.2], "seed": 0}
    rates, curves = detection_tables(pd.concat([clean, some, none]), **how)
    assert set(rates["attack"]) == {"clean", "original", "pgd"}
    assert rates.loc[rates["attack"] == "pgd", ["rate", "n"]].values.tolist() == [[1, 2], [1, 2]]
    assert curves["auc"].unique().tolist() == [1.0]
    # but no threshold is fitted on a digit that an attack started from: 24 less six in halves
    assert rates.loc[rates["attack"] == "original", "n"].unique().tolist() == [6]
    fitted = rates[(rates["attack"] == "clean") & (rates["threshold"] == "false_positive_rate")]
    assert fitted["n"].tolist() == [9]


def test_a_leak_between_fit_and_test_would_show():
    """Flag no fitted digit: others are flagged just where the highest of all was not fitted on."""
    clean = scores_of("clean", np.arange(24), np.arange(24.0))
    attacked = scores_of("pgd", ATTACKED, 22.5)
    highest_is_tested = []
    for seed in range(20):
        how = {"zetas": [], "false_positive_rates": [0.0], "seed": seed}
        rates, curves = detection_tables(pd.concat([clean, attacked]), **how)
        rates = rates.set_index("attack")
        zeta, flagged = rates.loc["clean", ["zeta", "rate"]]
        # just above the highest score that it was fitted on, which is one of 4 to 23
        fitted = int(np.floor(zeta))
        assert zeta == np.nextafter(fitted, np.inf)
        tested = fitted < 23
        assert flagged == pytest.approx((23 - fitted) / 10 if tested else 0)
        # an attacked digit lies below the highest alone, of the ten that are negatives
        (area,) = set(curves["auc"])
        assert area == pytest.approx(0.9 if tested else 1.0)
        highest_is_tested.append(tested)
    # a fair coin: all alike once in 500,000 draws
    assert len(set(highest_is_tested)) == 2


def test_the_halves_are_apart_and_hold_no_attacked_digit():
    """Shares of one digit in the rates add up: each half has its own ten of the twenty."""
    clean = scores_of("clean", np.arange(24), np.arange(24.0))
    attacked = scores_of("pgd", ATTACKED, 100.0)
    scores = pd.concat([clean, attacked])
    shares = [k / 10 for k in range(11)]
    for seed in range(5):
        how = {"zetas": [], "false_positive_rates": shares, "seed": seed}
        rates, _ = detection_tables(scores, **how)
        shown = rates[rates["attack"] == "clean"].sort_values("nominal")
        # ten thresholds, each just above a fitted digit; the last one is below all
        fitted = {int(np.floor(zeta)) for zeta in shown["zeta"]}
        others = set(range(4, 24)) - fitted
        assert len(fitted & set(range(4, 24))) == 10
        assert not fitted & set(ATTACKED)
        for zeta, value in zip(shown["zeta"], shown["rate"], strict=True):
            assert value == pytest.approx(sum(i >= zeta for i in others) / 10)


def test_a_threshold_of_faces_is_fitted_on_validation_faces_alone():
    shown = {"validation": [1.0, 2, 3, 4], "clean": [5.0, 6, 7, 8], "pgd": [0.0, 9, 9, 9]}
    scores = pd.DataFrame(
        [
            {"attack": name, "squeezer": "median_3x3", "score": score}
            for name, values in shown.items()
            for score in values
        ]
    )
    names = {"clean": "a", "pgd": "b"}
    how = {"ids": names, "labels": names, "source": "drawn", "zeta": 6.0, "seed": 0}
    rows = list(face_detection_rows(scores, **how, false_positive_rate=0.25))
    fitted = {row["attack"]: row for row in rows if row["threshold"] == "fitted"}
    # one of the four validation faces may be flagged: just above 3, below all clean test faces
    assert fitted["clean"]["zeta"] == np.nextafter(3, np.inf)
    assert {name: row["value"] for name, row in fitted.items()} == {"clean": 1.0, "pgd": 0.75}
    published = {row["attack"]: row["value"] for row in rows if row["threshold"] == "zeta"}
    assert published == {"clean": 0.75, "pgd": 0.75}
