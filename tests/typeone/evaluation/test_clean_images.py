"""Odd and noisy images, and the limits fitted on clean ones, where the answer is known."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from typeone.evaluation.clean_images import CleanImages, clean_digit_rows, fit_limits, noise
from typeone.evaluation.panels import Verdict
from typeone.models.density import Limits
from typeone.runtime.errors import InputError


class Counting(nn.Module):
    """A density model whose -ELBO is ln 2 for each pixel and half the square of the bright ones."""

    def encode(self, images):
        bright = images.flatten(1).sum(dim=1, keepdim=True)
        return bright, torch.ones_like(bright)

    def decode_logits(self, latent):
        return torch.zeros(len(latent), 1, 28, 28, dtype=latent.dtype)


def with_pixels(*counts):
    """One image for each count: so many bright pixels far from one another."""
    images = torch.zeros(len(counts), 1, 28, 28)
    for image, count in zip(images, counts, strict=True):
        places = [(r, c) for r in range(2, 28, 3) for c in range(2, 28, 3)][:count]
        for r, c in places:
            image[0, r, c] = 1
    return images


def test_the_noise_of_single_pixels_is_their_share_and_a_square_has_less():
    # the upper of two middle values of 2 x 2: one bright pixel of four is removed
    assert noise(with_pixels(0, 1, 5)).tolist() == pytest.approx([0, 1 / 784, 5 / 784])
    square = torch.zeros(1, 1, 28, 28)
    square[..., 10:20, 10:20] = 1
    # the window ends at the pixel, and of two bright pixels in it the upper middle value is bright:
    # nine pixels are added below and nine on the right, and the upper left corner is removed
    assert noise(square).item() == pytest.approx(19 / 784)
    grey = torch.full((1, 1, 28, 28), 0.3)
    assert noise(grey).item() == 0


def test_limits_are_the_quantiles_of_clean_images():
    images = with_pixels(*range(21))
    limits = fit_limits(Counting(), images, quantile=0.9)
    assert limits.noise == pytest.approx(18 / 784)
    assert limits.negative_elbo == pytest.approx(784 * math.log(2) + 18**2 / 2, rel=1e-6)
    columns = CleanImages(Counting(), limits).columns(images)
    assert columns["odd"].tolist() == [count > 18 for count in range(21)]
    assert columns["noisy"].tolist() == [count > 18 for count in range(21)]
    assert {name: column.dtype for name, column in columns.items()} == {
        **{"negative_elbo": np.float32, "noise": np.float32},
        **{"odd": np.bool_, "noisy": np.bool_},
    }


class Broken(Counting):
    """A density model that fails on bright images."""

    def encode(self, images):
        mu, sigma = super().encode(images)
        return torch.where(mu > 10, torch.nan, mu), sigma


def test_an_image_without_a_probability_is_odd_and_a_clean_one_an_error():
    found = CleanImages(Broken(), Limits(1e9, 1.0)).columns(with_pixels(3, 20))
    assert found["odd"].tolist() == [False, True]
    with pytest.raises(InputError, match="does not give clean images a finite probability"):
        fit_limits(Broken(), with_pixels(3, 20), quantile=0.95)


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
