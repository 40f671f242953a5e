"""Algorithm 1: the SVAE in two stages, of images from any source (III-A).

A source says how the SVAE reads its images (`Labelled`), so that 200,000 faces need not lie in
memory at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from typeone.devices import seeded
from typeone.losses import recon_loss
from typeone.metrics import balanced_accuracy
from typeone.models.svae import SupervisedVAE
from typeone.objectives import svae_stage1, svae_stage2
from typeone.training import Checkpoint, TrainingSettings, train

Curve = list[dict[str, float]]


@dataclass(frozen=True)
class Labelled:
    """N images as an SVAE reads them.

    Attributes:
        images: from row numbers ``(M,)`` to images ``(M, C, H, W)`` in [0, 1] on the device.
        labels: int64 ``(N,)`` on the device.
    """

    images: Callable[[Tensor], Tensor]
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def parts(self, size: int = 500) -> tuple[Tensor, ...]:
        """All row numbers, ``size`` at a time."""
        return torch.arange(len(self)).split(size)


@torch.no_grad()
def posterior(svae: SupervisedVAE, data: Labelled) -> tuple[Tensor, Tensor]:
    """Mean and deviation of q(z|x) of all images, ``(N, latent_dim)`` each."""
    mu, sigma = zip(*(svae.encode(data.images(rows)) for rows in data.parts()), strict=True)
    return torch.cat(mu), torch.cat(sigma)


@torch.no_grad()
def f2_error(svae: SupervisedVAE, data: Labelled) -> float:
    """Share of the images that f2 gets wrong on mu."""
    wrong = 0
    for rows in data.parts():
        logits = svae.classify(svae.encode(data.images(rows))[0])
        wrong += int((logits.argmax(dim=1) != data.labels[rows]).sum())
    return wrong / len(data)


@torch.no_grad()
def reconstruction_error(
    svae: SupervisedVAE, data: Labelled, recon: Callable[[Tensor, Tensor], Tensor]
) -> float:
    """Mean of ``recon`` between f_dec(mu(x)) and x over all images."""
    total = 0.0
    for rows in data.parts():
        images = data.images(rows)
        total += recon(svae.decode_logits(svae.encode(images)[0]), images).sum().item()
    return total / len(data)


def train_stage1(
    svae: SupervisedVAE,
    data: Labelled,
    validation: Labelled,
    *,
    recon: Callable[[Tensor, Tensor], Tensor] = recon_loss,
    loss: Mapping[str, float],
    training: Mapping[str, Any],
    seed: int,
    checkpoint: Checkpoint,
) -> Curve:
    """Train encoder, decoder and f2 from the start that ``seed`` gives; f_dis stays as it starts.

    Args:
        svae: already on its device.
        validation: f2's error on them stands in the curve.
        recon, loss: J_dec, and the other settings of `svae_stage1`.
        training: `TrainingSettings`.
    """
    device = data.labels.device
    svae.to("cpu").reset_parameters(seeded(seed))
    svae.to(device).discriminator.requires_grad_(False)
    generator = seeded(seed, device)
    return train(
        svae,
        svae_stage1(svae, data.images, data.labels, generator, recon=recon, **loss),
        name=f"SVAE stage 1 seed {seed}",
        count=len(data),
        settings=TrainingSettings(**training),
        seed=seed,
        generator=generator,
        checkpoint=checkpoint,
        evaluate=lambda: {"validation_error": f2_error(svae, validation)},
    )


def train_stage2(
    svae: SupervisedVAE,
    data: Labelled,
    *,
    training: Mapping[str, Any],
    seed: int,
    checkpoint: Checkpoint,
) -> Curve:
    """Train f_dis on encoded and drawn latents; all else stands still."""
    svae.discriminator.requires_grad_(True)
    mu, sigma = posterior(svae, data)
    generator = seeded(seed, mu.device)
    return train(
        svae,
        svae_stage2(svae, mu, sigma, generator),
        name=f"SVAE stage 2 seed {seed}",
        count=len(data),
        settings=TrainingSettings(**training),
        seed=seed,
        generator=generator,
        checkpoint=checkpoint,
    )


@torch.no_grad()
def discriminator_accuracy(svae: SupervisedVAE, data: Labelled, seed: int) -> float:
    """Balanced accuracy of f_dis: the images encoded, and as many latents drawn with ``seed``."""
    mu, sigma = posterior(svae, data)
    noise = torch.randn(2, *mu.shape, generator=seeded(seed, mu.device), device=mu.device)
    encoded, drawn = svae.discriminate(mu + sigma * noise[0]), svae.discriminate(noise[1])
    return balanced_accuracy(encoded.cpu().numpy(), drawn.cpu().numpy())
