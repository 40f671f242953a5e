"""-ELBO under the density model, where the answer is known on paper, and its training."""

import math

import pytest
import torch

from typeone.models.density import DenseVAE
from typeone.training.density import negative_elbo, train_density
from typeone.training.loop import Training

from ..algorithm2 import f64


class PaperVae:
    """Two pixels x: mu = 2 x, sigma = (1, 2); a pixel's logit is ln 3 * (mu of the other - 1)."""

    def encode(self, images):
        mu = 2 * images.flatten(1)
        return mu, f64(1.0, 2.0).expand_as(mu)

    def decode_logits(self, latent):
        return (math.log(3) * (latent.flip(1) - 1)).view(len(latent), 1, 1, 2)


IMAGES = f64([1, 0], [1, 1], [0, 0]).view(3, 1, 1, 2)
# a logit of ±ln 3 is a chance of 3/4 or 1/4; KL is half the sum of mu² + sigma² - 1 - 2 ln sigma
BY_HAND = [
    2 * math.log(4) + (4 + 1 - 1) / 2 + (0 + 4 - 1) / 2 - math.log(2),  # both pixels are unlikely
    2 * math.log(4 / 3) + (4 + 1 - 1) / 2 + (4 + 4 - 1) / 2 - math.log(2),
    2 * math.log(4 / 3) + (0 + 1 - 1) / 2 + (0 + 4 - 1) / 2 - math.log(2),
]


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_the_negative_elbo_by_hand_in_batches_of_any_size(batch):
    found = negative_elbo(PaperVae(), IMAGES, batch=batch)
    assert found.tolist() == pytest.approx(BY_HAND, abs=1e-12)  # float64


def test_no_gradient_is_kept():
    assert not negative_elbo(PaperVae(), IMAGES.clone().requires_grad_(True)).requires_grad


def two_shapes(count, generator):
    """Images of a square or of a bar, each with one pixel of noise, ``(count, 1, 28, 28)``."""
    images = torch.zeros(count, 1, 28, 28)
    images[::2, :, 8:20, 8:20] = 1
    images[1::2, :, 4:24, 12:16] = 1
    noise = torch.randint(0, 784, (count,), generator=generator)
    images.flatten(1)[torch.arange(count), noise] = 1
    return images


def test_training_makes_images_like_those_seen_more_probable_than_others():
    generator = torch.Generator().manual_seed(0)
    seen, held_out = two_shapes(256, generator), two_shapes(64, generator)
    settings = {"epochs": 15, "batch_size": 32, "lr": 0.002, "beta1": 0.9}
    training = Training("density", settings, 1, torch.device("cpu"))
    trained = train_density(training, seen, held_out, latent_dim=4)
    untrained = DenseVAE(latent_dim=4)
    assert negative_elbo(trained.model, held_out).mean() < negative_elbo(untrained, held_out).mean()
    # one unknown pixel of 784 costs at least its address: ln 784 is 6.7 nats
    probable = negative_elbo(trained.model, held_out).mean().item()
    assert 6.7 < probable < 60
    assert trained.curve[-1]["validation_negative_elbo"] == pytest.approx(probable, rel=1e-6)
    other = held_out.roll(7, dims=3)  # the same shapes elsewhere
    assert (negative_elbo(trained.model, other) > 2 * probable).all()
