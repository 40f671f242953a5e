"""Varied digits stay digits: in range, moved no farther than asked, the same from one seed."""

import math

import pytest
import torch
import torch.nn.functional as F

from typeone.data import augmentation
from typeone.data.augmentation import add_clutter, augment, redraw_strokes
from typeone.data.images import binarise

NOTHING = {"shift": 0.0, "rotation": 0.0, "scale": 0.0, "binarised": 0.0}
QUICK = {"shift": 2.0, "rotation": 10.0, "scale": 0.1, "binarised": 0.3}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def digits():
    """Grey noise in the middle of a 28x28 image."""
    images = torch.zeros(40, 1, 28, 28)
    images[:, :, 6:22, 6:22] = torch.rand(40, 1, 16, 16, generator=seeded(1))
    return images


def blob(row, column, n=1, *, width=2.0):
    """A round spot around a pixel, ``(n, 1, 28, 28)``."""
    y, x = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    spot = torch.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * width**2))
    return spot.expand(n, 1, 28, 28)


def centres(images):
    """Centre of mass of each image as (rows, columns), pixels."""
    y = torch.arange(28.0).view(1, 28, 1)
    mass = images[:, 0]
    total = mass.sum(dim=(1, 2))
    return (mass * y).sum(dim=(1, 2)) / total, (mass * y.mT).sum(dim=(1, 2)) / total


def test_shape_type_and_range_are_kept(digits):
    varied = augment(digits, seeded(), **QUICK)
    assert varied.shape == digits.shape
    assert varied.dtype == digits.dtype
    assert varied.min() >= 0
    assert varied.max() <= 1
    assert not torch.equal(varied, digits)


def test_settings_of_zero_change_nothing(digits):
    # the sampling grid is off by float32 rounding of coordinates up to 28: some 3e-6 of a pixel
    torch.testing.assert_close(augment(digits, seeded(), **NOTHING), digits, rtol=0, atol=1e-5)


