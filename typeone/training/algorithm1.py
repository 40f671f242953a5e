"""Algorithm 1: train the SVAE in two stages, on images of any source (III-A).

Stage 1 trains encoder, decoder and f2 together, stage 2 the discriminator. Images are read batch by
batch (`Labelled`), so that 200,000 faces need not be in memory at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from typeone.data.digits import read_digits
from typeone.data.faces import FaceTable
from typeone.data.images import binarise
from typeone.models.svae import FaceSVAE, SupervisedVAE
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.devices import seeded
from typeone.training.loop import Curve, TrainingSettings, train
from typeone.training.losses import recon_loss, squared_error
from typeone.training.objectives.svae import svae_stage1, svae_stage2


@dataclass(frozen=True)
class Labelled:
    """N labelled images in the form that an SVAE is trained on.

    Attributes:
        images: from row numbers ``(M,)`` to images ``(M, C, H, W)`` in [0, 1] on the device.
        labels: int64 ``(N,)`` on the device.
        batch: batch size of a forward pass without gradients.
    """

    images: Callable[[Tensor], Tensor]
    labels: Tensor
    batch: int

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self) -> tuple[Tensor, ...]:
        """Split all row numbers into batches of ``batch``."""
        return torch.arange(len(self)).split(self.batch)


def labelled_at(
    svae: SupervisedVAE, path: str | os.PathLike[str], device: torch.device | str = "cpu"
) -> Labelled:
    """Read a table for ``svae``: digits are binarised, faces are not."""
    if isinstance(svae, FaceSVAE):
        table = FaceTable(path)
        faces_labels = torch.from_numpy(table.labels).to(device)
        return Labelled(lambda rows: table.faces(rows, device), faces_labels, batch=250)
    images, labels = read_digits(path, device)
    binary = binarise(images)
    return Labelled(lambda rows: binary[rows], labels, batch=1000)


def recon_loss_of(svae: SupervisedVAE, logits: Tensor, images: Tensor) -> Tensor:
    """J_dec of Eq. 6 for ``svae``, ``(N,)``: `squared_error` for faces, `recon_loss` for digits."""
    loss = squared_error if isinstance(svae, FaceSVAE) else recon_loss
    return loss(logits, images)


@torch.no_grad()
def posterior(svae: SupervisedVAE, data: Labelled) -> tuple[Tensor, Tensor]:
    """Compute mean and standard deviation of q(z|x) of all images, ``(N, latent_dim)`` each."""
    mu, sigma = zip(*(svae.encode(data.images(rows)) for rows in data.batches()), strict=True)
    return torch.cat(mu), torch.cat(sigma)


@torch.no_grad()
def f2_error(svae: SupervisedVAE, data: Labelled) -> float:
    """Compute f2's error rate on mu, in [0, 1]."""
    wrong = 0
    for rows in data.batches():
        logits = svae.classify(svae.encode(data.images(rows))[0])
        wrong += int((logits.argmax(dim=1) != data.labels[rows]).sum())
    return wrong / len(data)


@torch.no_grad()
def reconstruction_errors(svae: SupervisedVAE, data: Labelled) -> Tensor:
    """Compute `recon_loss_of` between f_dec(mu(x)) and x, ``(N,)``."""
    losses = []
    for rows in data.batches():
        images = data.images(rows)
        losses.append(recon_loss_of(svae, svae.decode_logits(svae.encode(images)[0]), images))
    return torch.cat(losses)


def train_stage1(
    svae: SupervisedVAE,
    data: Labelled,
    validation: Labelled,
    *,
    loss: Mapping[str, Any],
    training: Mapping[str, Any],
    seed: int,
    checkpoint: Checkpoint | None = None,
) -> Curve:
    """Train encoder, decoder and f2 from an initialisation by ``seed``; f_dis is not trained.

    Args:
        svae: an untrained SVAE on the CPU; it is moved to the device of ``data``.
        validation: images for f2's error in the curve.
        loss: settings of `svae_stage1`.
        training: fields of `TrainingSettings`.
    """
    device = data.labels.device
    svae.reset_parameters(seeded(seed))
    svae.to(device).discriminator.requires_grad_(False)
    generator = seeded(seed, device)
    return train(
        svae,
        svae_stage1(
            svae,
            data.images,
            data.labels,
            generator,
            recon=partial(recon_loss_of, svae),
            **loss,
        ),
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
    checkpoint: Checkpoint | None = None,
) -> Curve:
    """Train f_dis of a frozen SVAE on encoded and drawn latents; nothing else is trained."""
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
    """Balanced accuracy of f_dis on the encoded images and as many latents drawn with ``seed``."""
    mu, sigma = posterior(svae, data)
    noise = torch.randn(2, *mu.shape, generator=seeded(seed, mu.device), device=mu.device)
    encoded, drawn = svae.discriminate(mu + sigma * noise[0]), svae.discriminate(noise[1])
    return balanced_accuracy(encoded.cpu().numpy(), drawn.cpu().numpy())


def balanced_accuracy(positive: np.ndarray, negative: np.ndarray) -> float:
    """Mean of the rates of ``positive`` logits above 0 and of ``negative`` logits at most 0."""
    return 0.5 * (float(np.mean(positive > 0)) + float(np.mean(negative <= 0)))
