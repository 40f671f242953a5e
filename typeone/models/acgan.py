"""The AC-GAN whose latent space is attacked (III-D, IV-E): a generator, and a critic with f_G.

ASSUME: the paper only gives "128 latent features". This is the smallest network that learns to
generate digits in minutes on one core: two transposed convolutions in G, two strided convolutions
in the critic. The class is concatenated with z, as in Odena et al. (2017). The critic has no batch
norm, as the gradient penalty of WGAN-GP (Gulrajani et al., 2017) requires.
"""

from __future__ import annotations

import os

import torch
from torch import Tensor, nn

from typeone.models.layers import one_hot
from typeone.models.stored_networks import load_frozen, read_note

ARCHITECTURE = "acgan-28x28"


class Generator(nn.Module):
    """G: latents ``(N, latent_dim)`` and conditions ``(N, classes)`` → images in (0, 1)."""

    def __init__(self, *, latent_dim: int, classes: int, channels: int) -> None:
        super().__init__()
        wide, hidden = 2 * channels, 8 * channels
        self.layers = nn.Sequential(
            *(
                nn.Linear(latent_dim + classes, hidden),
                nn.BatchNorm1d(hidden),
                nn.ReLU(inplace=True),
            ),
            *(nn.Linear(hidden, wide * 7 * 7), nn.Unflatten(1, (wide, 7, 7))),
            *(nn.BatchNorm2d(wide), nn.ReLU(inplace=True)),
            nn.ConvTranspose2d(wide, channels, 4, stride=2, padding=1),
            *(nn.BatchNorm2d(channels), nn.ReLU(inplace=True)),
            nn.ConvTranspose2d(channels, 1, 4, stride=2, padding=1),
        )

    def forward(self, latent: Tensor, condition: Tensor) -> Tensor:
        return torch.sigmoid(self.layers(torch.cat([latent, condition], dim=1)))


class Critic(nn.Module):
    """Images ``(N, 1, 28, 28)`` in [0, 1] → Wasserstein critic ``(N,)`` and f_G's logits."""

    def __init__(self, *, classes: int, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Conv2d(1, channels, 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True)),
            *(nn.Conv2d(channels, 2 * channels, 4, stride=2, padding=1), nn.LeakyReLU(0.2)),
            *(nn.Flatten(), nn.Linear(2 * channels * 7 * 7, 4 * channels), nn.LeakyReLU(0.2)),
            nn.Linear(4 * channels, 1 + classes),
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        out = self.layers(images)
        return out[:, 0], out[:, 1:]


class AuxiliaryGAN(nn.Module):
    """An AC-GAN of digits: G, and a critic with the auxiliary classifier f_G.

    Images are ``(N, 1, 28, 28)`` in [0, 1], latents ``(N, latent_dim)``, labels ``(N,)``.
    """

    def __init__(self, *, latent_dim: int = 128, classes: int = 10, channels: int = 32) -> None:
        super().__init__()
        self.latent_dim, self.classes = latent_dim, classes
        self.generator = Generator(latent_dim=latent_dim, classes=classes, channels=channels)
        self.critic = Critic(classes=classes, channels=channels)

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw He-uniform weights, set biases to zero."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                nn.init.kaiming_uniform_(module.weight, nonlinearity="relu", generator=generator)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def condition(self, labels: Tensor) -> Tensor:
        """Encode labels ``(N,)`` as G's condition: one-hot ``(N, classes)``."""
        return one_hot(labels, self.classes).float()

    def generate(self, latent: Tensor, labels: Tensor) -> Tensor:
        """Generate images in (0, 1): G(z, y)."""
        return self.generator(latent, self.condition(labels).to(latent))

    def classify(self, images: Tensor) -> Tensor:
        """f_G: class logits ``(N, classes)`` of images."""
        return self.critic(images)[1]


def load_gan(path: str | os.PathLike[str], device: torch.device | str = "cpu") -> AuxiliaryGAN:
    """Load a trained AC-GAN from its checkpoint, in eval mode with frozen parameters.

    Raises:
        InputError: there is no checkpoint, or it is of another architecture.
    """
    note = read_note(path, [ARCHITECTURE], kind="an AC-GAN")
    gan = AuxiliaryGAN(latent_dim=note["latent_dim"], channels=note["channels"])
    return load_frozen(path, gan, device)
