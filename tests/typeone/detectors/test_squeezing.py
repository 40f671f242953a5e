"""Feature squeezing squeezes as published, and measures what its names say."""

import math

import numpy as np
import pytest
import scipy.ndimage
import torch

from typeone.detectors.squeezers import (
    differentiable_squeezers,
    median_smooth,
    reduce_bit_depth,
    squeeze,
)
from typeone.detectors.squeezing import embedding_scores, scores


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def image(*rows):
    return torch.tensor(rows).view(1, 1, len(rows), -1)


# --------------------------------------------------------------------------------- squeezers


def test_one_bit_is_black_or_white():
    values = torch.tensor([0.0, 0.49, 0.51, 1.0])
    assert reduce_bit_depth(values, 1).tolist() == [0, 0, 1, 1]


def test_two_bits_are_thirds_and_halves_go_to_the_even_level():
    values = torch.tensor([0.0, 0.16, 0.17, 0.5, 0.84, 1.0])
    # times 3: 0, 0.48, 0.51, 1.5 (to the even 2), 2.52, 3
    by_hand = torch.tensor([0, 0, 1, 2, 3, 3]) / 3
    assert torch.equal(reduce_bit_depth(values, 2), by_hand)


def test_eight_bits_leave_stored_images_as_they_are():
    values = torch.arange(256) / 255
    assert torch.equal(reduce_bit_depth(values, 8), values)


def test_the_even_window_reaches_up_and_left_and_takes_the_upper_middle_value():
    # reflected at the border, the windows of [[1, 2], [3, 4]] / 10 hold
    #   (0, 0): 1 1 1 1   (0, 1): 1 2 1 2
    #   (1, 0): 1 1 3 3   (1, 1): 1 2 3 4
    # and the third of four sorted values is taken
    found = median_smooth(image([0.1, 0.2], [0.3, 0.4]), 2)
    assert torch.equal(found, image([0.1, 0.2], [0.3, 0.3]))
    # only the window that reaches up and left of (1, 1) sees three bright pixels around it
    bright = image([0.0, 0.0, 0.0], [0.0, 0.9, 0.9], [0.0, 0.9, 0.0])
    by_hand = image([0.0, 0.0, 0.0], [0.0, 0.0, 0.9], [0.0, 0.9, 0.9])
    assert torch.equal(median_smooth(bright, 2), by_hand)


def test_the_odd_window_takes_the_middle_value():
    found = median_smooth(image([0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9]), 3)
    # the corner sees 1 1 2 1 1 2 4 4 5: sorted, the fifth is 2
    assert found[0, 0, 1, 1] == 0.5
    assert found[0, 0, 0, 0] == torch.tensor(0.2)


@pytest.mark.parametrize("size", [2, 3, 5])
def test_the_median_is_scipys_image_by_image(size):
    images = torch.rand(3, 2, 9, 7, generator=seeded())
    found = median_smooth(images, size)
    assert found.dtype == images.dtype
    for i in range(3):
        for channel in range(2):
            theirs = scipy.ndimage.median_filter(
                images[i, channel].numpy(), size=size, mode="reflect"
            )
            assert np.array_equal(found[i, channel].numpy(), theirs)


def test_views_are_named_after_their_squeezers():
    images = torch.rand(2, 1, 5, 5, generator=seeded())
    views = squeeze(images, bits=3, median=2)
    assert views.keys() == {"bit_depth_3", "median_2x2"}
    assert torch.equal(views["bit_depth_3"], reduce_bit_depth(images, 3))
    assert torch.equal(views["median_2x2"], median_smooth(images, 2))


# ------------------------------------------------------------------------ as an attack sees them


def stored(shape):
    """Images as they are stored: 256 levels, many of them equal."""
    return torch.randint(256, shape, generator=seeded(1)) / 255


@pytest.mark.parametrize("bits", [1, 4])
@pytest.mark.parametrize("median", [2, 3, 5])
@pytest.mark.parametrize(
    "images",
    [
        torch.rand(3, 2, 9, 7, generator=seeded()),
        torch.rand(3, 1, 28, 28, generator=seeded(), dtype=torch.float64),
        stored((3, 2, 7, 9)),
        (stored((3, 1, 8, 8)) > 0.5).float(),
    ],
    ids=["float32", "float64", "stored", "binary"],
)
def test_an_attack_sees_the_very_values_of_the_detector(images, median, bits):
    theirs = squeeze(images, bits=bits, median=median).values()
    ours = differentiable_squeezers(bits=bits, median=median)
    for view, squeezer in zip(theirs, ours, strict=True):
        assert squeezer(images).dtype == view.dtype
        assert torch.equal(squeezer(images), view)


