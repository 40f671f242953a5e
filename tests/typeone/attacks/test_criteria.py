"""What must be kept is kept on every view, and success is what the equations say it is."""

import math

import numpy as np
import torch

from typeone.attacks.criteria import (
    KeepIdentity,
    KeepLabel,
    KeepSqueezed,
    identity_criterion,
    next_class,
)
from typeone.detectors.squeezers import differentiable_squeezers
from typeone.evaluation.success import type1_success, type1_targeted_success, type2_success
from typeone.training.losses import embedding_distance

from ..algorithm2 import F64, LN2, f64

LN3 = math.log(3)

# f1 of these tests: its logits are the pixels
PIXELS = torch.nn.Flatten()


# -------------------------------------------------------------------------- what is to be kept


def test_keep_label_is_the_cross_entropy_at_the_examples_own_label():
    keep = KeepLabel(torch.nn.Flatten(), torch.tensor([9, 1, 0]))
    images = f64([0, LN3], [0, LN3]).view(2, 1, 1, 2)
    j1, kept = keep(images, torch.tensor([2, 1]))  # what is left of a batch of three
    torch.testing.assert_close(j1, f64(2 * LN2, 2 * LN2 - LN3))
    assert kept.tolist() == [False, True]


def mirrored(images):
    return images.flip(3)


def doubled(images):
    return 2 * images


def test_keep_squeezed_is_the_mean_over_the_image_and_its_views_by_hand():
    labels = torch.tensor([9, 1, 0])
    images = f64([0, LN3], [LN3, 0]).view(2, 1, 1, 2)  # softmax (1/4, 3/4), then (3/4, 1/4)
    rows = torch.tensor([1, 2])  # what is left of a batch of three
    j1, kept = KeepSqueezed(PIXELS, labels, [doubled])(images, rows)
    # doubled logits give 9/10 to the label
    torch.testing.assert_close(j1, ((2 * LN2 - LN3) + math.log(10 / 9)) / 2 * torch.ones_like(j1))
    assert kept.tolist() == [True, True]
    j1, kept = KeepSqueezed(PIXELS, labels, [doubled, mirrored])(images, rows)
    # the mirrored image gives 1/4 to it
    by_hand = (2 * LN2 - LN3 + math.log(10 / 9) + 2 * LN2) / 3
    torch.testing.assert_close(j1, by_hand * torch.ones_like(j1))
    assert kept.tolist() == [False, False]


def test_a_label_is_kept_only_if_the_image_and_every_view_keep_it():
    # pixels of four images; f1 says 1 where the second is brighter, the views are the image with
    # the second pixel dimmed by 0.2 and by 0.4
    images = f64([0, 0.5], [0, 0.3], [0, 0.1], [0, -0.1]).view(4, 1, 1, 2)
    dim = [lambda x, by=by: x - by * torch.tensor([0.0, 1.0], dtype=F64) for by in (0.2, 0.4)]
    rows, ones = torch.arange(4), torch.ones(4, dtype=torch.int64)
    yes, no = True, False
    for views, by_hand in [
        ([], [yes, yes, yes, no]),
        (dim[:1], [yes, yes, no, no]),
        (dim[1:], [yes, no, no, no]),
        (dim, [yes, no, no, no]),
        (dim[::-1], [yes, no, no, no]),
    ]:
        assert KeepSqueezed(PIXELS, ones, views)(images, rows)[1].tolist() == by_hand
    # the image itself must keep it too: a view that would save the last image does not
    saved = [lambda x: x + f64(0.0, 1.0)]
    assert KeepSqueezed(PIXELS, ones, saved)(images, rows)[1].tolist() == [yes, yes, yes, no]


def test_without_views_keep_squeezed_is_keep_label():
    images = torch.rand(3, 1, 1, 2, generator=torch.Generator().manual_seed(0))
    labels, rows = torch.tensor([0, 1, 1]), torch.arange(3)
    for ours, theirs in zip(
        KeepSqueezed(PIXELS, labels, [])(images, rows),
        KeepLabel(PIXELS, labels)(images, rows),
        strict=True,
    ):
        assert torch.equal(ours, theirs)


def test_the_gradient_of_keep_squeezed_comes_from_every_view_by_hand():
    """One bit makes (0.6, 0.2) black and white, the 2x2 median of one row leaves the brighter."""
    images = f64(0.6, 0.2).view(1, 1, 1, 2).requires_grad_(True)
    squeezers = differentiable_squeezers(bits=1, median=2)
    j1, kept = KeepSqueezed(PIXELS, torch.tensor([0]), squeezers)(images, torch.tensor([0]))
    # views: (0.6, 0.2), (1, 0) and, as windows of 0.6 four times and of 0.6 0.2 0.6 0.2 with its
    # upper middle value, (0.6, 0.6); the cross-entropy at class 0 is softplus(second - first)
    losses = [math.log1p(math.exp(-0.4)), math.log1p(math.exp(-1.0)), LN2]
    torch.testing.assert_close(j1, f64(sum(losses) / 3))
    assert kept.tolist() == [True]  # argmax of a tie is the first class
    # its slope along (first, second) is (-p, p), p the softmax of class 1. Straight through the
    # rounding; both pixels of the median are the first one, so that there -p + p is nothing
    p, q = 1 / (1 + math.exp(0.4)), 1 / (1 + math.e)
    (gradient,) = torch.autograd.grad(j1.sum(), images)
    torch.testing.assert_close(gradient.flatten(), f64(-(p + q) / 3, (p + q) / 3))


