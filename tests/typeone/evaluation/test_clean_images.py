"""Odd and noisy images, and the limits fitted on clean ones, where the answer is known."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from typeone.evaluation.clean_images import CleanImages, clean_digit_rows, fit_limits
from typeone.evaluation.image_quality import quality
from typeone.evaluation.panels import Verdict
from typeone.models.density import Limits
from typeone.runtime.errors import InputError

from ..algorithm2 import seeded


class Counting(nn.Module):
    """A density model whose -ELBO is ln 2 for each pixel and half the square of the bright ones."""

    def encode(self, images):
        bright = images.flatten(1).sum(dim=1, keepdim=True)
        return bright, torch.ones_like(bright)

    def decode_logits(self, latent):
        return torch.zeros(len(latent), 1, 28, 28, dtype=latent.dtype)


def with_pixels(*counts):
    """One image for each count: so many bright pixels far from one another, on a bright bar."""
    images = torch.zeros(len(counts), 1, 28, 28)
    places = [(r, c) for r in range(2, 28, 3) for c in range(11, 28, 3)]
    for image, count in zip(images, counts, strict=True):
        image[0, :, :6] = 1
        for r, c in places[:count]:
            image[0, r, c] = 1
    return images


def test_the_noise_of_single_pixels_is_their_share():
    # of a bar over the whole height and 3 x 3 windows nothing changes
    assert quality(with_pixels(0, 1, 5)).noise.tolist() == pytest.approx([0, 1 / 784, 5 / 784])
    assert quality(torch.full((1, 1, 28, 28), 0.3)).noise.item() == 0
    assert quality(torch.zeros(1, 1, 28, 28)).noise.item() == 0


def test_a_faint_image_cannot_hide_its_noise():
    images = with_pixels(7)
    bright, faint = (quality(scale * images).noise.item() for scale in (1, 0.2))
    assert faint == pytest.approx(bright, rel=1e-5)  # float32


def test_limits_are_the_quantiles_of_the_clean_images_of_each_class():
    """Class 0 has 0 to 20 single pixels, class 1 has 20 to 40."""
    images = with_pixels(*range(21), *range(20, 41))
    labels = torch.tensor([0] * 21 + [1] * 21)
    limits = fit_limits(Counting(), images, labels, quantile=0.9, classes=2)
    assert limits.noise == pytest.approx([18 / 784, 38 / 784])
    bar = 6 * 28
    assert limits.negative_elbo == pytest.approx(
        [784 * math.log(2) + (bar + count) ** 2 / 2 for count in (18, 38)], rel=1e-6
    )
    columns = CleanImages(Counting(), limits).columns(images, labels)
    expected = [count > 18 for count in range(21)] + [count > 38 for count in range(20, 41)]
    assert columns["odd"].tolist() == expected
    assert columns["noisy"].tolist() == expected
    # with the limits of the other class
    columns = CleanImages(Counting(), limits).columns(images, 1 - labels)
    assert columns["noisy"].tolist() == [False] * 21 + [True] * 21
    assert {name: column.dtype for name, column in columns.items()} == {
        **{"negative_elbo": np.float32, "noise": np.float32},
        **{"odd": np.bool_, "noisy": np.bool_},
    }


def strokes(*, width, count, generator):
    """Clean vertical strokes (as of a 1) at random places, or rings (as of a 0)."""
    y, x = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    shift = 2 * torch.rand(count, 1, 1, generator=generator) - 1
    if width:  # a ring
        radius = torch.hypot(y - 13.5, x - 13.5 - shift)
        return torch.exp(-((radius - 7 - shift) ** 2) / width).unsqueeze(1)
    inside = (y > 4) & (y < 23)
    return (torch.exp(-((x - 13.5 - 3 * shift) ** 2) / 2) * inside).unsqueeze(1)


@pytest.mark.parametrize("digit", [0, 1])
@pytest.mark.parametrize("brightness", [1.0, 0.4])
def test_noise_is_seen_on_a_0_as_on_a_1_and_on_faint_ones(digit, brightness):
    generator = seeded(1)
    clean = torch.cat(
        [strokes(width=width, count=200, generator=generator) for width in (3.0, 0.0)]
    )
    labels = torch.tensor([0] * 200 + [1] * 200)
    limits = fit_limits(Counting(), clean, labels, quantile=0.95, classes=2)
    chosen = clean[labels == digit][:100] * brightness
    spoiled = chosen + 0.1 * brightness * torch.rand(chosen.shape, generator=generator)
    classes = torch.full((100,), digit)
    judge = CleanImages(Counting(), limits)
    assert judge.columns(spoiled.clamp(max=1), classes)["noisy"].mean() > 0.9
    assert judge.columns(chosen, classes)["noisy"].mean() < 0.15


class Broken(Counting):
    """A density model that fails on bright images."""

    def encode(self, images):
        mu, sigma = super().encode(images)
        return torch.where(mu > 180, torch.nan, mu), sigma


def test_an_image_without_a_probability_is_odd_and_a_clean_one_an_error():
    limits, zeros = Limits([1e9], [1.0]), torch.zeros(2, dtype=torch.int64)
    found = CleanImages(Broken(), limits).columns(with_pixels(3, 20), zeros)
    assert found["odd"].tolist() == [False, True]
    with pytest.raises(InputError, match="does not give clean images a finite probability"):
        fit_limits(Broken(), with_pixels(3, 20), zeros, quantile=0.95, classes=1)


def test_a_class_without_a_clean_image_is_named():
    labels = torch.tensor([0, 2])
    with pytest.raises(InputError, match="no validation image of class 1 among 2"):
        fit_limits(Counting(), with_pixels(3, 20), labels, quantile=0.95, classes=3)


def test_clean_digits_pass_where_they_are_clear_and_neither_odd_nor_noisy():
    label = torch.tensor([1, 2, 3, 4])
    clear = torch.tensor([True, True, True, False])
    verdict = Verdict(label, *[torch.ones(4)] * 2, label[None], clear, clear)
    columns = {"odd": np.array([1, 0, 0, 0], bool), "noisy": np.array([0, 0, 0, 1], bool)}
    rows = clean_digit_rows(verdict, torch.tensor([1, 2, 0, 4]), columns, seed=7)
    assert {row["id"].removeprefix("beyond.oracle.test."): row["value"] for row in rows} == {
        **{"clear": 0.75, "clear_right": pytest.approx(2 / 3)},
        **{"odd": 0.25, "noisy": 0.25, "clean": 0.5},
    }
    assert {row["seed"] for row in rows} == {7}
