"""Generators of faces whose latent spaces are attacked (III-D, IV-E, Fig. 9).

One protocol for three makers: `StyleGenerator`, small and trained by the pipeline; MobileStyleGAN
(Belousov, 2021) from a published wheel, 1024x1024, in place of the paper's StyleGAN; and a pickle
of NVIDIA's StyleGAN2 or StyleGAN3 for those who have one. Each is differentiable, in eval mode,
frozen, and draws the same face from the same latent: noise between its layers is fixed.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from typeone.models.readers.openvino import Graph
from typeone.runtime.artifacts import load_model, read_model_metadata
from typeone.runtime.errors import InputError
from typeone.runtime.logs import logger

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


def _normalised(latent: Tensor) -> Tensor:
    return latent * (latent.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


class _Modulated(nn.Module):
    """A convolution whose input channels w scales, its output brought back to unit variance.

    Karras et al. (2020), Eq. 1 and 3. Weights are shared over the batch: the input is scaled in
    place of the weights, the output divided by what that makes of its norm.
    """

    def __init__(self, style_dim: int, fan_in: int, fan_out: int, *, doubled: bool) -> None:
        super().__init__()
        self.doubled = doubled
        shape = (fan_in, fan_out, 4, 4) if doubled else (fan_out, fan_in, 3, 3)
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.empty(fan_out))
        self.style = nn.Linear(style_dim, fan_in)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        scale = self.style(w)
        squared = self.weight.square().sum(dim=(2, 3))  # (fan_in, fan_out) or its transpose
        squared = squared if self.doubled else squared.T
        if self.doubled:  # a pixel of the doubled image meets a quarter of the weights
            squared = squared / 4
        norm = (scale.square() @ squared + 1e-8).rsqrt()
        x = x * scale[:, :, None, None]
        if self.doubled:
            x = F.conv_transpose2d(x, self.weight, stride=2, padding=1)
        else:
            x = F.conv2d(x, self.weight, padding=1)
        return torch.addcmul(self.bias[:, None, None], x, norm[:, :, None, None])


class StyleGenerator(nn.Module):
    """A small style-based generator: z → w → the styles of four modulated layers, 64x64.

    ASSUME: the paper takes StyleGAN as it is published; this is the least of its kind that a core
    trains in two minutes. As in MobileStyleGAN, the last layer draws at half the size, four
    pixels at a time. Its noise inputs are left out.

    Args:
        latent_dim: D.
        channels: at half resolution; twice that at each halving.
    """

    size = 64

    def __init__(self, *, latent_dim: int, channels: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        c = [4 * channels, 4 * channels, 3 * channels, 2 * channels, channels]
        self.mapping = nn.Sequential(
            *(nn.Linear(latent_dim, latent_dim), nn.LeakyReLU(0.2)),
            *(nn.Linear(latent_dim, latent_dim), nn.LeakyReLU(0.2)),
        )
        self.constant = nn.Parameter(torch.empty(1, c[0], 4, 4))
        self.layers = nn.ModuleList(
            _Modulated(latent_dim, c[i], c[i + 1], doubled=i > 0) for i in range(4)
        )
        self.draw = nn.Conv2d(channels, 4 * 3, 3, padding=1)

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Normal weights that keep the variance, styles around 1, biases 0."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, a=0.2, generator=generator)
                nn.init.zeros_(module.bias)
        for layer in self.layers:
            nn.init.normal_(layer.weight, generator=generator)
            layer.weight.data.mul_(layer.weight[0].numel() ** -0.5)
            nn.init.zeros_(layer.bias)
            layer.style.weight.data.mul_(0.5)
            nn.init.ones_(layer.style.bias)
        nn.init.normal_(self.constant, generator=generator)
        alike = self.draw.weight.data[::4].repeat_interleave(4, dim=0)
        self.draw.weight.data.copy_(alike)  # the four pixels of a place start as one

    def forward(self, latent: Tensor) -> Tensor:
        w = self.mapping(_normalised(latent))
        x = self.constant.expand(len(latent), -1, -1, -1)
        for layer in self.layers:
            x = 2**0.5 * F.leaky_relu(layer(x, w), 0.2)
        return torch.sigmoid(F.pixel_shuffle(self.draw(x), 2))


class StyleCritic(nn.Module):
    """Tells drawn from real: images ``(N, 3, 64, 64)`` in [0, 1] → logits ``(N,)``, high for real.

    The spread over the batch is one more channel before the last layers (Karras et al., 2018), so
    that a generator that draws one face alone is found out.
    """

    def __init__(self, *, channels: int) -> None:
        super().__init__()
        c = channels
        self.layers = nn.Sequential(
            *(nn.PixelUnshuffle(2), nn.Conv2d(12, c, 4, stride=2, padding=1), nn.LeakyReLU(0.2)),
            *(nn.Conv2d(c, 2 * c, 4, stride=2, padding=1), nn.LeakyReLU(0.2)),
            *(nn.Conv2d(2 * c, 4 * c, 4, stride=2, padding=1), nn.LeakyReLU(0.2)),
        )
        self.last = nn.Sequential(
            *(nn.Conv2d(4 * c + 1, 4 * c, 3, padding=1), nn.LeakyReLU(0.2), nn.Flatten()),
            nn.Linear(4 * c * 16, 1),
        )

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw He-normal weights, set biases to zero."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, a=0.2, generator=generator)
                nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Tensor:
        x = self.layers(2 * images - 1)
        spread = (x.var(dim=0, unbiased=False) + 1e-8).sqrt().mean()
        spread = spread.expand(len(x), 1, *x.shape[2:])
        return self.last(torch.cat([x, spread], dim=1))[:, 0]


class MobileStyleGan(nn.Module):
    """MobileStyleGAN (arXiv 2104.04767) as its package has it: 512 → 1024x1024 faces.

    w is drawn towards its mean: mean + ``truncation`` * (w - mean). Images are made one by one, as
    the graphs were exported for one.

    Args:
        graphs: the programs of ``mapping`` (z → w) and ``synthesis`` (w → image in [-1, 1]).
        truncation: psi, in [0, 1]; 1 leaves w as it is.
    """

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


class NvidiaStyleGan(nn.Module):
    """``G_ema`` of a pickle of NVIDIA's StyleGAN2 (PyTorch) or StyleGAN3, without classes.

    Args:
        network: as unpickled; its own ``z_dim``, ``img_resolution`` and call are used.
        truncation: psi.
    """

    def __init__(self, network: nn.Module, *, truncation: float) -> None:
        super().__init__()
        self.network = network.float()
        self.latent_dim, self.size = int(network.z_dim), int(network.img_resolution)
        self.truncation = truncation

    def forward(self, latent: Tensor) -> Tensor:
        images = self.network(
            latent, None, truncation_psi=self.truncation, noise_mode="const", force_fp32=True
        )
        return ((images + 1) / 2).clamp(0, 1)


def load_nvidia(
    path: str | os.PathLike[str], *, sha256: str | None, allow_pickle: bool, truncation: float
) -> NvidiaStyleGan:
    """The generator of an NVIDIA pickle; unpickling runs the code in it, with all your rights.

    Nothing of the file is run before it is known by ``sha256`` and ``allow_pickle`` is true. It
    needs NVIDIA's modules ``dnnlib`` and ``torch_utils`` on PYTHONPATH.

    Raises:
        InputError: no opt-in, no hash, no file, other bytes, or nothing that is such a generator.
    """
    if not allow_pickle:
        raise InputError(
            f"{path} is a pickle, which runs the code in it when it is loaded; if you trust it, "
            "set `stylegan.allow_pickle: true`, or take `stylegan.source: wheel`"
        )
    if sha256 is None:
        raise InputError(
            f"`stylegan.sha256` is null; needs the SHA-256 of {path} (sha256sum), so that nothing "
            "else is ever run"
        )
    try:
        data = Path(path).expanduser().read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); `stylegan.path` needs NVIDIA's .pkl"
        ) from error
    got = hashlib.sha256(data).hexdigest()
    if got != sha256.lower():
        raise InputError(
            f"{path} has SHA-256 {got}, `stylegan.sha256` says {sha256}: it is another file, and "
            "nothing of it was run"
        )
    logger.warning("unpickling %s: the code in it runs with all rights of this user", path)
    try:
        found = pickle.load(io.BytesIO(data))  # the user's own opt-in, of these very bytes
        return NvidiaStyleGan(found["G_ema"], truncation=truncation).eval()
    except (
        *(ImportError, AttributeError, KeyError, TypeError, ValueError, IndexError, RuntimeError),
        *(pickle.UnpicklingError, EOFError),
    ) as error:
        reason = " ".join(str(error).split()) or "no reason given"
        raise InputError(
            f"{path} gives no generator ({type(error).__name__}: {reason}); needs a "
            "network pickle of NVlabs/stylegan2-ada-pytorch or stylegan3, and a checkout of that "
            "code on PYTHONPATH"
        ) from error


def load_face_generator(
    path: str | os.PathLike[str], device: torch.device | str = "cpu"
) -> FaceGenerator:
    """A generator as its checkpoint describes it: eval mode, parameters frozen."""
    metadata = read_model_metadata(path)
    kind = metadata.get("architecture")
    if kind == NVIDIA:
        how = {k: metadata[k] for k in ("sha256", "allow_pickle", "truncation")}
        model = load_nvidia(metadata["pickle"], **how)
        return model.to(device).requires_grad_(False)
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
