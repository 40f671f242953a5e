"""Density models of small images: dense variational autoencoders.

An attacked image is compared with clean ones by its -ELBO under a held-out model, which no attack
uses. Variant `ours` keeps the -ELBO under another one small, with other weights and fewer latent
dimensions. Neither shares a layer with the SVAE, whose convolutional decoder draws attacked images.

ASSUME: beyond the paper; 784-512-256 units and 32 latent dimensions, 24 in the attack.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from typeone.data.idx_sets import SIDE
from typeone.models.stored_networks import load_frozen, read_note
from typeone.runtime.artifacts import read_model_metadata
from typeone.runtime.errors import InputError

ARCHITECTURE = "dense-vae-28x28"


class DenseVAE(nn.Module):
    """A VAE of binary images ``(N, 1, 28, 28)`` with dense layers and Bernoulli pixels."""

    def __init__(self, *, latent_dim: int = 32) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        pixels = SIDE * SIDE
        self.encoder = nn.Sequential(
            *(nn.Flatten(), nn.Linear(pixels, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU()),
            nn.Linear(256, 2 * latent_dim),
        )
        self.decoder = nn.Sequential(
            *(nn.Linear(latent_dim, 256), nn.ReLU(), nn.Linear(256, 512), nn.ReLU()),
            *(nn.Linear(512, pixels), nn.Unflatten(1, (1, SIDE, SIDE))),
        )

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of q(z|x), each ``(N, latent_dim)``; sigma > 1e-6."""
        mu, raw = self.encoder(images).chunk(2, dim=1)
        return mu, F.softplus(raw) + 1e-6

    def decode_logits(self, latent: Tensor) -> Tensor:
        """Decode to pixel logits ``(N, 1, 28, 28)``."""
        return self.decoder(latent)


@dataclass(frozen=True)
class Limits:
    """Limits up to which an image resembles clean ones, one for each class.

    Attributes:
        negative_elbo: largest -ELBO under the density model, nats.
        noise: largest noise, see `typeone.evaluation.image_quality.quality`.
    """

    negative_elbo: list[float]
    noise: list[float]


def load_density(path: str | os.PathLike[str], device: torch.device | str = "cpu") -> DenseVAE:
    """Load a density model, in eval mode with frozen parameters.

    Raises:
        InputError: there is no checkpoint, or it is of another architecture.
    """
    note = read_note(path, [ARCHITECTURE], kind="a density model")
    return load_frozen(path, DenseVAE(latent_dim=note["latent_dim"]), device)


def load_limits(path: str | os.PathLike[str]) -> Limits:
    """Read the limits in the checkpoint of the held-out density model.

    Raises:
        InputError: there is no checkpoint, or one without limits, as that of the attackers.
    """
    limits = read_model_metadata(path).get("limits")
    if limits is None:
        raise InputError(f"{path} contains no limits; needs the held-out density model")
    return Limits(**limits)
