"""Half of the examples is learnt, the other half never, and no learnt digit is in a test."""

import numpy as np
import pytest
import torch

from typeone.defenses.retraining import learnt_half, with_attacked
from typeone.evaluation.held_out import unseen_test_digits
from typeone.models.classifiers import build_classifier
from typeone.runtime.artifacts import save_model
from typeone.runtime.errors import InputError


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("count", "half"), [(2, 1), (3, 1), (10, 5), (101, 50)])
def test_half_is_learnt(count, half):
    learnt = learnt_half(count, seeded())
    assert learnt.shape == (count,)
    assert learnt.sum() == half


def test_every_example_is_learnt_as_often_as_held_out():
    shares = np.mean([learnt_half(6, seeded(seed)) for seed in range(1000)], axis=0)
    # a half of 1000 draws, within four standard deviations
    assert shares == pytest.approx([0.5] * 6, abs=4 * np.sqrt(0.25 / 1000))


def test_the_generator_decides_the_half():
    assert (learnt_half(40, seeded()) == learnt_half(40, seeded())).all()
    assert (learnt_half(40, seeded()) != learnt_half(40, seeded(1))).any()


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_to_split_are_refused(count):
    with pytest.raises(InputError, match=rf"^retraining has {count} examples .* attack more"):
        learnt_half(count, seeded())


def test_copies_stand_behind_the_digits_under_their_targets():
    images, labels = torch.rand(5, 1, 4, 4, generator=seeded()), torch.arange(5)
    attacked, targets = torch.rand(2, 1, 4, 4, generator=seeded(1)), torch.tensor([7, 8])
    all_images, all_labels = with_attacked(images, labels, attacked, targets, copies=3)
    assert all_images.shape == (11, 1, 4, 4)
    assert torch.equal(all_images[:5], images)
    assert all_labels.tolist() == [0, 1, 2, 3, 4, 7, 8, 7, 8, 7, 8]
    for i in (5, 7, 9):
        assert torch.equal(all_images[i : i + 2], attacked)


def test_a_checkpoint_tells_which_test_digits_it_may_be_tested_on(tmp_path):
    path, numbers = tmp_path / "model.safetensors", np.array([4, 9, 2])
    note = {"architecture": "mlp"}
    save_model(path, build_classifier("mlp"), metadata=note)
    assert unseen_test_digits(path, numbers).all()
    save_model(path, build_classifier("mlp"), metadata=note | {"trained_test_digits": [2, 3, 4]})
    assert unseen_test_digits(path, numbers).tolist() == [False, True, False]
