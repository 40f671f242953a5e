"""FGSM and PGD on embeddings climb as far as the ball lets them, and stay in it."""

from dataclasses import replace

import pytest
import torch

from typeone.attacks.embedding import EmbeddingAttackSettings, perturbed

from ..algorithm2 import F64, seeded

PGD = EmbeddingAttackSettings(epsilon=20 / 255, steps=10, step_size=2.55 / 255, start=20 / 255)
FGSM = EmbeddingAttackSettings(epsilon=20 / 255, steps=1, step_size=21 / 255, start=1 / 255)


class Linear(torch.nn.Module):
    """Embeddings are one weighted sum of the pixels: the farthest image is known."""

    def __init__(self, weights):
        super().__init__()
        self.weights = weights

    def forward(self, images):
        return images.flatten(1) @ self.weights[:, None]


class Curved(torch.nn.Module):
    """Unit embeddings of four dimensions, smooth in the pixels."""

    def __init__(self):
        super().__init__()
        self.weights = torch.randn(12, 4, generator=seeded(3), dtype=F64)

    def forward(self, images):
        return torch.nn.functional.normalize(
            torch.tanh(images.flatten(1) @ self.weights + 0.5), dim=1
        )


@pytest.fixture
def images():
    """Five tiny images; the last is black, so that half of its ball lies outside [0, 1]."""
    drawn = torch.rand(5, 3, 2, 2, generator=seeded(1), dtype=F64)
    drawn[4] = 0
    return drawn


def distances(recognizer, images, attacked):
    return (recognizer(attacked) - recognizer(images)).norm(dim=1)


@pytest.mark.parametrize("settings", [PGD, FGSM], ids=["pgd", "fgsm"])
def test_what_is_found_lies_in_the_ball_and_is_an_image(images, settings):
    found = perturbed(Curved(), images, settings, generator=seeded(2))
    assert found.shape == images.shape
    # one rounding of float64 at most
    assert (found - images).abs().max() <= settings.epsilon + 1e-15
    assert found.min() >= 0
    assert found.max() <= 1
    assert not found.requires_grad


def test_pgd_meets_the_closed_form_of_a_linear_embedding():
    """|w d| is largest at d = ±epsilon sign(w); which of the two, the start decides."""
    weights = torch.randn(12, generator=seeded(4), dtype=F64)
    recognizer, grey = Linear(weights), torch.full((6, 3, 2, 2), 0.5, dtype=F64)
    # ten steps of 2.55/255 cross the ball of 20/255 from one side only from -5.5/255 on
    for settings in (replace(PGD, steps=20), FGSM):
        found = perturbed(recognizer, grey, settings, generator=seeded(5)) - 0.5
        side = torch.sign(found.flatten(1) @ weights)
        farthest = side[:, None] * settings.epsilon * weights.sign()
        torch.testing.assert_close(found.flatten(1), farthest, rtol=0, atol=1e-12)
        assert set(side.tolist()) == {-1, 1}


def test_a_wall_of_the_range_bends_the_closed_form():
    """At black only brighter pixels are images: the best is epsilon where w is positive."""
    # this start is brighter where w is positive, and the small weight cannot turn the sum
    weights = torch.tensor([1.0, -1e-9, 3.0, 4.0], dtype=F64)
    black = torch.zeros(1, 1, 2, 2, dtype=F64)
    found = perturbed(Linear(weights), black, replace(PGD, steps=20), generator=seeded(1))
    corner = PGD.epsilon * torch.tensor([1.0, 0, 1, 1], dtype=F64)
    torch.testing.assert_close(found.flatten(), corner)


def test_fgsm_is_one_step_of_the_sign_of_the_gradient_from_its_start(images):
    recognizer = Curved()
    drawn = torch.rand(images.shape, generator=seeded(7))
    start = (images + (2 * drawn - 1) / 255).clamp(0, 1).requires_grad_(True)
    distance = (recognizer(start) - recognizer(images)).square().sum(dim=1).sqrt()
    (slope,) = torch.autograd.grad(distance.sum(), start)
    stepped = start.detach() + 21 / 255 * slope.sign()
    by_hand = torch.minimum(torch.maximum(stepped, images - FGSM.epsilon), images + FGSM.epsilon)
    found = perturbed(recognizer, images, FGSM, generator=seeded(7))
    # the noise is drawn in float32
    torch.testing.assert_close(found, by_hand.clamp(0, 1), rtol=0, atol=1e-7)


@pytest.mark.parametrize("settings", [PGD, FGSM], ids=["pgd", "fgsm"])
def test_what_is_found_lies_farther_than_its_start(images, settings):
    recognizer = Curved()
    climbed, started = (
        perturbed(recognizer, images, replace(settings, steps=steps), generator=seeded(2))
        for steps in (settings.steps, 0)
    )
    away = distances(recognizer, images, climbed) > distances(recognizer, images, started)
    assert away.tolist() == [True] * 5


def test_a_batch_is_attacked_as_any_batches_of_it(images):
    together, apart = (
        perturbed(Curved(), images, PGD, generator=seeded(2), chunk=chunk) for chunk in (5, 2)
    )
    # float64 sums in another order
    torch.testing.assert_close(together, apart, rtol=0, atol=1e-12)


def test_the_same_seed_gives_the_same_bytes_and_another_other_ones(images):
    first, second, other = (
        perturbed(Curved(), images, PGD, generator=seeded(seed)) for seed in (2, 2, 3)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
