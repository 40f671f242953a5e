"""The diffusion model: its preconditioning by hand, and what a training teaches it."""

import math

import pytest
import torch
from torch import nn

from typeone.models.diffusion import DATA_STD, Denoiser, load_denoiser, one_hot_classes
from typeone.runtime.artifacts import save_model
from typeone.runtime.devices import seeded
from typeone.runtime.errors import InputError
from typeone.training.diffusion import mean_error, train_diffusion
from typeone.training.loop import Training
from typeone.training.objectives.diffusion import denoising, draw_noise, weighted_error

NOTHING = torch.zeros(2, 10)


@pytest.fixture
def untrained():
    model = Denoiser(channels=8)
    model.start_at_skip()
    return model.eval().requires_grad_(False)


def test_an_untrained_model_is_the_best_estimate_of_gaussian_pixels(untrained):
    """E[x | x + sigma n] of x ~ N(0, s²) is s² / (s² + sigma²) times the noisy pixel."""
    noisy = torch.randn(2, 1, 28, 28, generator=seeded(0))
    sigma = torch.tensor([0.3, 5.0])
    share = DATA_STD**2 / (DATA_STD**2 + sigma.square())
    torch.testing.assert_close(untrained(noisy, sigma, NOTHING), share.view(2, 1, 1, 1) * noisy)


def test_the_network_sees_and_gives_what_equation_7_says():
    """F = 1 everywhere: the estimate is c_skip x + c_out, and F sees c_in x and ln(sigma) / 4."""
    model, seen = Denoiser(channels=8), []

    def network(scaled, level, classes):
        seen.append((scaled, level, classes))
        return torch.ones_like(scaled)

    model.network = network
    noisy, sigma, s = torch.full((1, 1, 28, 28), 2.0), torch.tensor([0.8]), DATA_STD
    estimate = model(noisy, sigma, NOTHING[:1])
    total = (s**2 + 0.8**2) ** 0.5
    assert estimate.unique().tolist() == pytest.approx([2 * s**2 / total**2 + 0.8 * s / total])
    scaled, level, _ = seen[0]
    assert scaled.unique().tolist() == pytest.approx([2 / total])
    assert level.tolist() == pytest.approx([math.log(0.8) / 4])


def test_a_training_starts_at_the_skip_connection():
    training = Training(
        "diffusion", {"epochs": 1, "batch_size": 8, "lr": 0.0}, 1, torch.device("cpu")
    )
    model = train_diffusion(training, *shapes(8), shapes(8), channels=8).model
    noisy, sigma = torch.ones(2, 1, 28, 28), torch.ones(2)
    share = DATA_STD**2 / (DATA_STD**2 + 1)
    with torch.no_grad():
        assert model(noisy, sigma, NOTHING).unique().tolist() == pytest.approx([share])


def test_the_error_of_gaussian_pixels_is_one_at_every_level(untrained):
    """The posterior variance is s² sigma² / (s² + sigma²), which the weight turns into 1."""
    images = DATA_STD * torch.randn(2, 1, 28, 28, generator=seeded(1))
    for level in (0.05, 1.0, 20.0):
        noise = torch.randn(images.shape, generator=seeded(2))
        found = weighted_error(untrained, images, NOTHING, torch.full((2,), level), noise)
        assert found.tolist() == pytest.approx([1, 1], abs=0.2)  # 784 pixels: 3.5 sd are 0.18


def test_a_share_of_the_images_is_seen_without_class():
    seen = []

    class Watching(nn.Module):
        def forward(self, noisy, _sigma, classes):
            seen.append(classes)
            return noisy

    images, classes = torch.zeros(2000, 1, 2, 2), one_hot_classes(torch.arange(2000) % 10)
    denoising(Watching(), images, classes, seeded(3))(torch.arange(2000), 0.0)
    named = seen[0].sum(dim=1) == 1
    assert 0.87 < named.float().mean() < 0.93  # 0.9; 4.5 sd are 0.03
    assert torch.equal(seen[0][named], classes[named])
    assert not seen[0][~named].any()


def test_noise_levels_are_log_normal_and_noise_is_standard():
    sigma, noise = draw_noise(torch.zeros(20_000, 1, 1, 1), seeded(4))
    logs = sigma.log()
    assert (logs.mean().item(), logs.std().item()) == pytest.approx((-1.0, 1.2), abs=0.05)
    assert (noise.mean().item(), noise.std().item()) == pytest.approx((0, 1), abs=0.05)


def shapes(count):
    """A square of class 0 and a bar of class 1, in turn: images and labels."""
    images = torch.zeros(count, 1, 28, 28)
    images[::2, :, 8:20, 8:20] = 1
    images[1::2, :, 4:24, 12:16] = 1
    return images, torch.arange(count) % 2


@pytest.fixture(scope="module")
def trained():
    settings = {"epochs": 20, "batch_size": 16, "lr": 0.01, "schedule": "one_cycle"}
    training = Training("diffusion", settings, 1, torch.device("cpu"))
    return train_diffusion(training, *shapes(256), shapes(32), channels=8)


def test_training_teaches_the_classes(trained):
    images, labels = shapes(2)
    noisy = 3 * torch.randn(2, 1, 28, 28, generator=seeded(5))  # nothing of an image is left
    with torch.no_grad():
        drawn = (trained.model(noisy, torch.full((2,), 3.0), one_hot_classes(labels)) + 1) / 2
    errors = torch.cdist(drawn.flatten(1), images.flatten(1))
    assert errors.argmin(dim=1).tolist() == [0, 1]


def test_the_curve_has_the_error_of_held_out_images(trained):
    images, labels = shapes(32)
    error = mean_error(trained.model, 2 * images - 1, one_hot_classes(labels), seeded(1))
    assert trained.curve[-1]["validation_loss"] == pytest.approx(error)
    assert error < trained.curve[0]["validation_loss"] * 0.8


def test_a_stored_model_is_the_same_and_another_is_refused(trained, tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(path, trained.model, metadata=trained.note)
    noisy, sigma = torch.rand(2, 1, 28, 28, generator=seeded(6)), torch.ones(2)
    again = load_denoiser(path)(noisy, sigma, NOTHING)
    with torch.no_grad():
        assert torch.equal(again, trained.model(noisy, sigma, NOTHING))
    save_model(path, trained.model, metadata=trained.note | {"architecture": "other"})
    with pytest.raises(InputError, match="contains 'other', needs 'diffusion-28x28'; delete it"):
        load_denoiser(path)
