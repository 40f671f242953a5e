"""Training objectives of an AC-GAN's critic and generator (IV-E)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from typeone.models.acgan import AuxiliaryGAN
from typeone.training.losses import cross_entropy, gradient_penalty
from typeone.training.objectives.averages import follow
from typeone.training.steps import Player


def acgan(
    gan: AuxiliaryGAN,
    average: nn.Module,
    images: Tensor,
    labels: Tensor,
    generator: torch.Generator,
    *,
    critic_steps: int,
    penalty_weight: float,
    classifier_weight: float,
    average_decay: float,
) -> list[Player]:
    """Return critic and generator of an AC-GAN with WGAN-GP losses; the critic is updated first.

    f_G is trained on real digits only and the generator on f_G, as in Song et al. (2018).

    Args:
        average: a copy of ``gan.generator``, its moving average, see `follow`.
        images, labels: real digits, ``(N, 1, 28, 28)`` in [0, 1] and ``(N,)``.
        critic_steps: critic updates for each generator update.
        penalty_weight: weight of `gradient_penalty`.
        classifier_weight: weight of f_G's cross-entropy, for both.
        average_decay: decay of ``average`` in each generator update.
    """
    classes, device = gan.classes, images.device

    def draw(wanted: Tensor) -> Tensor:
        size = (len(wanted), gan.latent_dim)
        return gan.generate(torch.randn(size, generator=generator, device=device), wanted)

    def judge(rows: Tensor, _epochs: float | Tensor) -> dict[str, Tensor]:
        real, true = images[rows], labels[rows]
        with torch.no_grad():
            fake = draw(true)
        score, logits = gan.critic(torch.cat([real, fake]))
        gap = score[: len(rows)] - score[len(rows) :]
        seen = logits[: len(rows)]
        share = torch.rand(len(rows), generator=generator, device=device)
        penalty = gradient_penalty(lambda x: gan.critic(x)[0], real, fake, share)
        ce = cross_entropy(seen, true)
        wrong = (seen.detach().argmax(dim=1) != true).float()
        loss = penalty_weight * penalty + classifier_weight * ce - gap
        return {"critic_loss": loss, "wasserstein": gap, "penalty": penalty, "train_error": wrong}

    def forge(rows: Tensor, _epochs: float | Tensor) -> dict[str, Tensor]:
        wanted = torch.randint(classes, (len(rows),), generator=generator, device=device)
        score, logits = gan.critic(draw(wanted))
        ce = cross_entropy(logits, wanted)
        return {"generator_loss": classifier_weight * ce - score, "generator_ce": ce}

    return [
        Player(list(gan.critic.parameters()), judge, "critic_loss"),
        Player(
            list(gan.generator.parameters()),
            forge,
            "generator_loss",
            every=critic_steps,
            moved=lambda: follow(average, gan.generator, decay=average_decay),
        ),
    ]
