"""Generators of faces whose latent spaces are attacked (III-D, IV-E, Fig. 9).

One protocol for three makers: `StyleGenerator`, small and trained by the pipeline; MobileStyleGAN
(Belousov, 2021) from a published wheel, 1024x1024, in place of the paper's StyleGAN; and a pickle
of NVIDIA's StyleGAN2 or StyleGAN3 for those who have one. Each is differentiable, in eval mode,
frozen, and draws the same face from the same latent: noise between its layers is fixed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from typeone.models.readers.nvidia_stylegan import load_nvidia
from typeone.models.readers.openvino import Graph
from typeone.models.style_generator import StyleGenerator
from typeone.runtime.artifacts import load_model, read_model_metadata
from typeone.runtime.errors import InputError

STYLE, MOBILE, NVIDIA = "style-64x64", "mobilestylegan", "nvidia-stylegan"
MEAN_OF = 4096  # latents whose mean w is truncated to, as in MobileStyleGAN's own package


class FaceGenerator(Protocol):
    """What draws faces.

    Attributes:
        latent_dim: D, dimensions of z, normal.
        size: S, pixels of a side.
    """

    latent_dim: int
    size: int

    def __call__(self, latent: Tensor) -> Tensor:
        """G: latents ``(N, D)`` → images ``(N, 3, S, S)`` in [0, 1]."""


class MobileStyleGan(nn.Module):
    """MobileStyleGAN (arXiv 2104.04767) as its package has it: 512 → 1024x1024 faces.

    w is drawn towards its mean: mean + ``truncation`` * (w - mean). Images are made one by one, as
    the graphs were exported for one.

    Args:
        graphs: the programs of ``mapping`` (z → w) and ``synthesis`` (w → image in [-1, 1]).
        truncation: psi, in [0, 1]; 1 leaves w as it is.
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
        """Set the mean w to that of `MEAN_OF` latents."""
        latent = torch.randn(MEAN_OF, self.latent_dim, generator=generator)
        self.mean.copy_(self.mapping(latent).mean(dim=0, keepdim=True))

    def forward(self, latent: Tensor) -> Tensor:
        w = self.mean + self.truncation * (self.mapping(latent) - self.mean)
        return ((self.synthesis(w) + 1) / 2).clamp(0, 1)


def load_face_generator(
    path: str | os.PathLike[str], device: torch.device | str = "cpu"
) -> FaceGenerator:
    """A generator as its checkpoint describes it: eval mode, parameters frozen."""
    metadata = read_model_metadata(path)
    kind = metadata.get("architecture")
    if kind == NVIDIA:
        how = {k: metadata[k] for k in ("sha256", "allow_pickle", "truncation")}
        nvidia = load_nvidia(metadata["pickle"], **how)
        return nvidia.to(device).requires_grad_(False)
    model: StyleGenerator | MobileStyleGan
    if kind == STYLE:
        model = StyleGenerator(latent_dim=metadata["latent_dim"], channels=metadata["channels"])
    elif kind == MOBILE:
        model = MobileStyleGan(metadata["graphs"], truncation=metadata["truncation"])
    else:
        raise InputError(
            f"{path} holds {kind!r}, needs one of {STYLE}, {MOBILE}, {NVIDIA}; delete it or name a "
            "generator's checkpoint"
        )
    load_model(path, model)
    return model.to(device).requires_grad_(False)
