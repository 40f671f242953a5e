"""Face generators whose latent spaces are attacked (III-D, IV-E, Fig. 9).

Three generators share one protocol: `StyleGenerator`, small and trained by the pipeline;
MobileStyleGAN (Belousov, 2021) from a published wheel, 1024x1024, in place of the paper's StyleGAN;
and NVIDIA's StyleGAN2 or StyleGAN3 from a user's pickle. Each is differentiable, in eval mode and
frozen. Each generates the same face from the same latent: noise between its layers is fixed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from typeone.models.readers.nvidia_stylegan import load_nvidia
from typeone.models.readers.openvino import Graph
from typeone.models.stored_networks import frozen, load_frozen, read_note
from typeone.models.style_generator import StyleGenerator

STYLE, MOBILE, NVIDIA = "style-64x64", "mobilestylegan", "nvidia-stylegan"
MEAN_OF = 4096  # latents averaged for the mean w of truncation, as in MobileStyleGAN's package


class FaceGenerator(Protocol):
    """A differentiable generator of faces.

    Attributes:
        latent_dim: D, dimension of z ~ N(0, I).
        size: S, height and width of an image in pixels.
    """

    latent_dim: int
    size: int

    def __call__(self, latent: Tensor) -> Tensor:
        """Generate images ``(N, 3, S, S)`` in [0, 1] from latents ``(N, D)``."""


class MobileStyleGan(nn.Module):
    """MobileStyleGAN (arXiv 2104.04767) as published: latents ``(N, 512)`` → 1024x1024 faces.

    w is truncated towards its mean: mean + ``truncation`` * (w - mean). Images are generated one by
    one, because the graphs were exported for batch size 1.

    Args:
        graphs: the programs of ``mapping`` (z → w) and ``synthesis`` (w → image in [-1, 1]).
        truncation: psi, in [0, 1]; 1 leaves w unchanged.
    """

    mean: Tensor

    def __init__(self, graphs: Mapping[str, Mapping[str, Any]], *, truncation: float) -> None:
        super().__init__()
        self.mapping, self.synthesis = (Graph(graphs[k]) for k in ("mapping", "synthesis"))
        self.latent_dim = self.mapping.program["shape"][1]
        self.size = self.synthesis.program["output_shape"][2]
        self.truncation = truncation
        self.register_buffer("mean", torch.zeros(self.synthesis.program["shape"]))

    @torch.no_grad()
    def centre(self, generator: torch.Generator) -> None:
        """Set the mean w to the average over `MEAN_OF` latents drawn from ``generator``."""
        latent = torch.randn(MEAN_OF, self.latent_dim, generator=generator)
        self.mean.copy_(self.mapping(latent).mean(dim=0, keepdim=True))

    def forward(self, latent: Tensor) -> Tensor:
        w = self.mean + self.truncation * (self.mapping(latent) - self.mean)
        return ((self.synthesis(w) + 1) / 2).clamp(0, 1)


def load_face_generator(
    path: str | os.PathLike[str], device: torch.device | str = "cpu"
) -> FaceGenerator:
    """Load a generator from its checkpoint, in eval mode with frozen parameters.

    Raises:
        InputError: there is no checkpoint, or it is of another architecture.
    """
    note = read_note(path, [STYLE, MOBILE, NVIDIA], kind="a generator")
    if note["architecture"] == NVIDIA:
        how = {k: note[k] for k in ("sha256", "allow_pickle", "truncation")}
        return frozen(load_nvidia(note["pickle"], **how), device)
    if note["architecture"] == STYLE:
        small = StyleGenerator(latent_dim=note["latent_dim"], channels=note["channels"])
        return load_frozen(path, small, device)
    mobile = MobileStyleGan(note["graphs"], truncation=note["truncation"])
    return load_frozen(path, mobile, device)
