"""Guided diffusion with denoisers and classifiers whose answers are known."""

import pytest
import torch
from torch import nn

from typeone.attacks.diffusion import FIRST_SIGMA, guided_diffusion, noise_levels
from typeone.runtime.devices import seeded

LABELS, TARGETS = torch.tensor([3, 7, 0]), torch.tensor([4, 8, 1])
HOW = {"steps": 5, "start": 2.0, "class_weight": 1.0, "scale": 0.0}
NO_ONE = nn.Identity()  # a classifier that must not matter


@pytest.fixture
def images():
    return torch.rand(3, 1, 28, 28, generator=seeded(1))


def draw(denoiser, classifier, images, **how):
    return guided_diffusion(denoiser, classifier, images, LABELS, TARGETS, seeded(0), **HOW | how)


def of_class(_noisy, _sigma, classes):
    """A model that is sure: all pixels of class c are c / 10 in [-1, 1], without class -0.5."""
    value = (classes * torch.arange(10) / 10).sum(dim=1) - 0.5 * (classes.sum(dim=1) == 0)
    return value.view(-1, 1, 1, 1).expand(-1, 1, 28, 28)


def as_pixel(value):
    return (value + 1) / 2


@pytest.mark.parametrize("steps", [1, 2, 40])
def test_noise_falls_from_the_start_to_nothing(steps):
    levels = noise_levels(steps, 3.0)
    assert len(levels) == steps + 1
    assert levels[0] == pytest.approx(3.0)
    assert levels[-1] == 0
    assert steps == 1 or levels[-2] == pytest.approx(FIRST_SIGMA)
    assert levels == sorted(levels, reverse=True)


@pytest.mark.parametrize("steps", [1, 5])
def test_a_sure_model_draws_its_class_from_any_image(images, steps):
    drawn = draw(of_class, NO_ONE, images, steps=steps)
    wanted = as_pixel(TARGETS / 10).view(3, 1, 1, 1).expand_as(images)
    torch.testing.assert_close(drawn, wanted)


@pytest.mark.parametrize(("weight", "value"), [(0.0, -0.5), (0.5, -0.05), (1.0, 0.4)])
def test_the_weight_of_the_class_is_between_no_class_and_the_class(images, weight, value):
    drawn = draw(of_class, NO_ONE, images, class_weight=weight)
    assert drawn[0].unique().tolist() == pytest.approx([as_pixel(value)])


def test_without_noise_left_the_image_is_that_of_the_model_within_its_range(images):
    drawn = draw(lambda noisy, *_: 5 * noisy.sign(), NO_ONE, images)
    assert set(drawn.unique().tolist()) <= {0.0, 1.0}


class Bright(nn.Module):
    """The brighter the image, the surer of class 3 (label of the first), else of class 4."""

    def forward(self, images):
        score = images.flatten(1).mean(dim=1) - 0.9
        return torch.nn.functional.one_hot(torch.tensor(3), 10) * score[:, None] * 20


def grey(noisy, _sigma, _classes):
    """A model that believes half of what it sees."""
    return 0.5 * noisy


def test_f1_guides_the_drawing_towards_its_label(images):
    plain, guided = (draw(grey, Bright(), images, scale=scale) for scale in (0.0, 5.0))
    assert guided[0].mean() > plain[0].mean() + 0.01  # its label is 3: brighter
    assert guided[1].mean() < plain[1].mean() - 0.01  # its label is 7: darker


def test_a_sure_f1_and_one_without_gradient_do_not_guide(images):
    def sure(batch):
        return 1000 * nn.functional.one_hot(LABELS, 10) + 0 * batch.mean()

    plain = draw(grey, NO_ONE, images)
    assert torch.equal(draw(grey, sure, images, scale=5.0), plain)


def test_the_chunk_changes_nothing_and_the_seed_does(images):
    one = draw(grey, Bright(), images, scale=1.0, chunk=1)
    torch.testing.assert_close(one, draw(grey, Bright(), images, scale=1.0))
    other = guided_diffusion(grey, NO_ONE, images, LABELS, TARGETS, seeded(1), **HOW)
    assert not torch.allclose(other, draw(grey, NO_ONE, images))
