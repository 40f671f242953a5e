"""What each network is trained to minimise, in the form that `typeone.training.train` takes."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from typeone.face_variations import TRAINED_NONFACES, vary_faces
from typeone.faces import FaceTable
from typeone.losses import (
    cross_entropy,
    discriminator_loss,
    gradient_penalty,
    kl_divergence,
    margin_softmax,
    recon_loss,
    weight_penalty,
)
from typeone.models.face_judges import NO_FACE
from typeone.models.generators import AuxiliaryGAN
from typeone.models.svae import SupervisedVAE
from typeone.training import Objective, Player


def classification(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    vary: Callable[[Tensor], Tensor] | None = None,
) -> Objective:
    """Cross-entropy of ``model`` on ``images`` ``(N, C, H, W)``, each batch through ``vary``."""

    def objective(rows: Tensor, _epochs: float) -> dict[str, Tensor]:
        batch = images[rows]
        logits = model(vary(batch) if vary else batch)
        wrong = logits.detach().argmax(dim=1) != labels[rows]
        return {"loss": cross_entropy(logits, labels[rows]), "train_error": wrong.float()}

    return objective


def face_judging(
    judge: nn.Module, faces: FaceTable, generator: torch.Generator, device: torch.device | str
) -> Objective:
    """Cross-entropy of a judge of faces: female, male, no face.

    Every second face of a batch is also made into what is no face, each kind in turn; all are
    varied alike.
    """
    labels = torch.from_numpy(faces.labels).to(device)

    def objective(rows: Tensor, _epochs: float) -> dict[str, Tensor]:
        batch = faces.faces(rows, device)
        spoilt = [
            spoil(batch[2 * i :: 2 * len(TRAINED_NONFACES)], generator)
            for i, spoil in enumerate(TRAINED_NONFACES)
        ]
        pictures = vary_faces(torch.cat([batch, *spoilt]), generator)
        nothing = labels.new_full((len(pictures) - len(batch),), NO_FACE)
        wanted = torch.cat([labels[rows.to(device)], nothing])
        logits = judge(pictures)
        wrong = logits.detach().argmax(dim=1) != wanted
        return {"loss": cross_entropy(logits, wanted), "train_error": wrong.float()}

    return objective


def recognition(
    recognizer: nn.Module,
    centres: nn.Parameter,
    faces: Callable[[Tensor], Tensor],
    labels: Tensor,
    *,
    vary: Callable[[Tensor], Tensor],
    scale: float,
    margin: float,
) -> Objective:
    """`margin_softmax` of embeddings against one learnt point a person.

    Args:
        recognizer: images → unit embeddings ``(N, D)``.
        centres: ``(people, D)``, of any length.
        faces: rows of the data → their images in [0, 1].
        labels: who they show, ``(rows,)`` in [0, people).
    """

    def objective(rows: Tensor, _epochs: float) -> dict[str, Tensor]:
        own = labels[rows.to(labels.device)]
        cosines = recognizer(vary(faces(rows))) @ F.normalize(centres, dim=1).T
        wrong = cosines.detach().argmax(dim=1) != own
        loss = margin_softmax(cosines, own, scale=scale, margin=margin)
        return {"loss": loss, "train_error": wrong.float()}

    return objective


def _sample(mu: Tensor, sigma: Tensor, generator: torch.Generator) -> Tensor:
    noise = torch.randn(mu.shape, generator=generator, device=mu.device, dtype=mu.dtype)
    return mu + sigma * noise


def svae_stage1(
    svae: SupervisedVAE,
    images: Callable[[Tensor], Tensor],
    labels: Tensor,
    generator: torch.Generator,
    *,
    recon: Callable[[Tensor, Tensor], Tensor] = recon_loss,
    recon_weight: float = 1.0,
    f2_weight: float = 1.0,
    kl_warmup: float,
    l2: float = 0.0,
) -> Objective:
    """-J of Eq. 6: J_KL + J_2 + J_dec an image, on one sample of q(z|x).

    Args:
        images: from row numbers to the images that the SVAE reads and is to give back.
        recon: J_dec, from pixel logits and images ``(N, C, H, W)`` to ``(N,)``.
        recon_weight, f2_weight: of J_dec and of J_2; 1 is the paper's loss.
        kl_warmup: epochs over which the weight of J_KL rises from 0 to 1; 0 is the paper's loss.
        l2: of `weight_penalty` over encoder, decoder and f2; 0 is the paper's loss.
    """

    def objective(rows: Tensor, epochs: float) -> dict[str, Tensor]:
        batch = images(rows)
        mu, sigma = svae.encode(batch)
        z = _sample(mu, sigma, generator)
        kl = kl_divergence(mu, sigma)
        dec = recon(svae.decode_logits(z), batch)
        ce = cross_entropy(svae.classify(z), labels[rows])
        weight = min(1.0, epochs / kl_warmup) if kl_warmup else 1.0
        loss = weight * kl + recon_weight * dec + f2_weight * ce
        if l2:
            loss = loss + l2 * weight_penalty([svae.encoder, svae.decoder, svae.classifier])
        return {"loss": loss, "kl": kl, "recon_loss": dec, "f2_loss": ce}

    return objective


def svae_stage2(
    svae: SupervisedVAE, mu: Tensor, sigma: Tensor, generator: torch.Generator
) -> Objective:
    """-J_dis of Eq. 7 on encoded and drawn latents; only f_dis learns.

    The encoder stands still in stage 2, so q(z|x) of every image is given: mean and deviation,
    ``(N, latent_dim)`` each.
    """

    def objective(rows: Tensor, _epochs: float) -> dict[str, Tensor]:
        encoded = _sample(mu[rows], sigma[rows], generator)
        drawn = torch.randn(encoded.shape, generator=generator, device=encoded.device)
        real, fake = svae.discriminate(encoded), svae.discriminate(drawn)
        wrong = 0.5 * ((real <= 0).float() + (fake > 0).float())
        return {"loss": discriminator_loss(real, fake), "train_error": wrong.detach()}

    return objective


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, *, decay: float) -> None:
    """Move every tensor of ``average`` the share 1 - ``decay`` of the way to that of ``model``."""
    theirs = model.state_dict()
    for name, mine in average.state_dict().items():
        if mine.is_floating_point():
            mine.lerp_(theirs[name], 1 - decay)
        else:
            mine.copy_(theirs[name])


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
    """Critic and generator of an AC-GAN in the form of WGAN-GP, the critic moving first.

    f_G learns from real digits alone and the generator from f_G, as in Song et al. (2018).

    Args:
        average: a copy of ``gan.generator`` that follows it, see `follow`.
        critic_steps: moves of the critic for one of the generator.
        penalty_weight: of `gradient_penalty`.
        classifier_weight: of f_G's cross-entropy, for both.
        average_decay: share of ``average`` that each move of the generator leaves.
    """
    classes, device = gan.classes, images.device

    def draw(wanted: Tensor) -> Tensor:
        size = (len(wanted), gan.latent_dim)
        return gan.generate(torch.randn(size, generator=generator, device=device), wanted)

    def judge(rows: Tensor, _epochs: float) -> dict[str, Tensor]:
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

    def forge(rows: Tensor, _epochs: float) -> dict[str, Tensor]:
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
