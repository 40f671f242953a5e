"""A class-conditional diffusion model of small images, for the rival `diffusion`.

The network denoises: from x + sigma * noise and a class it estimates x (Karras et al., NeurIPS
2022, "Elucidating the Design Space of Diffusion-Based Generative Models", Eq. 7). It works on
images in [-1, 1], at half the resolution with four channels, which costs a quarter on a CPU.

ASSUME: beyond the paper; the architecture is ours.
"""

from __future__ import annotations

import math
import os

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from typeone.models.layers import one_hot
from typeone.models.stored_networks import load_frozen, read_note

ARCHITECTURE = "diffusion-28x28"
CLASSES = 10
FREQUENCIES, EMBEDDING = 16, 128
DATA_STD = 0.6  # ASSUME: of digits scaled to [-1, 1] (0.62); 0.5 in Karras et al.


class Block(nn.Module):
    """A residual block of two convolutions, whose second norm an embedding scales and shifts."""

    def __init__(self, fan_in: int, fan_out: int) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.GroupNorm(8, fan_in), nn.SiLU(), nn.Conv2d(fan_in, fan_out, 3, padding=1)
        )
        self.norm = nn.GroupNorm(8, fan_out)
        self.scale_shift = nn.Linear(EMBEDDING, 2 * fan_out)
        self.second = nn.Conv2d(fan_out, fan_out, 3, padding=1)
        self.skip = nn.Identity() if fan_in == fan_out else nn.Conv2d(fan_in, fan_out, 1)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.scale_shift(embedding)[:, :, None, None].chunk(2, dim=1)
        hidden = self.norm(self.first(x)) * (1 + scale) + shift
        return self.skip(x) + self.second(F.silu(hidden))


class Denoiser(nn.Module):
    """Estimate of clean images from noisy ones and classes; ``channels``: a multiple of 8."""

    frequencies: Tensor

    def __init__(self, *, channels: int = 32) -> None:
        super().__init__()
        self.channels, wide = channels, 2 * channels
        self.register_buffer(
            "frequencies",
            torch.linspace(0, math.log(1000), FREQUENCIES).exp(),
            persistent=False,
        )
        self.of_noise = nn.Sequential(
            nn.Linear(2 * FREQUENCIES, EMBEDDING), nn.SiLU(), nn.Linear(EMBEDDING, EMBEDDING)
        )
        self.of_class = nn.Linear(CLASSES, EMBEDDING, bias=False)
        self.first = nn.Conv2d(4, channels, 3, padding=1)
        self.outer = Block(channels, channels)
        self.down = nn.Conv2d(channels, wide, 3, stride=2, padding=1)
        self.inner = nn.ModuleList([Block(wide, wide), Block(wide, wide)])
        self.up = nn.Conv2d(wide, channels, 1)
        self.joined = nn.ModuleList([Block(wide, channels), Block(channels, channels)])
        self.norm = nn.GroupNorm(8, channels)
        self.last = nn.Conv2d(channels, 4, 3, padding=1)

    @torch.no_grad()
    def start_at_skip(self) -> None:
        """Zero the last convolution of each block and of the network.

        Training then starts from the skip connection of Eq. 7.
        """
        blocks = [module for module in self.modules() if isinstance(module, Block)]
        for last in (*(block.second for block in blocks), self.last):
            for parameter in last.parameters():
                nn.init.zeros_(parameter)

    def network(self, scaled: Tensor, noise_level: Tensor, classes: Tensor) -> Tensor:
        """Return F of Eq. 7; ``classes``: one-hot ``(N, 10)``, all zeros for no class."""
        phase = noise_level[:, None] * self.frequencies
        embedding = self.of_noise(torch.cat([phase.sin(), phase.cos()], dim=1))
        embedding = F.silu(embedding + self.of_class(classes))
        outer = self.outer(self.first(F.pixel_unshuffle(scaled, 2)), embedding)
        hidden = self.down(outer)
        for block in self.inner:
            hidden = block(hidden, embedding)
        hidden = torch.cat([F.interpolate(self.up(hidden), scale_factor=2), outer], dim=1)
        for block in self.joined:
            hidden = block(hidden, embedding)
        return F.pixel_shuffle(self.last(F.silu(self.norm(hidden))), 2)

    def forward(self, noisy: Tensor, sigma: Tensor, classes: Tensor) -> Tensor:
        """Estimate x from x + ``sigma`` * noise (Eq. 7).

        Args:
            noisy: ``(N, 1, 28, 28)``, x in [-1, 1].
            sigma: standard deviation of the noise, ``(N,)``, above 0.
            classes: one-hot floats ``(N, 10)``; a row of zeros means no class.
        """
        wide = sigma.view(-1, 1, 1, 1)
        total = (wide.square() + DATA_STD**2).sqrt()
        skip, out = (DATA_STD / total).square(), wide * DATA_STD / total
        return skip * noisy + out * self.network(noisy / total, sigma.log() / 4, classes)


def one_hot_classes(labels: Tensor) -> Tensor:
    """Return ``labels`` ``(N,)`` as the ``classes`` of a `Denoiser`, floats ``(N, 10)``."""
    return one_hot(labels, CLASSES).to(torch.get_default_dtype())


def load_denoiser(path: str | os.PathLike[str], device: torch.device | str = "cpu") -> Denoiser:
    """Load a denoiser, in eval mode with frozen parameters.

    Raises:
        InputError: there is no checkpoint, or it is of another architecture.
    """
    note = read_note(path, [ARCHITECTURE], kind="a diffusion model")
    return load_frozen(path, Denoiser(channels=note["channels"]), device)
