"""Judged rows say what networks see that can be read off an image."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from typeone.evaluation.judging import (
    Classifier,
    Recognizer,
    confidence_at,
    image_distances,
    judge,
    judge_trace,
)
from typeone.evaluation.panels import Panel


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
    read=lambda images: (images > 0.5).float(),
    encode=lambda images: (7.0 * images[:, 0, 0, 2:3], None),
)


def digits(f1, oracle, bright=0):
    """Images uint8 in which f1 sees ``f1``, the oracle ``oracle`` and f2 7 where it is bright."""
    images = np.zeros((len(f1), 1, 28, 28), dtype=np.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = 20 * np.array(f1), 20 * np.array(oracle)
    images[:, 0, 0, 2] = bright
    return images


def judged(members=(JUDGE, JUDGE), clean=None, **columns):
    rows = {"label": np.array([1, 1, 1]), "image": digits([1, 1, 1], [1, 1, 1]), **columns}
    return judge(
        rows,
        f1=Classifier(F1),
        svae=LATENT_IS_ITS_LABEL,
        panel=Panel(members, classes=10),
        members=[f"judge{i}" for i in range(len(members))],
        clear_confidence=0.8,
        clean=clean,
        device="cpu",
    )


TYPE1 = {
    # f1 keeps 1 twice; the oracle sees the target, the old label, another digit
    # f2 reads binarised images: 200 is bright, 100 is dark
    "adversarial_image": digits([1, 1, 4], [2, 1, 3], bright=np.array([200, 100, 0])),
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
        "judge_label_before": [1, 1, 1],
        "judge_label": [2, 1, 3],
        "judge_judge1_label": [2, 1, 3],
        "judge_clear": [True, True, True],
    }
    assert {name: rows[name].tolist() for name in views} == views
    assert rows["f1_confidence_after"].tolist() == pytest.approx([1, 1, 0])  # at the label


def test_type1_succeeds_where_f1_keeps_the_label_and_the_oracle_does_not():
    rows = judged(**TYPE1)
    assert rows["type1_success_oracle"].tolist() == [True, False, False]
    assert rows["type1_targeted_oracle"].tolist() == [True, False, False]
    assert rows["type1_success_f2"].tolist() == [True, True, False]
    assert "type2_success_oracle" not in rows


@pytest.mark.parametrize(
    ("odd", "noisy", "clean"),
    [
        ([0, 0, 0], [0, 0, 0], [True, False, False]),
        ([1, 0, 0], [0, 0, 0], [False, False, False]),
        ([0, 0, 0], [1, 0, 0], [False, False, False]),
    ],
)
def test_a_clean_success_is_clear_and_neither_odd_nor_noisy(odd, noisy, clean):
    columns = {"odd": np.array(odd, bool), "noisy": np.array(noisy, bool)}
    rows = judged(**TYPE1, clean=SimpleNamespace(columns=lambda images, classes: columns))
    assert rows["type1_success_clean"].tolist() == clean
    assert rows["type1_success_clear"].tolist() == [True, False, False]
    assert "type1_success_clean" not in judged(**TYPE1)


class Says(nn.Module):
    """Gives every image the same probabilities."""

    def __init__(self, *probabilities):
        super().__init__()
        self.register_buffer("logits", torch.tensor(probabilities).log())

    def forward(self, images):
        return self.logits.expand(len(images), -1)


@pytest.mark.parametrize(
    ("members", "clear"),
    [
        ([(0.1, 0.9), (0.1, 0.9)], True),
        ([(0.1, 0.9), (0.25, 0.75)], True),
        ([(0.1, 0.9), (0.32, 0.68)], False),  # a mean of 0.79
        # one of three disagrees, though the mean of the three is 0.81
        ([(0.01, 0.99), (0.01, 0.99), (0.55, 0.45)], False),
        ([(0.55, 0.45), (0.01, 0.99), (0.01, 0.99)], False),
        ([(0.01, 0.99), (0.01, 0.99), (0.45, 0.55)], True),
        # one agrees, two do not
        ([(0.0001, 0.9999), (0.51, 0.49), (0.51, 0.49)], False),
    ],
)
def test_a_panel_is_clear_when_all_agree_and_their_mean_is_sure(members, clear):
    panel = Panel([Says(*p) for p in members], classes=2)
    found = panel.verdict(torch.zeros(2, 1, 1, 1), clear_confidence=0.8)
    mean = np.mean([p[1] for p in members])
    assert found.label.tolist() == [1, 1]
    assert found.confidence.tolist() == pytest.approx([mean] * 2, abs=1e-6)  # float32
    assert found.clear.tolist() == [clear] * 2


def test_a_panel_of_faces_is_clear_only_about_faces():
    """The third answer is no face; the classes are judged as if it did not exist."""
    for nothing, shows, clear in ((0.1, True, True), (0.3, True, False), (0.6, False, False)):
        face = 1 - nothing
        panel = Panel([Says(0.05 * face, 0.95 * face, nothing)] * 2, classes=2)
        found = panel.verdict(torch.zeros(1, 1, 1, 1), clear_confidence=0.8)
        assert found.confidence.item() == pytest.approx(0.95, abs=1e-6)  # float32
        assert (found.shows_class.item(), found.clear.item()) == (shows, clear)


def test_f2_reads_both_images_binarised():
    """100 and 200 are 0 and 1 to it; as grey levels they would be 2 and 5 of 7."""
    dim, bright = (digits([1, 1, 1], [1, 1, 1], bright=level) for level in (100, 200))
    rows = judged(image=dim, adversarial_image=bright)
    assert rows["f2_label_before"].tolist() == [0, 0, 0]
    assert rows["f2_image_label"].tolist() == [7, 7, 7]


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
    examples = {"label": np.array([5, 0, 6]), "image": digits([5, 0, 6], [0, 0, 0])}
    rows = judge_trace(trace, examples, Classifier(F1), "cpu")
    assert rows["label"].tolist() == [5, 6, 6]
    assert rows["f1_confidence"].tolist() == pytest.approx([1, 1, 0])


def faces(*people):
    """Images uint8 of one grey level each, which is the angle of its embedding."""
    return np.array(people, dtype=np.uint8)[:, None, None, None] * np.ones((3, 8, 8), np.uint8)


def embedding(images):
    angle = images[:, 0, 0, 0]
    return torch.stack([angle.cos(), angle.sin()], dim=1)


class Gender(nn.Module):
    """Sees a man in bright faces, and no face in black ones."""

    def forward(self, images):
        level = images[:, 0, 0, 0]
        return 50 * torch.stack([0.5 - level, level - 0.5, (level == 0).float()], dim=1)


def test_a_recognizer_gives_distances_and_judges_see_the_other_gender_or_no_face():
    rows = judge(
        {
            "label": np.array([1, 1, 0]),
            "image": faces(255, 255, 51),
            "adversarial_image": faces(51, 0, 51),
        },
        f1=Recognizer(embedding, batch=2),
        svae=LATENT_IS_ITS_LABEL,
        panel=Panel([Gender()], classes=2, batch=2),
        members=["gender"],
        clear_confidence=0.8,
        clean=None,
        device="cpu",
    )
    turned = [2 * np.sin(0.4), 2 * np.sin(0.5), 0]  # chords of 0.8, 1 and 0
    assert rows["distance"].tolist() == pytest.approx(turned, abs=1e-3)
    assert rows["judge_label"].tolist() == [0, 0, 0]
    assert rows["shows_class"].tolist() == [True, False, True]
    assert rows["gender_changed"].tolist() == [True, False, False]
    assert "type1_success_oracle" not in rows  # the same person depends on a threshold


def test_a_trace_of_faces_tells_the_distance_from_the_original():
    trace = {"position": np.array([1, 0]), "image": faces(255, 51)}
    examples = {"label": np.array([1, 1]), "image": faces(51, 255)}
    rows = judge_trace(trace, examples, Recognizer(embedding, batch=2), "cpu")
    assert rows["distance"].tolist() == pytest.approx([0, 0])


def test_distances_of_two_images_by_hand():
    before, after = torch.zeros(2, 1, 2, 2), torch.zeros(2, 1, 2, 2)
    after[0, 0, 0] = torch.tensor([0.3, -0.4])
    found = image_distances(before, after)
    assert found["distance_l2"].tolist() == pytest.approx([0.5, 0])
    assert found["distance_linf"].tolist() == pytest.approx([0.4, 0])


def test_the_confidence_is_that_of_each_images_own_label():
    probabilities = torch.tensor([[0.1, 0.9], [0.8, 0.2]])
    assert confidence_at(probabilities, np.array([1, 0])).tolist() == pytest.approx([0.9, 0.8])
