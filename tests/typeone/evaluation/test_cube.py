"""Moves of the toy example are counted as they were made."""

import pandas as pd
import pytest
import torch

from typeone.evaluation.cube import classifier_measurements, feature_moves, move_measurements
from typeone.theory.cube import X1, X3, LinearClassifier


@pytest.fixture
def f1():
    """The classifier x1 + 2 x3, without training."""
    model = LinearClassifier((X1, X3))
    with torch.no_grad():
        model.linear.weight.copy_(torch.tensor([[1.0, 2.0]]))
        model.linear.bias.zero_()
    return model.requires_grad_(False)


# the second is a positive of f1 alone, the last of neither
POINTS = torch.tensor([[1.0, 1.0, 1.0], [1.0, -2.0, 1.0], [0.5, 0.5, 1.0], [-1.0, -1.0, -1.0]])


def by_id(rows):
    return pd.DataFrame(rows).set_index("id")["value"]


def test_only_true_positives_are_moved_and_each_along_one_feature(f1):
    moves = feature_moves("f1", f1, POINTS, overshoot=0.1)
    assert moves["sample"].tolist() == [0, 2, 0, 2]
    two, one = (moves[moves["type"] == kind] for kind in (2, 1))
    # x1 + 2 x3 = 0 at x3 = -1/2 and -1/4, x1 + x2 = 0 at x2 = -1 and -1/2
    assert two["x3_end"].tolist() == pytest.approx([-0.6, -0.35])
    assert one["x2_end"].tolist() == pytest.approx([-1.1, -0.6])
    assert (two["x2_end"] == two["x2"]).all()
    assert (one["x3_end"] == one["x3"]).all()


def test_a_move_succeeds_where_one_changes_its_mind_and_the_other_keeps_it(f1):
    moves = feature_moves("f1", f1, POINTS, overshoot=0.1)
    found = by_id(move_measurements("f1", moves, seed=3))
    assert found["beyond.toy.f1.type1.success"] == 1
    assert found["beyond.toy.f1.type2.success"] == 1
    # f1 does not read x2, f2 does not read x3
    assert found["beyond.toy.f1.type1.exact"] == 1
    assert found["beyond.toy.f1.type2.drift"] == 0
    assert found["beyond.toy.f1.type2.distance"] == pytest.approx((1.6 + 1.35) / 2)
    back = moves.assign(f1_after=moves["f1_before"])
    assert by_id(move_measurements("f1", back, seed=3))["beyond.toy.f1.type2.success"] == 0


def test_shares_of_squared_weights_and_accuracies_by_hand(f1):
    labels = torch.tensor([1, -1, 1, -1])  # f1 calls the second positive
    sets = dict.fromkeys(("train_accuracy", "test_accuracy", "cube_accuracy"), (POINTS, labels))
    found = by_id(classifier_measurements("f1", f1, sets, seed=3))
    assert found["beyond.toy.f1.train_accuracy"] == 0.75
    shares = [found[f"beyond.toy.f1.weight_x{i}"] for i in (1, 2, 3)]
    assert shares == pytest.approx([0.2, 0, 0.8])
