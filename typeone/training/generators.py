"""Train the generators whose latent spaces are attacked (III-D, IV-E)."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from typeone.data.faces import FaceTable
from typeone.models.acgan import ARCHITECTURE, AuxiliaryGAN
from typeone.models.face_generators import STYLE
from typeone.models.style_generator import StyleCritic, StyleGenerator
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger
from typeone.training.classifiers import Digits
from typeone.training.error_rates import error_rate
from typeone.training.loop import Trained, Training
from typeone.training.objectives.acgan import acgan
from typeone.training.objectives.style_gan import style_gan


def train_acgan(
    training: Training,
    digits: Digits,
    test: Digits,
    *,
    latent_dim: int,
    channels: int,
    objective: Mapping[str, Any],
) -> Trained[AuxiliaryGAN]:
    """Train an AC-GAN: G, and its critic with f_G; the result has the moving average of G.

    Args:
        test: digits for f_G's error in the note.
        objective: settings of `acgan`.
    """
    device, generator = training.device, training.generator
    gan = AuxiliaryGAN(latent_dim=latent_dim, channels=channels)
    gan.reset_parameters(seeded(training.seed))
    gan.to(device)
    average = copy.deepcopy(gan.generator).requires_grad_(False)
    curve = training.fit(
        nn.ModuleDict({"gan": gan, "average": average}),
        acgan(gan, average, *digits, generator, **objective),
        count=len(digits[0]),
    )
    gan.generator.load_state_dict(average.state_dict())
    wanted = torch.arange(1000, device=device) % gan.classes
    drawn = gan.generate(torch.randn(1000, latent_dim, generator=generator, device=device), wanted)
    metrics = {
        "test_error": error_rate(gan.classify, *test),
        "test_n": len(test[0]),
        "generated_error": error_rate(gan.classify, drawn.detach(), wanted),
    }
    logger.info(
        "f_G of the AC-GAN: %.2f %% errors on test digits, %.2f %% on digits of G",
        *(100 * metrics[k] for k in ("test_error", "generated_error")),
    )
    sizes = {"latent_dim": latent_dim, "channels": channels}
    note = {"architecture": ARCHITECTURE, "objective": objective, **sizes, **metrics}
    return training.trained(gan, curve, **note)


def train_style_generator(
    training: Training,
    table: FaceTable,
    *,
    latent_dim: int,
    channels: int,
    critic_channels: int,
    objective: Mapping[str, Any],
) -> Trained[StyleGenerator]:
    """Train the small style-based face generator; return its moving average.

    ``objective``: settings of `style_gan`.
    """
    gan = StyleGenerator(latent_dim=latent_dim, channels=channels)
    critic = StyleCritic(channels=critic_channels)
    start = seeded(training.seed)
    gan.reset_parameters(start)
    critic.reset_parameters(start)
    average = copy.deepcopy(gan).requires_grad_(False)
    networks = nn.ModuleDict({"gan": gan, "critic": critic, "average": average})
    networks.to(training.device)
    players = style_gan(
        gan,
        critic,
        average,
        lambda rows: table.faces(rows, training.device),
        training.generator,
        **objective,
    )
    curve = training.fit(networks, players, count=len(table))
    sizes = {"latent_dim": latent_dim, "channels": channels, "size": average.size}
    note = {"architecture": STYLE, "objective": objective, **sizes, "faces": len(table)}
    return training.trained(average, curve, **note)
