"""Type I attack on the latent space of a generative model (Eq. 13, III-D and IV-E).

There is no encoder and no f2: z' moves away from z while f1 predicts the same label for G(z') as
for G(z). The module also has the Type II attack that mirrors it (Song et al., 2018): f1 changes its
label within a small box around z, while f_G keeps it.

Models are functions: ``decode`` maps latents to images, ``guide`` is the auxiliary classifier f_G.
For an AC-GAN, ``decode`` fixes G's condition at y, as Song et al. do: untargeted, z' changes the
style of a y; with a target, f_G moves the image to another class against its condition. If the
latents contain the condition as further coordinates, the condition moves as well: our variant.

Departures and gaps:
ASSUME: the paper gives no number of steps; the authors' script for StyleGAN makes 400.
ASSUME: "minimise the difference of f_G(z') and y_target" is f_G's cross-entropy, of weight 1.
ASSUME: at z' = z the distance has no gradient. `jittered` moves the start slightly off z.
ASSUME: the authors' script has one hinge for each coordinate (form ``sm``), the paper one hinge in
total. The script has no AC-GAN; its epsilon for StyleGAN is 0.35.
Song et al. descend with noise, bound z by a penalty of weight 100 and restart after a failure; here
Adam descends, the box is a hard bound, and each z has one attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from typeone.attacks.criteria import Keep
from typeone.attacks.descent import Ends, Walk, descend
from typeone.models.predictions import NO_LABEL, labels_of
from typeone.runtime.checkpoints import Checkpoint, Resumable
from typeone.runtime.errors import InputError
from typeone.training.losses import cross_entropy

Decode = Callable[[Tensor, Tensor], Tensor]
"""(latents ``(M, D)``, their example numbers ``(M,)``) → images ``(M, C, H, W)`` in [0, 1]."""

Guide = Callable[[Tensor], Tensor]
"""f_G: images ``(M, C, H, W)`` → class logits ``(M, classes)``."""


@dataclass(frozen=True, kw_only=True)
class LatentAttackSettings:
    """Settings of Eq. 13, in the paper's symbols.

    Attributes:
        steps: the maximum number of updates of z'.
        lr: Adam's learning rate on z'.
        beta2: Adam's second-moment decay.
        k: weight of J1, constant.
        epsilon: the distance that z' must reach, see `distance_hinge`.
        form: form of the hinge, see `distance_hinge`.
        jitter: standard deviation of the start around z, see `jittered`.
        guide_weight: weight of f_G's cross-entropy at the target; 0 is untargeted.
        guide_target_loss: the largest such cross-entropy of a converged example, nats.
        patience: steps an example must hold success before it leaves; None runs all steps.
        check_every: steps between convergence checks.
    """

    steps: int
    lr: float
    beta2: float = 0.999
    k: float
    epsilon: float
    form: Literal["paper", "sm"]
    jitter: float
    guide_weight: float = 0.0
    guide_target_loss: float = 0.0
    patience: int | None = None
    check_every: int = 10


@dataclass(frozen=True, kw_only=True)
class BoxAttackSettings:
    """Settings of the Type II attack of Song et al.

    Attributes:
        steps: the maximum number of updates of z'.
        lr: Adam's learning rate on z'.
        beta2: Adam's second-moment decay.
        epsilon: z' stays within z ± epsilon in each coordinate.
        guide_weight: weight of f_G's cross-entropy at the original label.
        patience: steps an example must hold success before it leaves; None runs all steps.
        check_every: steps between convergence checks.
    """

    steps: int
    lr: float
    beta2: float = 0.999
    epsilon: float
    guide_weight: float
    patience: int | None = None
    check_every: int = 10


@dataclass(frozen=True)
class LatentResult:
    """Result of an attack on N latents.

    Attributes:
        images: G(z'), ``(N, C, H, W)`` in [0, 1].
        latent_end: z', ``(N, D)``.
        steps: updates made, ``(N,)``.
        converged: whether the example held success for ``patience`` steps, ``(N,)``.
    """

    images: Tensor
    latent_end: Tensor
    steps: Tensor
    converged: Tensor


def jittered(latent: Tensor, deviation: float, generator: torch.Generator) -> Tensor:
    """Add normal noise of standard deviation ``deviation`` to z ``(N, D)``, as start of Eq. 13."""
    noise = torch.randn(latent.shape, generator=generator, device=latent.device, dtype=latent.dtype)
    return latent + deviation * noise


def distance_hinge(moved: Tensor, epsilon: float, form: Literal["paper", "sm"]) -> Tensor:
    """Distance term of Eq. 13 for z' = z + ``moved``, ``(N, D)`` → ``(N,)``; 0 far from z.

    ``paper``: max(epsilon - ||z' - z||², 0). ``sm``: the mean over the coordinates of
    max(epsilon² - (z'_i - z_i)², 0), as in the authors' script.
    """
    squared = moved.square()
    if form == "paper":
        return (epsilon - squared.sum(dim=1)).clamp_min(0)
    return (epsilon**2 - squared).clamp_min(0).mean(dim=1)


def leaving_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy at the most likely class other than ``labels`` ``(N,)``, nats, ``(N,)``.

    ``logits``: ``(N, classes)``.
    """
    others = logits.log_softmax(dim=1).scatter(1, labels[:, None], -torch.inf)
    return -others.amax(dim=1)


class _Terms(NamedTuple):
    objective: Tensor
    success: Tensor


class _BoxedWalk(Walk):
    """A walk of latents that stays within ``reach`` of its start in each coordinate."""

    def __init__(self, latent: Tensor, lr: float, beta2: float, reach: float) -> None:
        super().__init__({"latent": latent.clone()}, {"latent": lr}, beta2)
        self.centre, self.reach = latent, reach

    def step(self, objective: Tensor) -> None:
        super().step(objective)
        centre = self.centre[self.rows]
        self.moving["latent"].clamp_(centre - self.reach, centre + self.reach)


def _walked(
    decode: Decode,
    walk: Walk,
    evaluate: Callable[[int], _Terms],
    settings: LatentAttackSettings | BoxAttackSettings,
    checkpoint: Checkpoint | None,
    carried: Mapping[str, Resumable],
) -> LatentResult:
    ended = Ends(walk)
    # a `keep` with state must run at every step, so its kernels are not replayed
    kernels = None if carried else lambda _step: None
    for moment in descend(
        walk,
        evaluate,
        steps=settings.steps,
        patience=settings.patience,
        check_every=settings.check_every,
        checkpoint=checkpoint,
        carried={"ends": ended, **carried},
        kernels=kernels,
    ):
        if moment.ends:
            latent = walk.moving["latent"].detach()[moment.leaving]
            with torch.no_grad():
                ended.note(moment, decode(latent, walk.rows[moment.leaving]))
    return LatentResult(ended.images, ended.latent, ended.steps, ended.converged)


def attack(
    decode: Decode,
    latent: Tensor,
    settings: LatentAttackSettings,
    *,
    keep: Keep,
    start: Tensor,
    guide: Guide | None = None,
    target_labels: Tensor | None = None,
    checkpoint: Checkpoint | None = None,
    carried: Mapping[str, Resumable] | None = None,
) -> LatentResult:
    """Minimise Eq. 13 over each z' independently, from ``start``.

    Args:
        decode: G, in eval mode; its parameters get no gradients.
        latent: z, ``(N, D)``.
        settings: see `LatentAttackSettings`.
        keep: J1 and f1's verdict.
        start: the first z', ``(N, D)``; see `jittered`.
        guide, target_labels: f_G and y_target ``(N,)``, for ``guide_weight``.
        checkpoint: the sidecar to resume from and save to.
        carried: other state that changes during the walk, by name: a ``keep`` that has state.

    An example has converged when f1's output is kept, the hinge is 0 and f_G's cross-entropy at the
    target is at most ``guide_target_loss``.

    Randomness: none.

    Raises:
        InputError: ``guide_weight`` without a guide or without targets.
    """
    if settings.guide_weight > 0 and (guide is None or target_labels is None):
        raise InputError(
            f"`guide_weight` is {settings.guide_weight} without an auxiliary classifier or "
            "without target labels; needs both, or weight 0"
        )
    walk = Walk({"latent": start.clone()}, {"latent": settings.lr}, settings.beta2)

    def evaluate(_step: int) -> _Terms:
        z = walk.moving["latent"].requires_grad_(True)
        images = decode(z, walk.rows)
        j1, kept = keep(images, walk.rows)
        hinge = distance_hinge(z - latent[walk.rows], settings.epsilon, settings.form)
        objective, success = settings.k * j1 + hinge, kept & (hinge.detach() <= 0)
        if settings.guide_weight > 0 and guide is not None and target_labels is not None:
            guided = cross_entropy(guide(images), target_labels[walk.rows])
            objective = objective + settings.guide_weight * guided
            success &= guided.detach() <= settings.guide_target_loss
        return _Terms(objective, success)

    return _walked(decode, walk, evaluate, settings, checkpoint, carried or {})


def attack_within_box(
    decode: Decode,
    latent: Tensor,
    labels: Tensor,
    settings: BoxAttackSettings,
    *,
    classifier: Callable[[Tensor], Tensor],
    guide: Guide,
    checkpoint: Checkpoint | None = None,
) -> LatentResult:
    """Type II latent attack: find an image near each z that f1 no longer classifies as ``labels``.

    Args:
        decode: G, in eval mode; its parameters get no gradients.
        latent: z, ``(N, D)``.
        labels: y, the class condition of G, ``(N,)``.
        settings: see `BoxAttackSettings`.
        classifier: f1, images → logits.
        guide: f_G, which must still predict y.
        checkpoint: the sidecar to resume from and save to.

    An example has converged when f1 predicts another class and f_G predicts y. Randomness: none.
    """
    walk = _BoxedWalk(latent, settings.lr, settings.beta2, settings.epsilon)

    def evaluate(_step: int) -> _Terms:
        z = walk.moving["latent"].requires_grad_(True)
        images, wanted = decode(z, walk.rows), labels[walk.rows]
        logits, seen = classifier(images), guide(images)
        objective = leaving_loss(logits, wanted)
        objective = objective + settings.guide_weight * cross_entropy(seen, wanted)
        said = labels_of(logits)
        success = (said != wanted) & (said != NO_LABEL) & (labels_of(seen) == wanted)
        return _Terms(objective, success)

    return _walked(decode, walk, evaluate, settings, checkpoint, {})
