"""The supervised variational autoencoder of Section III-A, for 28x28 digits and 64x64 faces.

ASSUME: the paper gives no architecture; these are the ones of the authors' code (supplementary
material): an encoder and a decoder of convolutions with ELU, an attacker f2 and a discriminator
f_dis on the latent. Initial weights are Xavier-uniform and biases zero, as in TensorFlow slim: with
PyTorch's default initialisation the encoder collapses to the prior for several epochs
(docs/reproduction-notes.md).
"""

from __future__ import annotations

import os
from itertools import pairwise
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from typeone.data.images import binarise
from typeone.models.resampling import Doubling
from typeone.models.stored_networks import load_frozen, read_note

Statistics = Literal["running", "own"]


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
    return nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1]))


class SupervisedVAE(nn.Module):
    """Encoder, decoder, attacker f2 and discriminator f_dis of one SVAE.

    Images are ``(N, C, H, W)`` in [0, 1], latents ``(N, latent_dim)``.

    Attributes:
        architecture: name of the network in a checkpoint.
        sizes: names of the arguments stored in a checkpoint to rebuild the network.
    """

    architecture: ClassVar[str]
    sizes: ClassVar[tuple[str, ...]] = ("latent_dim",)

    def __init__(
        self,
        latent_dim: int,
        *,
        encoder: nn.Sequential,
        decoder: nn.Sequential,
        classifier: nn.Sequential,
        discriminator: nn.Sequential,
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.encoder, self.decoder = encoder, decoder
        self.classifier, self.discriminator = classifier, discriminator
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def description(self) -> dict[str, Any]:
        """Checkpoint metadata from which `load_svae` rebuilds the network."""
        return {
            "architecture": self.architecture,
            **{name: getattr(self, name) for name in self.sizes},
        }

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw Xavier-uniform weights, set biases to zero."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight, generator=generator)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def read(self, images: Tensor) -> Tensor:
        """Preprocess ``images`` ``(N, C, H, W)`` for the encoder, as in its training."""
        return images

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of q(z|x), each ``(N, latent_dim)``; sigma > 1e-6."""
        mu, raw = self.encoder(images).chunk(2, dim=1)
        return mu, F.softplus(raw) + 1e-6

    def decode_logits(self, latent: Tensor) -> Tensor:
        """Decode to pixel logits ``(N, C, H, W)``: the image before its sigmoid."""
        return self.decoder(latent)

    def decode(self, latent: Tensor) -> Tensor:
        """Decode to images ``(N, C, H, W)`` in (0, 1): f_dec."""
        return torch.sigmoid(self.decoder(latent))

    def classify(self, latent: Tensor) -> Tensor:
        """Return f2's class logits ``(N, classes)`` of latents."""
        return self.classifier(latent)

    def discriminate(self, latent: Tensor) -> Tensor:
        """Return f_dis's logits ``(N,)``: positive for latents classified as encoded, not drawn."""
        return self.discriminator(latent).squeeze(1)


class DigitSVAE(SupervisedVAE):
    """SVAE of images ``(N, 1, 28, 28)``: 3x3 convolutions, 32 latent dimensions, 10 classes."""

    architecture = "svae-28x28"

    def read(self, images: Tensor) -> Tensor:
        """Binarise images, because the likelihood is Bernoulli."""
        return binarise(images)

    def __init__(self, *, latent_dim: int = 32, classes: int = 10) -> None:
        super().__init__(
            latent_dim,
            encoder=nn.Sequential(
                *(nn.Conv2d(1, 16, 3, padding=1), nn.ELU(inplace=True)),
                *(nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ELU(inplace=True)),
                *(nn.Conv2d(32, 32, 3, padding=1), nn.ELU(inplace=True)),
                *(nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.ELU(inplace=True)),
                *(_Flatten(), nn.Linear(7 * 7 * 64, 128), nn.Tanh()),
                nn.Linear(128, 2 * latent_dim),
            ),
            decoder=nn.Sequential(
                *(nn.Linear(latent_dim, 128), nn.ELU(inplace=True)),
                *(nn.Linear(128, 7 * 7 * 64), nn.ELU(inplace=True), _Unflatten(64, 7)),
                *(Doubling(7), nn.Conv2d(64, 32, 3, padding=1), nn.ELU(inplace=True)),
                *(nn.Conv2d(32, 32, 3, padding=1), nn.ELU(inplace=True)),
                *(Doubling(14), nn.Conv2d(32, 16, 3, padding=1), nn.ELU(inplace=True)),
                nn.Conv2d(16, 1, 3, padding=1),
            ),
            classifier=_dense(latent_dim, 256, 128, classes),
            discriminator=_dense(latent_dim, 256, 128, 64, 1),
        )


class _BatchNorm(nn.BatchNorm2d):
    """Batch normalisation that, if ``own``, uses the statistics of each image in eval mode."""

    own = False

    def forward(self, x: Tensor) -> Tensor:
        if self.training or not self.own:
            return super().forward(x)
        variance, mean = torch.var_mean(x, dim=(2, 3), correction=0, keepdim=True)
        scale = (variance + self.eps).rsqrt() * self.weight[:, None, None]
        return (x - mean) * scale + self.bias[:, None, None]


def _conv(fan_in: int, fan_out: int, *, stride: int = 1, norm: bool = False) -> nn.Sequential:
    """5x5 convolution, batch normalisation if ``norm`` (it has the bias), ELU."""
    layers: list[nn.Module] = [nn.Conv2d(fan_in, fan_out, 5, stride, padding=2, bias=not norm)]
    if norm:
        layers.append(_BatchNorm(fan_out))
    return nn.Sequential(*layers, nn.ELU(inplace=True))


class FaceSVAE(SupervisedVAE):
    """SVAE of images ``(N, 3, 64, 64)``: 5x5 convolutions, batch normalisation, gender as f2.

    ASSUME: the layer of 8x8x256 units is normalised by channel. Normalised by unit, the authors'
    decoder, which ran in training mode on one image, would give the same image for every latent.

    Args:
        latent_dim: 1024 in the authors' script.
        width: factor on all numbers of channels and units; 1 in the authors' code.
        statistics: statistics of the decoder's batch normalisation in eval mode. ``running``: those
            of the training. ``own``: those of each image, as in the authors' attack on one image at
            a time, so that the result of an example does not depend on its batch.
    """

    architecture = "svae-64x64"
    sizes = ("latent_dim", "width")

    def __init__(
        self, *, latent_dim: int = 1024, width: float = 1.0, statistics: Statistics = "running"
    ) -> None:
        def of(full: int) -> int:
            return max(1, round(full * width))

        pairs = [(of(a), of(b)) for a, b in ((32, 64), (64, 128), (128, 256))]
        down = [
            layer for a, b in pairs for layer in (_conv(a, a), _conv(a, b, stride=2, norm=True))
        ]
        down[0] = _conv(3, of(32))
        up = [
            layer
            for side, b, a in ((8, of(256), of(128)), (16, of(128), of(64)))
            for layer in (Doubling(side), _conv(b, a), _conv(a, a, norm=True))
        ]
        hidden, top = of(2048), of(256)
        beliefs = (latent_dim, of(512), of(256), of(128), 1)
        super().__init__(
            latent_dim,
            encoder=nn.Sequential(
                *(*down, _Flatten(), nn.Linear(8 * 8 * top, hidden), nn.Tanh()),
                nn.Linear(hidden, 2 * latent_dim),
            ),
            decoder=nn.Sequential(
                *(nn.Linear(latent_dim, hidden), nn.ELU(inplace=True)),
                *(nn.Linear(hidden, 8 * 8 * top), _Unflatten(top, 8)),
                *(_BatchNorm(top), nn.ELU(inplace=True), *up),
                *(Doubling(32), _conv(of(64), of(32)), nn.Conv2d(of(32), 3, 5, padding=2)),
            ),
            classifier=_dense(*beliefs),
            discriminator=_dense(*beliefs),
        )
        self.width = width
        for module in self.decoder.modules():
            if isinstance(module, _BatchNorm):
                module.own = statistics == "own"

    def classify(self, latent: Tensor) -> Tensor:
        """Return f2's logits ``(N, 2)`` of female and male: 0 and the network's single logit.

        Their cross-entropy is the binary cross-entropy of that logit.
        """
        return F.pad(self.classifier(latent), (1, 0))


ARCHITECTURES: dict[str, type[SupervisedVAE]] = {
    network.architecture: network for network in (DigitSVAE, FaceSVAE)
}


def load_svae(
    path: str | os.PathLike[str],
    device: torch.device | str = "cpu",
    *,
    statistics: Statistics = "running",
) -> SupervisedVAE:
    """Load a trained SVAE from its checkpoint, in eval mode with frozen parameters.

    ``statistics``: see `FaceSVAE`. `DigitSVAE` has no batch normalisation and ignores it.

    Raises:
        InputError: the file is not a checkpoint of an SVAE.
    """
    note = read_note(path, ARCHITECTURES, kind="an SVAE")
    network = ARCHITECTURES[note["architecture"]]
    sizes = {name: note[name] for name in network.sizes}
    if network is FaceSVAE:
        sizes["statistics"] = statistics
    return load_frozen(path, network(**sizes), device)
