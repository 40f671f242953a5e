"""Guided diffusion with denoisers and classifiers whose answers are known."""

import pytest
import torch
from torch import nn

from typeone.attacks.diffusion import LEAST_SIGMA, guidance, guided_diffusion, noise_levels
from typeone.runtime.devices import seeded

LABELS, TARGETS = torch.tensor([3, 7, 0]), torch.tensor([4, 8, 1])
SETTINGS = {"steps": 5, "start": 2.0, "class_weight": 1.0, "scale": 0.0}
IGNORED = nn.Identity()  # a classifier without influence


@pytest.fixture
def images():
    return torch.rand(3, 1, 28, 28, generator=seeded(1))


def draw(denoiser, classifier, images, seed=0, **settings):
    """Guided diffusion of three images with a fixed seed."""
    settings = SETTINGS | settings
    return guided_diffusion(denoiser, classifier, images, LABELS, TARGETS, seeded(seed), **settings)


def by_class(_noisy, _sigma, classes):
    """Estimate all pixels of class c as c / 10 in [-1, 1], and as -0.5 without a class."""
    value = (classes * torch.arange(10) / 10).sum(dim=1) - 0.5 * (classes.sum(dim=1) == 0)
    return value.view(-1, 1, 1, 1).expand(-1, 1, 28, 28)


def half(noisy, _sigma, _classes):
    """Estimate the image as half of what is seen."""
    return 0.5 * noisy


def as_pixel(value):
    return (value + 1) / 2


@pytest.mark.parametrize("steps", [2, 3, 40])
def test_noise_falls_from_the_start_to_nothing(steps):
    levels = noise_levels(steps, 3.0)
    assert len(levels) == steps + 1
    assert (levels[0], levels[-2], levels[-1]) == pytest.approx((3.0, LEAST_SIGMA, 0))
    assert levels == sorted(levels, reverse=True)


def test_the_middle_of_three_levels_by_hand():
    """Eq. 5 with rho 7: the mean of the seventh roots, to the seventh power."""
    assert noise_levels(3, 3.0)[1] == pytest.approx(((3 ** (1 / 7) + 0.02 ** (1 / 7)) / 2) ** 7)


@pytest.mark.parametrize("steps", [2, 5])
def test_a_sure_model_draws_its_class_from_any_image(images, steps):
    drawn = draw(by_class, IGNORED, images, steps=steps)
    wanted = as_pixel(TARGETS / 10).view(3, 1, 1, 1).expand_as(images)
    torch.testing.assert_close(drawn, wanted)


@pytest.mark.parametrize(
    ("weight", "value"), [(0.0, -0.5), (0.5, -0.05), (1.0, 0.4), (1.5, 0.85), (2.0, 1.0)]
)
def test_the_class_weight_leads_from_no_class_to_the_class_and_beyond(images, weight, value):
    """-0.5 + weight * 0.9 for class 4, clamped to the range of images."""
    drawn = draw(by_class, IGNORED, images, class_weight=weight)
    assert drawn[0].unique().tolist() == pytest.approx([as_pixel(value)])


def test_two_euler_steps_by_hand(images):
    """With the estimate x / 10, a step from s to t gives (0.1 + 0.9 t / s) x; the last 0.1 x."""
    start, tenth = 2.0, lambda noisy, _sigma, _classes: 0.1 * noisy
    noise = torch.randn(images.shape, generator=seeded(0))
    share = 0.1 * (0.1 + 0.9 * LEAST_SIGMA / start)
    wanted = as_pixel(share * (2 * images - 1 + start * noise))  # no estimate reaches 1 in absolute
    torch.testing.assert_close(draw(tenth, IGNORED, images, steps=2, start=start), wanted)


def test_an_estimate_is_clamped_to_the_range_of_images(images):
    drawn = draw(lambda noisy, *_: 5 * noisy.sign(), IGNORED, images)
    assert set(drawn.unique().tolist()) <= {0.0, 1.0}


class Brightness(nn.Module):
    """The brighter the image, the surer of class 3 (label of the first), else of the others."""

    def forward(self, images):
        assert images.min() >= 0
        assert images.max() <= 1
        score = 20 * (images.flatten(1).mean(dim=1) - 0.9)
        return nn.functional.one_hot(torch.tensor(3), 10) * score[:, None]


def test_the_length_of_the_guidance_is_that_of_the_doubt_in_the_label(images):
    noisy = (2 * images - 1).requires_grad_(True)
    step = guidance(half(noisy, None, None), noisy, Brightness(), LABELS, 4.0)
    confidence = Brightness()(as_pixel(noisy / 2)).softmax(dim=1)[torch.arange(3), LABELS]
    assert step.flatten(1).norm(dim=1).tolist() == pytest.approx(
        (4 * (1 - confidence)).tolist(), rel=1e-4
    )
    for direction, sign in zip(step, (1, -1, -1), strict=True):  # brighter for class 3 alone
        assert (direction.sign() == sign).all()


def test_every_step_is_guided_by_a_length_that_falls_with_the_fourth_root_of_the_noise(
    images, monkeypatch
):
    lengths = []

    def recorded(clean, _noisy, _classifier, _labels, length):
        lengths.append(length)
        return torch.full_like(clean, 0.1)

    monkeypatch.setattr("typeone.attacks.diffusion.guidance", recorded)
    drawn = draw(by_class, IGNORED, images, scale=3.0)
    assert lengths == pytest.approx([3 * level**0.25 for level in noise_levels(5, 2.0)[:-1]])
    assert drawn[0].unique().tolist() == pytest.approx([as_pixel(0.4 + 0.1)])


@pytest.mark.parametrize("kind", ["sure", "without gradient", "not finite"])
def test_without_a_usable_gradient_f1_does_not_guide(images, kind):
    def logits(batch):
        base = nn.functional.one_hot(LABELS, 10) * 1000.0
        if kind == "sure":
            return base + 0 * batch.mean()
        return (batch.round() * 0 if kind == "without gradient" else (batch * 0).sqrt()).flatten(1)[
            :, :10
        ]

    plain = draw(half, IGNORED, images)
    assert torch.equal(draw(half, logits, images, scale=5.0), plain)


def test_tiny_gradients_guide_as_large_ones(images):
    def scaled(factor):
        return lambda batch: Brightness()(batch) * factor

    doubtful = draw(half, scaled(1e-10), images, scale=1.0)
    torch.testing.assert_close(draw(half, scaled(1e-30), images, scale=1.0), doubtful)


def test_the_chunk_changes_nothing_and_the_seed_does(images):
    one = draw(half, Brightness(), images, scale=1.0, chunk=1)
    torch.testing.assert_close(one, draw(half, Brightness(), images, scale=1.0))
    assert not torch.allclose(draw(half, IGNORED, images, seed=1), draw(half, IGNORED, images))