@pytest.mark.parametrize("bits", range(1, 8))
def test_passing_the_gradient_through_does_not_disturb_the_rounding(bits):
    """x + (round(x) - x) is round(x) to the bit.

    A level above 0 is at most twice x and at least half of it, so that the difference is exact
    (Sterbenz); next to the ties, where that is closest to failing, it is tried.
    """
    levels = 2**bits - 1
    ties = (torch.arange(levels) + 0.5) / levels
    near = [ties]
    for direction in (0.0, 1.0):
        value = ties
        for _ in range(20):
            value = torch.nextafter(value, torch.tensor(direction))
            near.append(value)
    values = torch.cat([torch.arange(256) / 255, *near])
    reduced, _ = differentiable_squeezers(bits=bits, median=2)
    assert torch.equal(reduced(values), reduce_bit_depth(values, bits))


@pytest.mark.parametrize("bits", [1, 4])
def test_rounding_passes_the_gradient_straight_through(bits):
    images = torch.rand(2, 1, 4, 4, generator=seeded(), requires_grad=True)
    weights = torch.randn(images.shape, generator=seeded(2))
    reduced, _ = differentiable_squeezers(bits=bits, median=2)
    (gradient,) = torch.autograd.grad((weights * reduced(images)).sum(), images)
    assert torch.equal(gradient, weights)


def test_the_median_passes_the_gradient_to_the_pixel_that_it_chose():
    # the windows of [[1, 2], [3, 4]] / 10 choose 1, 2, 3 and 3, as above
    images = image([0.1, 0.2], [0.3, 0.4]).requires_grad_(True)
    _, smoothed = differentiable_squeezers(bits=1, median=2)
    weights = image([1.0, 10.0], [100.0, 1000.0])
    (gradient,) = torch.autograd.grad((weights * smoothed(images)).sum(), images)
    assert torch.equal(gradient, image([1.0, 10.0], [1100.0, 0.0]))


@pytest.mark.parametrize("size", [2, 3, 5])
def test_the_gradient_of_the_median_is_that_of_finite_differences(size):
    images = torch.rand(1, 2, 5, 6, generator=seeded(3), dtype=torch.float64, requires_grad=True)
    weights = torch.randn(images.shape, generator=seeded(4), dtype=torch.float64)
    _, smoothed = differentiable_squeezers(bits=1, median=size)
    (gradient,) = torch.autograd.grad((weights * smoothed(images)).sum(), images)
    h = 1e-6
    # as long as no two pixels change places the median is linear, so that differences are exact
    levels = images.detach().flatten().sort().values
    assert levels.diff().min() > 2 * h
    numeric = torch.zeros_like(images)
    for i in range(images.numel()):
        e = torch.zeros(images.numel(), dtype=torch.float64)
        e[i] = h
        # scipy's filter, which needs no gradient, on either side
        up, down = (median_smooth(images.detach() + s * e.view_as(images), size) for s in (1, -1))
        numeric.view(-1)[i] = (weights * (up - down)).sum() / (2 * h)
    # rounding of pixels below 1 in float64, over h: 1e-16 / 1e-6, times weights that sum to 100
    torch.testing.assert_close(gradient, numeric, rtol=0, atol=1e-8)


# ---------------------------------------------------------------------------------- distances


def first_pixel(images):
    """Two classes; the first pixel, kept off 0 and 1, is the probability of the first one."""
    p = images[:, 0, 0, 0].double().clamp(1e-9, 1 - 1e-9)
    return torch.stack([p.log(), (1 - p).log()], dim=1)


def test_distances_by_hand():
    # the first pixel is 0.6; one bit makes it 1, the median of its window (0.6 four times) leaves
    # it: softmax moves by (0.4, -0.4) and by nothing
    # of the second image it is 0.2, and becomes 0 and 0.2: (-0.2, 0.2)
    images = torch.tensor([[[[0.6, 0.1], [0.1, 0.1]]], [[[0.2, 0.1], [0.1, 0.1]]]])
    found = scores(first_pixel, images, bits=1, median=2)
    by_hand = {
        ("bit_depth_1", "l1"): [0.8, 0.4],
        ("bit_depth_1", "l2"): [0.4 * math.sqrt(2), 0.2 * math.sqrt(2)],
        ("median_2x2", "l1"): [0, 0],
        ("median_2x2", "l2"): [0, 0],
        ("joint", "l1"): [0.8, 0.4],
        ("joint", "l2"): [0.4 * math.sqrt(2), 0.2 * math.sqrt(2)],
    }
    assert found.keys() == by_hand.keys()
    for key, values in by_hand.items():
        # 0.6 and 0.2 in float32 are off by 1e-8, and the classifier's guard by 1e-9
        np.testing.assert_allclose(found[key], values, rtol=0, atol=1e-6, err_msg=str(key))


