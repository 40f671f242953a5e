"""Algorithm 2: walk a latent until f2 sees another class while f1 sees the old one (III-B, III-C).

One engine serves every variant and the image transition task (no f1 at all). A batch is a set of
independent attacks: each example has its own weight k, its own Adam moments and leaves the batch
when it has converged, so that it decides as it would have decided alone.

Variant `ours` adds `image_loss`: networks of images, trained apart from every judge, and f2 on the
image encoded anew.

Departures and gaps:
ASSUME: with the ratio of Eq. 11, beta * J1 - J2 vanishes identically, so Eq. 10 moves k by the
hinge alone and k never falls. Section IV gives beta 0.001 instead, which the authors' code uses.
ASSUME: "while not converging" is undefined, and the authors' code runs 20,000 steps. Here an
example has converged once f2 says y', f1 says y and J1 is at most its target value at every check
of `patience` steps; None never stops early.
ASSUME: the paper returns f_enc(z_T), a slip for f_dec(z_T).
ASSUME: z starts at mu(x) of the binarised image, as the SVAE was trained; f1 reads what is decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from typeone.errors import InputError
from typeone.images import to_uint8
from typeone.losses import cross_entropy, latent_norm, manifold_penalty
from typeone.models.svae import SupervisedVAE

Keep = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""(images, example numbers) → (J1, is what must be kept still kept), each ``(M,)``."""


@dataclass(frozen=True, kw_only=True)
class SvaeAttackSettings:
    """Settings of Algorithm 2, in the paper's symbols.

    Attributes:
        steps: the most updates of z an example gets.
        lr: Adam's learning rate on z.
        beta2: Adam's second decay. It sets how soon f1 counts: the gradients of the first steps are
            thousands of times those at the end, and hold the steps small until they are forgotten.
        alpha: weight of the discriminator term.
        gamma: weight of ||z||_2.
        eta: step of k in Eq. 10.
        beta: a constant, or ``ratio`` for Eq. 11.
        target_loss: J1 hat of Eq. 10.
        k_max: k is clipped to [0, k_max].
        manifold: form of the discriminator term, see `manifold_penalty`.
        patience: steps an example must hold success before it leaves; None runs all steps.
        check_every: steps between looks at convergence.
        image_weight: weight of the attackers' cross-entropy on the image; 0 is the paper.
        reencode_weight: weight of f2's cross-entropy on the re-encoded image; 0 is the paper.
    """

    steps: int
    lr: float
    beta2: float
    alpha: float
    gamma: float
    eta: float
    beta: float | Literal["ratio"]
    target_loss: float
    k_max: float
    manifold: Literal["probability", "log"]
    patience: int | None
    check_every: int = 10
    image_weight: float = 0.0
    reencode_weight: float = 0.0


@dataclass(frozen=True)
class TracePoint:
    """One followed example at one step.

    Attributes:
        step, example: when, and which of the batch.
        j1: J1 of Eq. 9, NaN without f1.
        j2: cross-entropy of f2 at the target.
        penalty: the discriminator term before alpha.
        k: the weight of J1.
        image: f_dec(z), uint8 ``(C, H, W)``.
    """

    step: int
    example: int
    j1: float
    j2: float
    penalty: float
    k: float
    image: Tensor


@dataclass(frozen=True)
class AttackResult:
    """The end of an attack on N examples.

    Attributes:
        images: f_dec(z_T), ``(N, C, H, W)`` in [0, 1].
        latent_start, latent_end: z_0 and z_T, ``(N, D)``.
        steps: updates made, ``(N,)``.
        converged: whether the example held success for ``patience`` steps, ``(N,)``.
        k: the weight of J1 at the end, ``(N,)``.
        trace: of the followed examples, step by step.
    """

    images: Tensor
    latent_start: Tensor
    latent_end: Tensor
    steps: Tensor
    converged: Tensor
    k: Tensor
    trace: list[TracePoint]


def update_k(k: Tensor, j1: Tensor, j2: Tensor, settings: SvaeAttackSettings) -> Tensor:
    """Eq. 10 with Eq. 11 or a constant beta, clipped; all ``(N,)``."""
    equilibrium = 0.0 if settings.beta == "ratio" else settings.beta * j1 - j2
    hinge = (j1 - settings.target_loss).clamp_min(0)
    return (k + settings.eta * (equilibrium + hinge)).clamp(0, settings.k_max)


def image_loss(
    svae: SupervisedVAE,
    attackers: Sequence[nn.Module],
    images: Tensor,
    target_labels: Tensor,
    settings: SvaeAttackSettings,
) -> Tensor:
    """What variant `ours` adds to J_SA: the *image* must be of the target class, ``(N,)``.

    f2 judges z alone, and the decoder need not follow it: by itself the published attack ends in
    latents that f2 takes for y' and images that nobody else does. Mean cross-entropy of classifiers
    that look at the image, and of f2 on the image encoded anew.
    """
    loss = torch.zeros(len(images), device=images.device, dtype=images.dtype)
    if settings.image_weight > 0:
        seen = [cross_entropy(network(images), target_labels) for network in attackers]
        loss = loss + settings.image_weight * torch.stack(seen).mean(dim=0)
    if settings.reencode_weight > 0:
        mu, _ = svae.encode(images)
        again = cross_entropy(svae.classify(mu), target_labels)
        loss = loss + settings.reencode_weight * again
    return loss


