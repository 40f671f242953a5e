"""The table of Type I attacks counts what the judged examples say."""

import pandas as pd
import pytest

from typeone.evaluation.intervals import rate_of
from typeone.reporting.tables.attacks import attacks_table

FLAGS = ("oracle", "targeted", "clear", "clean")


def examples(attack, target, *, kept, true, clean, blind=None):
    """Four examples; f1 keeps the first ``kept``, the judges leave y in the first ``true``."""
    rows = pd.DataFrame(
        {
            **{"attack": attack, "target": target, "seed": 1, "label": 3},
            "f1_label_after": [3 if i < kept else 5 for i in range(4)],
            "type1_success_oracle": [i < true for i in range(4)],
            "type1_targeted_oracle": [i < true - 1 for i in range(4)],
            "type1_success_clear": [i < true - 1 for i in range(4)],
            "type1_success_clean": [i < clean for i in range(4)],
            "odd": [i == 3 for i in range(4)],
            "noisy": [i >= 2 for i in range(4)],
            "distance_l2": [1.0, 2.0, 3.0, 4.0],
        }
    )
    return rows if blind is None else rows.assign(gradient_vanishes=[i < blind for i in range(4)])


def rates(*rows):
    columns = ("attack", "target", "squeezer", "metric", "threshold", "nominal", "rate", "n")
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(seed=1, shared=1.0)


FOUND = rates(
    ("ours", "mlp", "joint", "l2", "false_positive_rate", 0.05, 0.75, 4),
    ("ours", "mlp", "joint", "l2", "false_positive_rate", 0.1, 1.0, 4),
    ("ours", "mlp", "joint", "l1", "false_positive_rate", 0.05, 1.0, 4),
    ("ours", "mlp", "joint", "l2", "zeta", 0.05, 1.0, 4),
    ("ours", "mlp", "median", "l2", "false_positive_rate", 0.05, 1.0, 4),
    ("ours", "cnn", "joint", "l2", "false_positive_rate", 0.05, 1.0, 4),
)


def test_each_measure_is_counted_once_with_its_interval():
    table = examples("ours", "mlp", kept=4, true=3, clean=1)
    rows, body = attacks_table(table, FOUND, labels={"ours": "Ours"}, false_positive_rate=0.05)
    found = rows.set_index("measure")
    counted = {"kept": 4, "true": 3, "targeted": 2, "clear": 2, "clean": 1, "odd": 1, "noisy": 2}
    for measure, count in {**counted, "found": 3}.items():
        expected = rate_of(count, 4)
        assert found.loc[measure, ["value", "low", "high", "n"]].tolist() == list(expected[:4])
    assert found.loc["distance", "value"] == 2.5
    assert body.loc[0, ["target", "attack", "n"]].tolist() == ["mlp", "Ours", "4"]
    assert body.loc[0, "clean"].startswith("0.250 [")
    assert body.loc[0, "detected"].startswith("0.750 [")


def test_rows_keep_the_order_of_the_examples():
    table = pd.concat(
        [
            examples("ours", "lenet", kept=4, true=3, clean=1),
            examples("level_set", "mlp", kept=4, true=0, clean=0, blind=0),
            examples("ours", "mlp", kept=2, true=1, clean=0),
        ]
    )
    _, body = attacks_table(table, FOUND, labels={}, false_positive_rate=0.05)
    order = [("lenet", "ours"), ("mlp", "level_set"), ("mlp", "ours")]
    assert list(zip(body["target"], body["attack"], strict=True)) == order
    assert body["detected"].tolist()[:2] == ["not measured"] * 2  # the detector saw neither


@pytest.mark.parametrize(("blind", "measured"), [(0, True), (1, False), (4, False)])
def test_an_attack_without_a_gradient_is_not_measured(blind, measured):
    """One of four is above the tenth that is let pass."""
    table = examples("ours", "mlp", kept=4, true=3, clean=1, blind=blind)
    rows, body = attacks_table(table, FOUND, labels={}, false_positive_rate=0.05)
    assert bool(len(rows)) is measured
    assert (body.loc[0, "clean"] == "not measured") is not measured


def test_without_a_fitted_threshold_detection_is_not_measured():
    table = examples("ours", "mlp", kept=4, true=3, clean=1)
    rows, body = attacks_table(table, FOUND, labels={}, false_positive_rate=None)
    assert "found" not in set(rows["measure"])
    assert body.loc[0, "detected"] == "not measured"