def test_joint_is_the_larger_distance_image_by_image():
    def centre(images):
        """The middle pixel is the probability of the first class."""
        return first_pixel(images[:, :, 1:, 1:])

    # one bit moves the middle of the first image by 0.1, its 2x2 median by 0.3 (0.1 0.1 0.6 0.9:
    # the third is 0.6); of the second image by 0.4 and by nothing
    images = torch.stack(
        [
            torch.tensor([[0.1, 0.1, 0.0], [0.6, 0.9, 0.0], [0.0, 0.0, 0.0]]),
            torch.tensor([[0.6, 0.6, 0.0], [0.6, 0.6, 0.0], [0.0, 0.0, 0.0]]),
        ]
    )[:, None]
    found = scores(centre, images, bits=1, median=2)
    # the guard of the classifier and float32, as above
    np.testing.assert_allclose(found["bit_depth_1", "l1"], [0.2, 0.8], rtol=0, atol=1e-6)
    np.testing.assert_allclose(found["median_2x2", "l1"], [0.6, 0.0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(found["joint", "l1"], [0.6, 0.8], rtol=0, atol=1e-6)


def test_l2_of_a_boundary_example_is_at_most_root_one_half():
    """An image on the boundary of two classes that squeezing sends back to the first.

    From (1/2, 1/2) to (p, 1 - p) is (p - 1/2) sqrt(2): never above sqrt(1/2), which a sure p = 1
    attains, while L1 reaches 1.
    """
    for p in (0.55, 0.7, 0.9, 1.0):

        def classifier(images, p=p):
            grey = (images[:, 0, 0, 0] == 0.51).double()  # only the unsqueezed image
            first = 0.5 * grey + p * (1 - grey)
            return first_pixel(first.view(-1, 1, 1, 1))

        found = scores(classifier, torch.full((1, 1, 4, 4), 0.51), bits=1, median=2)
        # float64; the classifier's guard keeps p = 1 below 1 by 1e-9
        assert found["joint", "l2"].item() == pytest.approx((p - 0.5) * math.sqrt(2), abs=1e-8)
        assert found["joint", "l1"].item() == pytest.approx(2 * (p - 0.5), abs=1e-8)
        assert found["joint", "l2"].item() <= math.sqrt(0.5)


def test_distances_do_not_depend_on_how_images_are_batched():
    # more than one batch of `predict` (1000 images)
    images = torch.rand(1003, 1, 3, 3, generator=seeded())
    whole = scores(first_pixel, images, bits=1, median=2)
    for part in (slice(0, 5), slice(998, 1003)):
        alone = scores(first_pixel, images[part], bits=1, median=2)
        for key, values in whole.items():
            assert np.array_equal(values[part], alone[key])


# ------------------------------------------------------------------------------- embeddings


def test_faces_are_scored_by_the_distance_that_each_median_moves_the_embedding():
    """The embedding is the centre's red and blue; one bright pixel there is smoothed away."""
    images = torch.zeros(2, 3, 5, 5)
    images[0, 0, 2, 2], images[0, 2, 2, 2] = 0.6, 0.8  # a distance of 1 from nothing
    images[1, 0, 1:4, 1:4] = 0.5  # nine pixels outlast the 3x3 window and not the 5x5 one
    found = embedding_scores(lambda x: x[:, ::2, 2, 2], images, medians=[3, 5])
    assert list(found) == ["median_3x3", "median_5x5"]
    # float32
    np.testing.assert_allclose(found["median_3x3"], [1.0, 0.0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(found["median_5x5"], [1.0, 0.5], rtol=0, atol=1e-6)


def test_colour_channels_of_faces_are_smoothed_apart():
    images = torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    found = embedding_scores(lambda x: x.flatten(1), images, medians=[3], batch=2)["median_3x3"]
    for image, score in zip(images.numpy(), found, strict=True):
        moved = [scipy.ndimage.median_filter(c, size=3, mode="reflect") - c for c in image]
        assert score == pytest.approx(np.sqrt(np.square(moved).sum()), abs=1e-5)  # float32
