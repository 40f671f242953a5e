"""Training objectives of the small style-based generator and its critic."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from typeone.models.style_generator import StyleCritic, StyleGenerator
from typeone.training.losses import squared_slope
from typeone.training.objectives.averages import follow
from typeone.training.steps import Player


def style_gan(
    gan: StyleGenerator,
    critic: StyleCritic,
    average: nn.Module,
    faces: Callable[[Tensor], Tensor],
    generator: torch.Generator,
    *,
    penalty_weight: float,
    average_decay: float,
) -> list[Player]:
    """Return critic and generator of a style-based GAN; the critic is updated first.

    The loss is non-saturating logistic, with `squared_slope` on real faces (Karras et al., 2020).

    Args:
        average: a copy of ``gan``, its moving average, see `follow`.
        faces: rows ``(M,)`` → real images ``(M, 3, 64, 64)`` in [0, 1].
        penalty_weight: weight of half the squared slope.
        average_decay: decay of ``average`` in each generator update.
    """

    def draw(count: int) -> Tensor:
        latent = torch.randn(count, gan.latent_dim, generator=generator, device=generator.device)
        return gan(latent)

    def judge(rows: Tensor, _epochs: float | Tensor) -> dict[str, Tensor]:
        real = faces(rows).requires_grad_(True)
        with torch.no_grad():
            fake = draw(len(rows))
        seen, told = critic(real), critic(fake)
        penalty = squared_slope(seen, real)
        wrong = 0.5 * ((seen <= 0).float() + (told > 0).float())
        loss = F.softplus(-seen) + F.softplus(told) + 0.5 * penalty_weight * penalty
        return {"critic_loss": loss, "penalty": penalty, "train_error": wrong}

    def forge(rows: Tensor, _epochs: float | Tensor) -> dict[str, Tensor]:
        return {"generator_loss": F.softplus(-critic(draw(len(rows))))}

    return [
        Player(list(critic.parameters()), judge, "critic_loss"),
        Player(
            list(gan.parameters()),
            forge,
            "generator_loss",
            moved=lambda: follow(average, gan, decay=average_decay),
        ),
    ]
