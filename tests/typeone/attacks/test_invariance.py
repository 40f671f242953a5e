"""`typeone.attacks.invariance` against images whose best answer is known."""

import math

import pytest
import torch
import torch.nn.functional as F

from typeone.attacks.invariance import invariance_l0, invariance_linf
from typeone.runtime.devices import seeded
from typeone.runtime.errors import InputError

# ------------------------------------------------------------- the ball


IN_PLACE = {"shift": 0.0, "shifts": 1, "rotation": 0.0, "rotations": 1}


def test_the_step_ends_where_the_ball_is_nearest_to_the_real_image():
    images = torch.tensor([[[[0.1, 0.5, 0.9], [0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]]])
    real = torch.tensor([[[[0.2, 0.9, 0.0], [0.3, 0.1, 0.0], [0.5, 0.4, 1.0]]]])
    labels = torch.tensor([1])
    ends = invariance_linf(images, labels, real, labels, epsilon=0.3, **IN_PLACE)
    by_hand = [[0.2, 0.8, 0.6], [0.3, 0.1, 0.0], [0.5, 0.4, 0.8]]
    torch.testing.assert_close(ends, torch.tensor([[by_hand]]), rtol=0, atol=1e-6)  # resampling


def blob(row, column):
    y, x = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    return torch.exp(-((y - row) ** 2 + (x - column) ** 2) / 18).view(1, 1, 28, 28)


def test_a_real_image_elsewhere_is_moved_to_the_place_of_the_image():
    """A blob three pixels further right; and a nearer one of the wrong class."""
    images, labels = blob(14, 13), torch.tensor([4])
    candidates = torch.cat([blob(14, 16), blob(14, 13.5), blob(3, 3)])
    of_it = torch.tensor([4, 2, 4])
    how = {"shift": 3.0, "shifts": 3, "rotation": 20.0, "rotations": 3, "epsilon": 1.0}
    ends = invariance_linf(images, labels, candidates, of_it, **how)
    torch.testing.assert_close(ends, images, rtol=0, atol=1e-3)  # the blob's tail leaves the image
    stuck = invariance_linf(images, labels, candidates, of_it, **IN_PLACE, epsilon=1.0)
    torch.testing.assert_close(stuck, candidates[:1], rtol=0, atol=1e-6)


def test_a_turned_and_shifted_real_image_is_moved_back_to_the_image():
    """An L of three blobs, and the real image is that L turned by 30 degrees and shifted."""
    images = (blob(9, 11) + blob(17, 11) + 0.6 * blob(17, 18)).clamp(max=1)
    labels = torch.tensor([1])
    how = {"shift": 3.0, "shifts": 3, "rotation": 30.0, "rotations": 3}
    cos, sin = math.cos(math.radians(30)), math.sin(math.radians(30))
    move = torch.tensor([[[cos, -sin, 2 * 3 / 28], [sin, cos, -2 * 3 / 28]]])
    grid = F.affine_grid(move, list(images.shape), align_corners=False)
    real = F.grid_sample(images, grid, align_corners=False)
    ends = invariance_linf(images, labels, real, labels, **how, epsilon=1.0)
    # interpolated twice, and a tail of a blob of 0.11 leaves the image when it is turned
    torch.testing.assert_close(ends, images, rtol=0, atol=0.15)
    assert (real - images).abs().max() > 0.5


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.3])
def test_no_pixel_leaves_the_ball(epsilon):
    images = torch.rand(4, 1, 28, 28, generator=seeded(1))
    candidates = torch.rand(6, 1, 28, 28, generator=seeded(2))
    labels, of_it = torch.tensor([0, 1, 0, 1]), torch.arange(6) % 2
    how = {"shift": 2.0, "shifts": 3, "rotation": 10.0, "rotations": 3}
    ends = invariance_linf(images, labels, candidates, of_it, epsilon=epsilon, **how)
    assert (ends - images).abs().max() <= epsilon + 1e-6
    assert ends.min() >= 0
    assert ends.max() <= 1


# ------------------------------------------------------------- few pixels


STILL = {"draws": 1, "shift": 0.0, "rotation": 0.0, "scale": 0.0, "shear": 0.0, "ink": 0.85}


def bars(*places):
    """White squares of 3 x 3 at the (row, column) of ``places``."""
    image = torch.zeros(1, 1, 28, 28)
    for row, column in places:
        image[..., row : row + 3, column : column + 3] = 1
    return image


def sees(*needed):
    """A classifier that sees 1 where all squares of ``needed`` are white, else 0."""

    def classify(images):
        lit = [
            images[:, 0, row : row + 3, column : column + 3].amin(dim=(1, 2)) > 0.5
            for row, column in needed
        ]
        seen = torch.stack(lit).all(dim=0)
        return torch.stack([~seen, seen], dim=1).float()

    return classify