class _Adam:
    """Adam (Kingma & Ba) with the moments of each row apart, so that rows can leave.

    Epsilon is added before the bias correction, as TensorFlow did for the paper.
    """

    def __init__(self, like: Tensor, lr: float, beta2: float) -> None:
        self.lr, self.beta2, self.t = lr, beta2, 0
        self.first, self.second = torch.zeros_like(like), torch.zeros_like(like)

    def step(self, z: Tensor, gradient: Tensor) -> Tensor:
        self.t += 1
        self.first.lerp_(gradient, 0.1)
        self.second.mul_(self.beta2).addcmul_(gradient, gradient, value=1 - self.beta2)
        scale = self.lr * (1 - self.beta2**self.t) ** 0.5 / (1 - 0.9**self.t)
        return z - scale * self.first / (self.second.sqrt() + 1e-8)

    def keep(self, rows: Tensor) -> None:
        self.first, self.second = self.first[rows], self.second[rows]


def attack(
    svae: SupervisedVAE,
    latent: Tensor,
    target_labels: Tensor,
    settings: SvaeAttackSettings,
    *,
    keep: Keep | None,
    attackers: Sequence[nn.Module] = (),
    follow: Sequence[int] = (),
    follow_every: int = 100,
) -> AttackResult:
    """Minimise J_SA of Eq. 8 (J_IT of III-B when ``keep`` is None) over each latent on its own.

    Args:
        svae: trained, in eval mode; its parameters get no gradients.
        latent: z_0 = mu(x), ``(N, D)``.
        target_labels: y', int64 ``(N,)``.
        settings: see `SvaeAttackSettings`.
        keep: J1 and f1's verdict; None leaves f1 out (image transition).
        attackers: classifiers of images, in eval mode, for ``image_weight``.
        follow: examples to trace, every ``follow_every`` steps and at their end.

    Randomness: none.

    Raises:
        InputError: ``image_weight`` without attackers.
    """
    if settings.image_weight > 0 and not attackers:
        raise InputError(
            f"`image_weight` is {settings.image_weight} without attackers; give networks that "
            "judge the image, or 0"
        )
    z, k = latent.clone(), latent.new_zeros(len(latent))
    rows = torch.arange(len(latent), device=latent.device)
    held = torch.zeros_like(rows)
    adam, trace, followed = (
        _Adam(z, settings.lr, settings.beta2),
        [],
        torch.tensor(list(follow), device=z.device),
    )
    latent_end, k_end = latent.clone(), k.clone()
    steps, converged = torch.zeros_like(rows), torch.zeros_like(rows, dtype=torch.bool)

    for step in range(settings.steps + 1):
        z.requires_grad_(True)
        targets = target_labels[rows]
        logits = svae.classify(z)
        j2 = cross_entropy(logits, targets)
        penalty = manifold_penalty(svae.discriminate(z), settings.manifold)
        objective = j2 + settings.alpha * penalty + settings.gamma * latent_norm(z)
        success = logits.argmax(dim=1) == targets
        j1 = torch.full_like(j2, torch.nan)
        judged = settings.image_weight > 0 or settings.reencode_weight > 0
        images = svae.decode(z) if judged or keep is not None else None
        if judged:
            objective = objective + image_loss(svae, attackers, images, targets, settings)
        if keep is not None:
            j1, kept = keep(images, rows)
            if step:
                k = update_k(k, j1.detach(), j2.detach(), settings)
            objective = objective + k * j1
            success &= kept & (j1.detach() <= settings.target_loss)

        last = step == settings.steps
        leaving = torch.full_like(success, last)
        if settings.patience is not None and step % settings.check_every == 0:
            held = torch.where(success, held + settings.check_every, 0)
            settled = held >= settings.patience + settings.check_every
            leaving |= settled
            converged[rows[settled]] = True
        if len(followed):
            due = torch.isin(rows, followed) & (leaving | (step % follow_every == 0))
            trace += _points(step, rows, svae, z, j1, j2, penalty, k, due)
        if last or leaving.any():
            gone = rows[leaving]
            latent_end[gone], k_end[gone], steps[gone] = z.detach()[leaving], k[leaving], step
            if len(gone) == len(rows):
                break

        (gradient,) = torch.autograd.grad(objective.sum(), z)
        z = adam.step(z.detach(), gradient)
        if leaving.any():
            stay = ~leaving
            z, k, rows, held = z[stay], k[stay], rows[stay], held[stay]
            adam.keep(stay)

    with torch.no_grad():
        images = svae.decode(latent_end)
    return AttackResult(images, latent, latent_end, steps, converged, k_end, trace)


@torch.no_grad()
def _points(
    step: int,
    rows: Tensor,
    svae: SupervisedVAE,
    z: Tensor,
    j1: Tensor,
    j2: Tensor,
    penalty: Tensor,
    k: Tensor,
    due: Tensor,
) -> list[TracePoint]:
    if not due.any():
        return []
    images = to_uint8(svae.decode(z[due])).cpu()
    numbers = torch.stack([j1[due], j2[due], penalty[due], k[due]], dim=1).tolist()
    return [
        TracePoint(step, example, *row, image)
        for example, row, image in zip(rows[due].tolist(), numbers, images, strict=True)
    ]