# -------------------------------------------------------------------------------- identities


class Direction(torch.nn.Module):
    """A recognizer: the pixels as a vector of length 1."""

    def forward(self, images):
        return torch.nn.functional.normalize(images.flatten(1), dim=1)


def test_keep_identity_is_the_distance_to_the_examples_own_embedding():
    embeddings = f64([9, 9], [1, 0], [0.6, 0.8])
    images = f64([2, 0], [0, 5], [3, 0]).view(3, 1, 1, 2)
    rows = torch.tensor([2, 1, 1])  # what is left of a batch of three
    keep = KeepIdentity(Direction(), embeddings, threshold=0.9)
    distance, kept = keep(images, rows)
    # (1, 0) and (0.6, 0.8): sqrt(0.16 + 0.64); (0, 1) and (1, 0): sqrt(2); twice the same: 0
    torch.testing.assert_close(distance, f64(math.sqrt(0.8), math.sqrt(2), 0.0))
    assert kept.tolist() == [True, False, True]


def test_a_distance_at_the_threshold_is_the_same_person():
    keep = KeepIdentity(torch.nn.Flatten(), f64([0, 0]), threshold=1.25)
    images = f64([1.25, 0], [1.2500001, 0]).view(2, 1, 1, 2)
    assert keep(images, torch.tensor([0, 0]))[1].tolist() == [True, False]


def test_the_gradient_of_a_distance_is_that_of_finite_differences():
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(6, 4, generator=generator, dtype=F64)
    recognizer = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(6, 4, dtype=F64))
    recognizer[1].weight.data = weights.T
    images, others = torch.rand(2, 3, 1, 2, 3, generator=generator, dtype=F64)
    keep = identity_criterion(recognizer, 1.0)(others, torch.tensor([0, 1, 0]))
    rows = torch.arange(3)
    (gradient,) = torch.autograd.grad(
        keep(images.requires_grad_(True), rows)[0].sum(), images.requires_grad_(True)
    )
    h = 1e-6
    with torch.no_grad():
        for i in range(6):
            e = torch.zeros(6, dtype=F64)
            e[i] = h
            e = e.view(1, 1, 2, 3)
            numeric = (keep(images + e, rows)[0] - keep(images - e, rows)[0]) / (2 * h)
            # central differences err by h² and by rounding of 1e-16 / h
            torch.testing.assert_close(gradient.view(3, 6)[:, i], numeric, rtol=0, atol=1e-8)


def test_at_the_image_itself_the_gradient_is_finite_and_nothing():
    """The walk starts there when the SVAE reconstructs without error."""
    images = torch.rand(2, 1, 1, 3, generator=torch.Generator().manual_seed(0), dtype=F64)
    keep = identity_criterion(torch.nn.Flatten(), 1.0)(images, torch.tensor([0, 1]))
    moving = images.clone().requires_grad_(True)
    distance, kept = keep(moving, torch.arange(2))
    (gradient,) = torch.autograd.grad(distance.sum(), moving)
    assert distance.tolist() == [0, 0]
    assert kept.tolist() == [True, True]
    assert gradient.abs().max() == 0


def test_distances_of_unit_embeddings_lie_between_0_and_2():
    first, second = f64([1, 0], [1, 0], [0, 1]), f64([1, 0], [-1, 0], [1, 0])
    torch.testing.assert_close(embedding_distance(first, second), f64(0, 2, math.sqrt(2)))


# ------------------------------------------------------------------------------------ success


def test_the_target_is_the_next_digit_and_nine_goes_to_zero():
    assert next_class(torch.tensor([0, 4, 9])).tolist() == [1, 5, 0]


def test_success_of_both_types_on_every_combination():
    """Rows: f1 kept or left, the judge sees the old label, the target or a third one."""
    label, target = np.full(6, 4), np.full(6, 5)
    f1, judged = np.array([4, 4, 4, 7, 7, 7]), np.array([4, 5, 8, 4, 5, 8])
    yes, no = True, False
    assert type1_success(label, f1, judged).tolist() == [no, yes, yes, no, no, no]
    assert type1_targeted_success(label, f1, judged, target).tolist() == [no, yes, no, no, no, no]
    assert type2_success(label, f1, judged).tolist() == [no, no, no, yes, no, no]
