"""Attacks on the latent space start where f1 and the oracle see the digit that was asked for."""

import pytest
import torch
from torch import nn

from typeone.evaluation.latent_space import draw_starts
from typeone.evaluation.panels import Verdict
from typeone.runtime.errors import InputError


class Painter:
    """G paints its label as the brightness of the image, a tenth a class."""

    latent_dim, classes = 2, 10

    def generate(self, latent, labels):
        return (labels / 10).view(-1, 1, 1, 1).expand(-1, 1, 28, 28)


def read(images):
    """The label that `Painter` was asked for, seen in stored images."""
    return (images[:, 0, 0, 0] * 10).round().long()


class Oracle:
    """Sees what was painted, 7 for 3, and doubts every 5."""

    def verdict(self, images, *, clear_confidence):
        label = read(images)
        seen = torch.where(label == 3, 7, label)
        sure = torch.ones(len(seen))
        return Verdict(seen, seen.float(), sure, seen[None], sure > 0, label != 5)


def f1(images):
    """Sees what was painted, but no 8."""
    label = read(images)
    return nn.functional.one_hot(torch.where(label == 8, 0, label), 10).float()


def starts(**settings):
    generator = torch.Generator().manual_seed(0)
    return draw_starts(*(Painter(), f1, Oracle(), generator), clear_confidence=0.8, **settings)


def test_a_start_is_seen_by_f1_and_beyond_doubt_by_the_oracle():
    latent, labels = starts(count=9, draws=20)
    assert labels.tolist() == [0, 1, 2, 4, 6, 7, 9, 0, 1]
    drawn = torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(latent, drawn[[0, 1, 2, 4, 6, 7, 9, 10, 11]])


def test_too_few_starts_are_an_error_that_says_what_to_do():
    said = r"`latent.count` is 15, but f1 and the oracle see the requested digit in only 14 of 20"
    with pytest.raises(InputError, match=said):
        starts(count=15, draws=20)
