"""Attacks that know a real image of the target class, where the answer is known."""

import math

import pytest
import torch
from torch import nn

from typeone.attacks.real_targets import (
    level_set_traversal,
    nearest_images,
    random_images,
)
from typeone.attacks.type2 import Type2Settings, attack
from typeone.runtime.errors import InputError

from ..algorithm2 import f64, seeded

# ------------------------------------------------------------------------- the nearest image


def row_images(*rows):
    """Images of one row of pixels, ``(N, 1, 1, W)``."""
    return f64(*rows)[:, None, None, :]


def test_nearest_is_euclidean_and_of_the_target_class_only():
    candidates = row_images(
        [0.0, 0.0],  # of class 2, right at the first image
        [0.6, 0.0],  # from (0, 0): sum 0.6, Euclidean 0.6, largest 0.6
        [0.3, 0.4],  #              sum 0.7, Euclidean 0.5, largest 0.4
        [0.39, 0.39],  #            sum 0.78, Euclidean 0.55, largest 0.39
        [0.9, 1.0],
    )
    labels = torch.tensor([2, 1, 1, 1, 2])
    images = row_images([0.0, 0.0], [0.0, 0.0], [1.0, 1.0], [1.0, 1.0])
    targets = torch.tensor([1, 2, 1, 2])
    found = nearest_images(images, targets, candidates, labels)
    # from (1, 1) within class 1: squared 1.16, 0.85 and 0.7442
    assert torch.equal(found, candidates[[2, 0, 3, 4]])


def test_of_candidates_equally_near_the_first_is_taken():
    candidates = row_images([0.0, 0.5], [1.0, 0.5], [0.5, 0.0], [0.5, 1.0])
    image = row_images([0.5, 0.5])
    for labels, first in [([3, 3, 3, 3], 0), ([5, 3, 3, 3], 1), ([5, 5, 3, 3], 2)]:
        found = nearest_images(image, torch.tensor([3]), candidates, torch.tensor(labels))
        assert torch.equal(found, candidates[[first]])


def test_many_images_find_those_that_a_loop_over_all_pairs_finds():
    # more than 25 on both sides: torch then takes distances from a product of matrices
    images = torch.rand(60, 1, 4, 4, generator=seeded(0))
    candidates = torch.rand(120, 1, 4, 4, generator=seeded(1))
    labels, targets = torch.arange(120) % 2, torch.arange(60) % 2
    found = nearest_images(images, targets, candidates, labels)
    x, y = images.double().flatten(1).numpy(), candidates.double().flatten(1).numpy()
    for i in range(60):
        allowed = [j for j in range(120) if j % 2 == i % 2]
        # no two candidates are so near in distance that float32 could confuse them (asserted)
        squares = sorted((((x[i] - y[j]) ** 2).sum(), j) for j in allowed)
        assert squares[1][0] - squares[0][0] > 1e-5
        assert torch.equal(found[i], candidates[squares[0][1]])


def test_an_image_does_not_depend_on_its_companions():
    images = torch.rand(6, 1, 3, 3, generator=seeded(2))
    candidates = torch.rand(12, 1, 3, 3, generator=seeded(3))
    labels, targets = torch.arange(12) % 3, torch.tensor([2, 0, 2, 1, 0, 2])
    together = nearest_images(images, targets, candidates, labels)
    for i in range(6):
        alone = nearest_images(images[[i]], targets[[i]], candidates, labels)
        assert torch.equal(together[[i]], alone)


def test_a_class_without_examples_is_named():
    images = row_images([0.0, 1.0])
    with pytest.raises(InputError, match=r"no example of class 1 among 2; needs at least one"):
        nearest_images(images, torch.tensor([1]), images.repeat(2, 1, 1, 1), torch.tensor([0, 0]))


# ------------------------------------------------------------------------- a random image


