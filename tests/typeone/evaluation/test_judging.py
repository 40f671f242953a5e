"""Judged rows say what networks see that can be read off an image."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from typeone.evaluation.judging import confidence_at, digit_trace, image_distances, judge_digits
from typeone.evaluation.oracle import Ensemble


class Pixel(nn.Module):
    """Sees the class in one pixel of an image: class c is the grey level 20 c."""

    def __init__(self, place, sharpness=100.0):
        super().__init__()
        self.place, self.sharpness = place, sharpness

    def forward(self, images):
        label = (images[:, 0, 0, self.place] * 255 / 20).round().long()
        return self.sharpness * F.one_hot(label, 10).float()


F1, JUDGE = Pixel(0), Pixel(1)
LATENT_IS_ITS_LABEL = SimpleNamespace(
    classify=lambda latent: F.one_hot(latent[:, 0].long(), 10),
    # binarised: whether the third pixel is bright
    encode=lambda images: (7.0 * images[:, 0, 0, 2:3], None),
)


def digits(f1, oracle, bright=0):
    """Images uint8 in which f1 sees ``f1``, the oracle ``oracle`` and f2 7 where it is bright."""
    images = np.zeros((len(f1), 1, 28, 28), dtype=np.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = 20 * np.array(f1), 20 * np.array(oracle)
    images[:, 0, 0, 2] = bright
    return images


def judged(members=(JUDGE, JUDGE), **columns):
    rows = {"label": np.array([1, 1, 1]), "image": digits([1, 1, 1], [1, 1, 1]), **columns}
    return judge_digits(
        rows,
        f1=F1,
        svae=LATENT_IS_ITS_LABEL,
        oracle=Ensemble(members),
        members=[f"judge{i}" for i in range(len(members))],
        clear_confidence=0.8,
        device="cpu",
    )


TYPE1 = {
    # f1 keeps 1 twice; the oracle sees the target, the old label, another digit
    "adversarial_image": digits([1, 1, 4], [2, 1, 3], bright=np.array([255, 0, 0])),
    "target_label": np.array([2, 2, 2]),
    "latent_end": np.array([[2.0], [1.0], [9.0]], dtype=np.float32),
}


def test_every_network_judges_the_stored_image():
    rows = judged(**TYPE1)
    views = {
        "f1_label_before": [1, 1, 1],
        "f1_label_after": [1, 1, 4],
        "f2_latent_label": [2, 1, 9],
        "f2_image_label": [7, 0, 0],
        "oracle_label_before": [1, 1, 1],
        "oracle_label": [2, 1, 3],
        "oracle_judge1_label": [2, 1, 3],
        "oracle_clear": [True, True, True],
    }
    assert {name: rows[name].tolist() for name in views} == views
    assert rows["f1_confidence_after"].tolist() == pytest.approx([1, 1, 0])  # at the label


def test_type1_succeeds_where_f1_keeps_the_label_and_the_oracle_does_not():
    rows = judged(**TYPE1)
    assert rows["type1_success_oracle"].tolist() == [True, False, False]
    assert rows["type1_targeted_oracle"].tolist() == [True, False, False]
    assert rows["type1_success_f2"].tolist() == [True, True, False]
    assert "type2_success_oracle" not in rows


def test_judges_that_disagree_make_no_clear_success():
    rows = judged((JUDGE, JUDGE, Pixel(3)), **TYPE1)
    assert rows["type1_success_oracle"].tolist() == [True, False, False]
    assert not rows["type1_success_clear"].any()


def test_type2_is_judged_where_an_attack_says_what_it_found():
    changed = digits([4, 4, 1], [1, 3, 1])
    rows = judged(adversarial_image=changed, found=np.array([True, True, True]))
    assert rows["found_stored"].tolist() == [True, True, False]
    assert rows["type2_success_oracle"].tolist() == [True, False, False]
    assert "type1_targeted_oracle" not in rows
    assert "f2_latent_label" not in rows


def test_a_trace_tells_f1s_confidence_at_the_original_label():
    trace = {"position": np.array([0, 2, 2]), "image": digits([5, 6, 5], [0, 0, 0])}
    rows = digit_trace(trace, np.array([5, 0, 6]), F1, "cpu")
    assert rows["label"].tolist() == [5, 6, 6]
    assert rows["f1_confidence"].tolist() == pytest.approx([1, 1, 0])


def test_distances_of_two_images_by_hand():
    before, after = torch.zeros(2, 1, 2, 2), torch.zeros(2, 1, 2, 2)
    after[0, 0, 0] = torch.tensor([0.3, -0.4])
    found = image_distances(before, after)
    assert found["distance_l2"].tolist() == pytest.approx([0.5, 0])
    assert found["distance_linf"].tolist() == pytest.approx([0.4, 0])


def test_the_confidence_is_that_of_each_images_own_label():
    probabilities = torch.tensor([[0.1, 0.9], [0.8, 0.2]])
    assert confidence_at(probabilities, np.array([1, 0])).tolist() == pytest.approx([0.9, 0.8])