def few_pixels(image, real, classify, **how):
    one = torch.tensor([1])
    return invariance_l0(image, one, real, one, classify, seeded(0), **STILL | how)


def test_only_the_clusters_that_the_class_needs_are_replaced():
    """The real image has four squares more; its class needs two of them, the smallest such set."""
    image = bars((2, 2))
    image[..., 20, 20] = 0.4  # grey elsewhere stays
    squares = [(2, 2), (2, 20), (12, 12), (20, 2)]
    real = bars(*squares)
    real[..., 24:28, 22:28] = 1  # the largest cluster
    ends = few_pixels(image, real, sees((2, 20), (20, 2)))
    wanted = bars((2, 2), (2, 20), (20, 2))
    wanted[..., 20, 20] = 0.4
    torch.testing.assert_close(ends, wanted, rtol=0, atol=1e-5)  # resampling


def test_pixels_of_the_image_that_the_real_one_lacks_go_as_well():
    ends = few_pixels(
        bars((2, 2), (12, 12)),
        bars((2, 2)),
        lambda x: F.one_hot(1 - (x[:, 0, 13, 13] > 0.5).long(), 2),
    )
    torch.testing.assert_close(ends, bars((2, 2)), rtol=0, atol=1e-5)


def test_all_clusters_are_replaced_where_no_set_shows_the_class():
    image, real = bars((2, 2)), bars((2, 2), (12, 12), (20, 20))
    real[..., 8, 24:] = 1  # four pixels are no cluster
    ends = few_pixels(image, real, lambda x: torch.eye(2)[:1].expand(len(x), -1))
    wanted = bars((2, 2), (12, 12), (20, 20))
    torch.testing.assert_close(ends, wanted, rtol=0, atol=1e-5)


def test_an_image_like_the_real_one_stays():
    image = bars((4, 4))
    torch.testing.assert_close(few_pixels(image, image, sees((4, 4))), image, rtol=0, atol=1e-5)


def test_the_real_image_that_differs_in_the_fewest_pixels_is_taken_after_a_move():
    """Of two real images the one further away is nearer once it is shifted by four pixels."""
    image = bars((8, 8), (8, 14))
    real = torch.cat([bars((12, 8), (12, 14), (18, 11)), bars((8, 8), (16, 2), (20, 20))])
    labels, one = torch.tensor([1, 1]), torch.tensor([1])
    how = STILL | {"draws": 1500, "shift": 5.0}
    ends = invariance_l0(image, one, real, labels, sees((14, 11)), seeded(0), **how)
    # what is replaced is the third square of the first image, four pixels further up
    assert ((ends > 0.5) != (image > 0.5)).sum() <= 12
    assert sees((14, 11))(ends).argmax(dim=1) == 1
    torch.testing.assert_close(ends[..., :12, :], image[..., :12, :], rtol=0, atol=1e-5)


def test_a_move_that_loses_the_image_is_not_taken():
    """Shifted out of sight it equals the empty image; in its place it is nearer to another."""
    image, near = bars((1, 1)), bars((1, 1))
    near[..., 20, 20:25] = 1
    real = torch.cat([torch.zeros(1, 1, 28, 28), near])
    labels, one = torch.tensor([1, 1]), torch.tensor([1])
    for ink, wanted in ((0.85, near), (0.0, torch.zeros(1, 1, 28, 28))):
        how = STILL | {"draws": 200, "shift": 14.0, "ink": ink}
        ends = invariance_l0(image, one, real, labels, sees((1, 1)), seeded(0), **how)
        assert torch.equal(ends > 0.5, wanted > 0.5)


def test_moves_depend_on_the_generator_alone():
    images = torch.rand(3, 1, 28, 28, generator=seeded(1)).round()
    real = torch.rand(9, 1, 28, 28, generator=seeded(2)).round()
    labels, of_it = torch.tensor([0, 1, 0]), torch.arange(9) % 2
    how = {"draws": 20, "shift": 3.0, "rotation": 10.0, "scale": 0.2, "shear": 0.2, "ink": 0.5}

    def run(seed):
        return invariance_l0(images, labels, real, of_it, sees((3, 3)), seeded(seed), **how)

    assert torch.equal(run(4), run(4))
    assert not torch.equal(run(4), run(5))


def test_a_class_without_a_real_image_is_named():
    image = bars((2, 2))
    with pytest.raises(InputError, match="no example of class 3 among 1"):
        invariance_l0(
            image, torch.tensor([3]), image, torch.tensor([1]), sees((2, 2)), seeded(0), **STILL
        )