def test_a_random_image_is_of_the_target_class_and_any_of_it():
    candidates = torch.arange(40.0).view(40, 1, 1, 1)
    labels, targets = torch.arange(40) % 4, torch.arange(400) % 2
    drawn = random_images(targets, candidates, labels, seeded(3))
    assert torch.equal(drawn.flatten().long() % 4, targets)
    # each of ten candidates is missed by 200 draws with a probability of 7e-10
    assert drawn.unique().tolist() == [v for v in range(40) if v % 4 < 2]
    assert torch.equal(drawn, random_images(targets, candidates, labels, seeded(3)))
    assert not torch.equal(drawn, random_images(targets, candidates, labels, seeded(4)))
    with pytest.raises(InputError, match="no example of class 7"):
        random_images(torch.tensor([7]), candidates, labels, seeded())


# ------------------------------------------------------------- noise on a real image


def linear(weights):
    """A classifier of images of one row, with logits ``weights`` x."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(weights.shape[1], len(weights)))
    model[1].bias.data.zero_()
    model[1].weight.data = weights.clone()
    return model.eval().requires_grad_(False)


CW = Type2Settings(method="cw_l2", searches=9, steps=300, step_size=0.01, confidence=1.0)


def test_noise_stops_where_f1_sees_the_label_with_the_margin():
    """Three classes of the first three pixels; the nearest point with a margin of 1 is known."""
    classifier = linear(4 * torch.eye(3, 6))
    real = torch.full((2, 1, 1, 6), 0.3)
    real[:, 0, 0, 0] = 0.7  # f1 sees 0
    labels = torch.tensor([1, 2])
    found = attack(classifier, real, labels, CW, targeted=True, seed=0)
    images = found.images
    assert not found.vanishing.any()
    logits = classifier(images)
    assert logits.argmax(dim=1).tolist() == [1, 2]
    margin = logits[torch.arange(2), labels] - logits[:, 0]
    assert (margin >= 1).all()  # and another class than the two that f1 confuses is not enough
    # x_0 - x_y must fall from 0.4 to -0.25, half of it by each: a length of 0.65 / sqrt(2)
    moved = (images - real).flatten(1).norm(dim=1)
    assert moved.tolist() == pytest.approx([0.65 / math.sqrt(2)] * 2, rel=0.03)  # 300 Adam steps
    others = (images - real).abs()[:, 0, 0, 3:]
    assert others.max() < 0.01


def test_where_noise_fails_the_real_image_stays():
    classifier = linear(torch.zeros(3, 6))
    real = torch.rand(2, 1, 1, 6, generator=seeded(1))
    labels = torch.tensor([1, 2])
    found = attack(classifier, real, labels, CW, targeted=True, seed=0)
    assert torch.equal(found.images, real)
    assert found.vanishing.all()


# ------------------------------------------------------------- the level set


HOW = {"steps": 400, "scale": 0.05, "correction": 0.0, "confidence_drop": 0.05}


def test_on_a_plane_the_walk_ends_at_the_projection_of_the_real_image():
    """f1 reads w x. Its level set is a plane, and the nearest point to the goal on it is known."""
    w = torch.tensor([0.6, -0.8, 0.0, 0.0])
    classifier = linear(torch.stack([w, -w]))
    images = torch.full((1, 1, 1, 4), 0.5)
    goal = torch.tensor([[[[0.7, 0.6, 0.1, 0.9]]]])
    ends = level_set_traversal(classifier, images, torch.tensor([0]), goal, **HOW)
    along = ((goal - images).flatten(1) @ w).view(1, 1, 1, 1)
    projected = goal - along * w
    # 0.95^400 of the way is left: 1e-9; roundings of float32
    torch.testing.assert_close(ends, projected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("margin", [20.0, 50.0, 80.0])
def test_where_f1_is_certain_the_projection_is_the_same(margin):
    """The gradient is e to the power of -margin there, and its square underflows."""
    w = torch.tensor([0.6, -0.8, 0.0, 0.0])
    classifier = linear(torch.stack([w, -w]))
    classifier[1].bias = nn.Parameter(torch.tensor([margin / 2, -margin / 2]), requires_grad=False)
    images = torch.full((1, 1, 1, 4), 0.5)
    goal = torch.tensor([[[[0.7, 0.6, 0.1, 0.9]]]])
    ends = level_set_traversal(classifier, images, torch.tensor([0]), goal, **HOW)
    along = ((goal - images).flatten(1) @ w).view(1, 1, 1, 1)
    torch.testing.assert_close(ends, goal - along * w, rtol=0, atol=1e-5)  # float32


def test_the_correction_accumulates_half_the_gradient_and_is_clipped():
    """Two steps by hand on a linear classifier of two classes with weights w and -w."""
    w = torch.tensor([1.0, -2.0, 0.0])
    classifier = linear(torch.stack([w, -w]))
    start, goal = torch.full((1, 1, 1, 3), 0.5), torch.full((1, 1, 1, 3), 0.5)
    bound = 0.1
    x, parallel = start.flatten().double(), torch.zeros(3, dtype=torch.float64)
    for steps in (1, 2):
        gradient = -2 * w.double() * torch.sigmoid(-2 * (w.double() @ x))  # of -log softmax at 0
        parallel = (parallel - 0.5 * bound * gradient).clamp(-bound, bound)
        towards = goal.flatten().double() - x
        towards = towards - (towards @ gradient) / (gradient @ gradient) * gradient
        x = (x + 0.5 * towards + parallel).clamp(0, 1)
        how = {"steps": steps, "scale": 0.5, "correction": bound, "confidence_drop": 1.0}
        ends = level_set_traversal(classifier, start, torch.tensor([0]), goal, **how)
        assert ends.flatten().tolist() == pytest.approx(x.tolist(), abs=1e-6)  # float32
    assert parallel.abs().max() == bound  # it was clipped
    before, after = (confidence(classifier, x, torch.tensor([0])) for x in (start, ends))
    assert after > before


def confidence(classifier, images, labels):
    return classifier(images).softmax(dim=1).gather(1, labels[:, None])[:, 0]


@pytest.mark.parametrize("correction", [0.0, 0.01])
def test_confidence_never_falls_by_more_than_the_drop(correction):
    torch.manual_seed(0)
    classifier = nn.Sequential(nn.Flatten(), nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 3))
    classifier.eval().requires_grad_(False)
    images = torch.rand(30, 1, 4, 4, generator=seeded(1))
    labels = classifier(images).argmax(dim=1)
    goal = torch.rand(30, 1, 4, 4, generator=seeded(2))
    how = HOW | {"steps": 60, "correction": correction}
    ends = level_set_traversal(classifier, images, labels, goal, **how)
    before, after = (confidence(classifier, x, labels) for x in (images, ends))
    assert (after > before - 0.05).all()
    assert not torch.equal(ends, images)
    assert ends.min() >= 0
    assert ends.max() <= 1
    # and all come nearer to the real image, unless the correction pushes them away
    if not correction:
        assert ((goal - ends).flatten(1).norm(dim=1) < (goal - images).flatten(1).norm(dim=1)).all()
    alone = level_set_traversal(classifier, images[:1], labels[:1], goal[:1], **how, chunk=7)
    # matrix products of 30 rows and of one round differently
    torch.testing.assert_close(alone, ends[:1], rtol=0, atol=1e-4)


def test_without_a_gradient_the_walk_goes_straight_to_the_real_image():
    classifier = linear(torch.zeros(2, 4))
    images, goal = torch.zeros(1, 1, 1, 4), torch.ones(1, 1, 1, 4)
    ends = level_set_traversal(classifier, images, torch.tensor([0]), goal, **HOW | {"steps": 2})
    torch.testing.assert_close(ends, torch.full_like(ends, 1 - 0.95**2))