def test_one_generator_state_gives_one_set_of_images(digits):
    first, again, other = (augment(digits, seeded(seed), **QUICK) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_images_are_varied_apart(digits):
    varied = augment(digits[:1].expand(20, 1, 28, 28), seeded(), **QUICK)
    assert len(varied.flatten(1).unique(dim=0)) == 20


def test_all_or_none_are_binarised(digits):
    assert torch.equal(augment(digits, seeded(), **NOTHING | {"binarised": 1.0}), binarise(digits))
    moved = augment(digits, seeded(), **QUICK | {"binarised": 0.0})
    assert ((moved > 0) & (moved < 1)).flatten(1).any(dim=1).all()


def test_the_share_of_binarised_images():
    n, share = 2000, 0.3
    images = torch.full((n, 1, 4, 4), 0.6)
    varied = augment(images, seeded(), **NOTHING | {"binarised": share})
    found = (varied == 1).flatten(1).all(dim=1).double().mean().item()
    assert found == pytest.approx(share, abs=5 * math.sqrt(share * (1 - share) / n))  # 5 sigma


def test_shift_is_in_pixels_both_ways_along_both_axes():
    n = 400
    varied = augment(blob(14, 13, n), seeded(), **NOTHING | {"shift": 3.0})
    for place, start in zip(centres(varied), (14, 13), strict=True):
        moved = place - start
        # interpolation moves the centre of a smooth spot by less than 0.01 pixels
        assert moved.abs().max() <= 3.01
        # of 400 uniform draws the outer 5 % of each side stay empty once in 1e9
        assert moved.max() > 2.85 * 0.9
        assert moved.min() < -2.85 * 0.9
    rows, columns = centres(varied)
    # two independent sets of 400: a correlation has a deviation of 0.05
    assert abs(torch.corrcoef(torch.stack([rows, columns]))[0, 1].item()) < 0.25


def test_rotation_is_in_degrees_around_the_centre():
    n, limit = 400, 20.0
    # a spot ten pixels right of the centre, which lies between pixels 13 and 14
    varied = augment(blob(13.5, 23.5, n, width=1.5), seeded(), **NOTHING | {"rotation": limit})
    rows, columns = centres(varied)
    angle = torch.rad2deg(torch.atan2(rows - 13.5, columns - 13.5))
    # a hundredth of a pixel at ten pixels from the centre is 0.06 degrees
    assert angle.abs().max() <= limit + 0.2
    assert angle.max() > 0.9 * limit
    assert angle.min() < -0.9 * limit
    radius = torch.hypot(rows - 13.5, columns - 13.5)
    torch.testing.assert_close(radius, torch.full((n,), 10.0), rtol=0, atol=0.05)  # interpolation


def test_scale_is_relative_and_keeps_the_centre():
    n, limit = 400, 0.2
    varied = augment(blob(13.5, 21.5, n, width=1.5), seeded(), **NOTHING | {"scale": limit})
    rows, columns = centres(varied)
    # the grid is stretched by 1 + s with |s| <= 0.2: a spot at 8 pixels comes to 8 / (1 + s)
    size = 8 / (columns - 13.5)
    # a few hundredths of a pixel of 8: interpolation, and the spot's own tail
    assert size.max() <= 1 + limit + 0.01
    assert size.min() >= 1 - limit - 0.01
    assert size.max() > 1 + 0.9 * limit
    assert size.min() < 1 - 0.9 * limit
    torch.testing.assert_close(rows, torch.full((n,), 13.5), rtol=0, atol=0.01)


def test_shear_slants_a_vertical_stroke_by_at_most_the_limit():
    n, limit = 400, 0.3
    stroke = blob(5, 13.5, n) + blob(22, 13.5, n)
    varied = augment(stroke.clamp(max=1), seeded(), **NOTHING | {"shear": limit})
    top, bottom = (
        (part[:, 0] * torch.arange(28.0)).sum(dim=(1, 2)) / part[:, 0].sum(dim=(1, 2))
        for part in (varied[:, :, :14], varied[:, :, 14:])
    )
    slant = (bottom - top) / 17  # the spots are 17 rows apart
    assert slant.abs().max() <= limit + 0.01  # interpolation, and the spots' tails
    assert slant.max() > 0.9 * limit
    assert slant.min() < -0.9 * limit


def test_an_elastic_displacement_has_the_given_size_in_pixels():
    n, limit = 2000, 1.5
    varied = augment(blob(14, 13, n), seeded(), **NOTHING | {"elastic": limit})
    rows, columns = centres(varied)
    for moved in (rows - 14, columns - 13):
        # size u * limit with u uniform: E[u^2] = 1/3; a bicubic field between its knots varies less
        # than at them, by at most the square of its weights (0.6 in the middle of a cell)
        assert 0.5 * limit / math.sqrt(3) < moved.std() < 1.05 * limit / math.sqrt(3)
        assert abs(moved.mean()) < 5 * moved.std() / math.sqrt(n)


def test_redrawn_strokes_are_thicker_thinner_or_dimmer():
    n, share = 3000, 0.3
    bar = torch.zeros(n, 1, 28, 28)
    bar[..., 4:24, 10:16] = 1
    redrawn = redraw_strokes(bar, seeded(), probability=share)
    ink = (redrawn > 0).sum(dim=(1, 2, 3))
    spread = 5 * math.sqrt(share / 2 / n)
    for here, count in (("thicker", 21 * 7), ("thinner", 19 * 5)):
        found = (ink == count).double().mean().item()
        assert found == pytest.approx(share / 2, abs=spread), here
    brightest = redrawn.flatten(1).max(dim=1).values
    # a dimmed image is dimmed everywhere; a dimmed part hardly ever covers the whole bar
    assert (brightest < 1).double().mean().item() == pytest.approx(share, abs=0.06)
    assert brightest.min() >= 0.3 * 0.25
    assert redrawn.max() <= 1


def test_a_stroke_grows_and_shrinks_as_under_2x2_pooling(digits):
    pooled = {
        extreme: sign * F.max_pool2d(sign * digits, 2, stride=1, padding=1)[..., :28, :28]
        for extreme, sign in ((torch.maximum, 1), (torch.minimum, -1))
    }
    for extreme, wanted in pooled.items():
        assert torch.equal(augmentation._of_neighbours(digits, extreme), wanted)


def test_clutter_adds_pixels_patches_and_noise():
    n, share = 3000, 0.3
    blank = torch.full((n, 1, 28, 28), 0.5)
    cluttered = add_clutter(blank, seeded(), probability=share)
    assert cluttered.min() >= 0
    assert cluttered.max() <= 1
    values = [image.unique() for image in cluttered]
    noisy = sum(len(v) > 4 for v in values) / n
    assert noisy == pytest.approx(share, abs=5 * math.sqrt(share * (1 - share) / n))
    clean = torch.tensor([len(v) <= 4 for v in values])
    lit = (cluttered[clean] == 1) | (cluttered[clean] == 0)
    flecked = lit.flatten(1).any(dim=1).double().mean().item()
    # 4 % * u of 784 pixels: none is lit with a probability of about 1/31
    assert flecked == pytest.approx(share * 30 / 31, abs=5 * math.sqrt(share / n))
    assert lit.flatten(1).double().mean(dim=1).max() < 0.06
    untouched = (cluttered == blank).flatten(1).all(dim=1).double().mean().item()
    assert untouched == pytest.approx((1 - share) ** 3, abs=0.05)  # few patches can miss the image


def test_further_changes_leave_the_draws_of_the_others_alone(digits):
    plain = augment(digits, seeded(), **QUICK)
    zero = dict.fromkeys(("shear", "elastic", "strokes", "clutter"), 0.0)
    assert torch.equal(augment(digits, seeded(), **QUICK, **zero), plain)
    strong = QUICK | dict.fromkeys(("shear", "elastic", "strokes", "clutter"), 0.3)
    first, again = (augment(digits, seeded(5), **strong) for _ in range(2))
    assert torch.equal(first, again)
    assert first.shape == digits.shape
    assert first.dtype == digits.dtype
    assert first.min() >= 0
    assert first.max() <= 1
