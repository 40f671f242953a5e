"""Outputs of networks in batches, and the labels in them."""

import pytest
import torch

from typeone.evaluation.success import label_changed, type1_success, type2_success
from typeone.models.predictions import NO_LABEL, labels_of, predict
from typeone.training.error_rates import error_rate

INF, NAN = torch.inf, torch.nan
OUTPUTS = torch.tensor([[0.0, 2.0], [NAN, 1.0], [INF, 0.0], [-INF, 0.0], [-INF, -INF], [3.0, NAN]])
LABELS = [1, NO_LABEL, NO_LABEL, 1, NO_LABEL, NO_LABEL]


def test_a_row_without_a_softmax_has_no_label():
    assert labels_of(OUTPUTS).tolist() == LABELS


@pytest.mark.parametrize("label", [0, 1])
def test_no_success_rests_on_a_missing_label(label):
    after = labels_of(OUTPUTS).numpy()
    wanted = [said != NO_LABEL and said != label for said in LABELS]
    given = torch.full((6,), label).numpy()
    assert label_changed(given, after).tolist() == wanted
    assert type2_success(given, after, given).tolist() == wanted
    other = given + 1
    assert type1_success(given, after, other).tolist() == [said == label for said in LABELS]


def test_a_missing_label_is_an_error():
    rows = torch.arange(6)
    for label in (0, 1):
        wrong = error_rate(lambda some: OUTPUTS[some], rows, torch.full((6,), label))
        assert wrong == pytest.approx(sum(said != label for said in LABELS) / 6)


def test_batches_are_joined_in_order():
    found = predict(lambda part: part * 2, torch.arange(7.0), batch=3)
    assert found.tolist() == [0, 2, 4, 6, 8, 10, 12]
