"""The supervised variational autoencoder of Section III-A, for 28x28 digits.

ASSUME: the paper gives no architecture; this is the one of the authors' code (supplementary
material): 3x3 convolutions with ELU, 32 latent dimensions, an attacker f2 and a discriminator f_dis
on the latent. Weights start Xavier-uniform and biases at zero, as TensorFlow slim does: with
PyTorch's default start the encoder collapses to the prior for several epochs
(docs/reproduction-notes.md).
"""

from __future__ import annotations

import os
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from typeone.artifacts import load_model, read_model_metadata
from typeone.errors import InputError

ARCHITECTURE = "svae-28x28"


class _Unflatten(nn.Module):
    """(N, H*W*C) → (N, C, H, W) in channels-last memory: a view, and the layout of TensorFlow."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.shape = (side, side, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x.unflatten(1, self.shape).permute(0, 3, 1, 2)


class _Flatten(nn.Module):
    """(N, C, H, W) → (N, H*W*C), the inverse of `_Unflatten`."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)


def _dense(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths[:-1]):
        layers += [nn.Linear(fan_in, fan_out), nn.ELU(inplace=True)]
    return nn.Sequential(*layers, nn.Linear(*widths[-2:]))


def _upsample() -> nn.Upsample:
    return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)


class SupervisedVAE(nn.Module):
    """Encoder, decoder, attacker f2 and discriminator f_dis of one SVAE.

    Images are ``(N, 1, 28, 28)`` in [0, 1], latents ``(N, latent_dim)``.
    """

    def __init__(self, *, latent_dim: int = 32, classes: int = 10) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.encoder = nn.Sequential(
            *(nn.Conv2d(1, 16, 3, padding=1), nn.ELU(inplace=True)),
            *(nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ELU(inplace=True)),
            *(nn.Conv2d(32, 32, 3, padding=1), nn.ELU(inplace=True)),
            *(nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.ELU(inplace=True)),
            *(_Flatten(), nn.Linear(7 * 7 * 64, 128), nn.Tanh()),
            nn.Linear(128, 2 * latent_dim),
        )
        self.decoder = nn.Sequential(
            *(nn.Linear(latent_dim, 128), nn.ELU(inplace=True)),
            *(nn.Linear(128, 7 * 7 * 64), nn.ELU(inplace=True), _Unflatten(64, 7)),
            *(_upsample(), nn.Conv2d(64, 32, 3, padding=1), nn.ELU(inplace=True)),
            *(nn.Conv2d(32, 32, 3, padding=1), nn.ELU(inplace=True)),
            *(_upsample(), nn.Conv2d(32, 16, 3, padding=1), nn.ELU(inplace=True)),
            nn.Conv2d(16, 1, 3, padding=1),
        )
        self.classifier = _dense(latent_dim, 256, 128, classes)
        self.discriminator = _dense(latent_dim, 256, 128, 64, 1)
        self.to(memory_format=torch.channels_last)

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw Xavier-uniform weights, set biases to zero."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight, generator=generator)
                nn.init.zeros_(module.bias)

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of q(z|x), each ``(N, latent_dim)``; sigma > 1e-6."""
        mu, raw = self.encoder(images).chunk(2, dim=1)
        return mu, F.softplus(raw) + 1e-6

    def decode_logits(self, latent: Tensor) -> Tensor:
        """Pixel logits ``(N, 1, 28, 28)`` of p(x|z)."""
        return self.decoder(latent)

    def decode(self, latent: Tensor) -> Tensor:
        """f_dec: images ``(N, 1, 28, 28)`` in (0, 1)."""
        return torch.sigmoid(self.decoder(latent))

    def classify(self, latent: Tensor) -> Tensor:
        """f2: class logits ``(N, classes)`` of a latent."""
        return self.classifier(latent)

    def discriminate(self, latent: Tensor) -> Tensor:
        """Logit ``(N,)`` of f_dis: positive where the latent looks encoded, not drawn."""
        return self.discriminator(latent).squeeze(1)


def load_svae(path: str | os.PathLike[str], device: torch.device | str = "cpu") -> SupervisedVAE:
    """A trained SVAE as its checkpoint describes it: eval mode, parameters frozen."""
    metadata = read_model_metadata(path)
    if metadata.get("architecture") != ARCHITECTURE:
        raise InputError(
            f"{path} holds {metadata.get('architecture')!r}, needs {ARCHITECTURE!r}; "
            "delete it or name an SVAE's checkpoint"
        )
    svae = SupervisedVAE(latent_dim=metadata["latent_dim"])
    load_model(path, svae)
    return svae.to(device).requires_grad_(False)
