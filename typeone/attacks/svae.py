"""Algorithm 2: move a latent until f2 predicts y' while f1 still predicts y (III-B, III-C).

One implementation serves every variant and the image transition task (without f1). Each example of
a batch has its own k and Adam moments and leaves when it has converged, independent of the others.

Variant `ours` adds `image_losses`, and an offset of the decoder's pixel logits that is optimised
with the latent. Its weight keeps it small against the background logits, about -10, so that it
only changes the edges of strokes; a large ``offset_lr`` without weight would draw anywhere.

Departures and gaps:
ASSUME: with the ratio of Eq. 11, beta * J1 - J2 vanishes identically, so Eq. 10 moves k by the
hinge alone and k never falls. Section IV gives beta 0.001 instead, which the authors' code uses.
ASSUME: "while not converging" is undefined, and the authors' code runs 20,000 steps. Here an
example has converged once f2 predicts y', f1 predicts y and J1 is at most its target value at every
check of `patience` steps; None never stops early.
ASSUME: the paper returns f_enc(z_T), an error for f_dec(z_T).
ASSUME: z starts at mu(x) of the image in the form that the SVAE was trained on (digits are
binarised, faces are not); f1 gets the decoded image.
ASSUME: in the authors' code for faces, k follows "the discriminator's output" by mistake. We use
f_dis before its sigmoid, which is the output of their network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from typeone.attacks.criteria import Keep
from typeone.attacks.descent import descend
from typeone.attacks.image_terms import image_losses, in_turn, shift_number, turn
from typeone.attacks.svae_settings import SvaeAttackSettings
from typeone.attacks.svae_walk import SvaeEnds, SvaeWalk
from typeone.attacks.trace import Trace, TracePoint
from typeone.models.density import DenseVAE
from typeone.models.svae import SupervisedVAE
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.cuda_graphs import reads_cheaply
from typeone.runtime.errors import InputError
from typeone.training.losses import cross_entropy, latent_norm, manifold_penalty


@dataclass(frozen=True)
class AttackResult:
    """Result of an attack on N examples.

    Attributes:
        images: f_dec(z_T), with detail and offset if there are any, ``(N, C, H, W)`` in [0, 1].
        latent_start, latent_end: z_0 and z_T, ``(N, D)``.
        steps: updates made, ``(N,)``.
        converged: whether the example held success for ``patience`` steps, ``(N,)``.
        k: the weight of J1 at the end, ``(N,)``.
        trace: trace points of the followed examples, in order of steps.
    """

    images: Tensor
    latent_start: Tensor
    latent_end: Tensor
    steps: Tensor
    converged: Tensor
    k: Tensor
    trace: list[TracePoint]


def update_k(k: Tensor, driver: Tensor, j2: Tensor, settings: SvaeAttackSettings) -> Tensor:
    """Update k by Eq. 10 with Eq. 11 or a constant beta, clipped to [0, k_max]; all ``(N,)``.

    ``driver``: J1 in the paper.
    """
    equilibrium = 0.0 if settings.beta == "ratio" else settings.beta * driver - j2
    hinge = (driver - settings.target_loss).clamp_min(0)
    return (k + settings.eta * (equilibrium + hinge)).clamp(0, settings.k_max)


class _Terms(NamedTuple):
    objective: Tensor
    j1: Tensor
    j2: Tensor
    penalty: Tensor
    success: Tensor


def _evaluate(
    walk: SvaeWalk,
    targets: Tensor,
    settings: SvaeAttackSettings,
    keep: Keep | None,
    attackers: Sequence[nn.Module],
    density: DenseVAE | None,
    step: int,
) -> _Terms:
    """Evaluate J_SA of Eq. 8 and success at the current latents; update k by Eq. 10 in place."""
    svae, z = walk.svae, walk.moving["latent"].requires_grad_(True)
    logits = svae.classify(z)
    j2 = cross_entropy(logits, targets)
    belief = svae.discriminate(z)
    penalty = manifold_penalty(belief, settings.manifold)
    objective = j2 + settings.alpha * penalty + settings.gamma * latent_norm(z)
    success = logits.argmax(dim=1) == targets
    j1 = torch.full_like(j2, torch.nan)
    if "offset" in walk.moving:
        offset = walk.moving["offset"].requires_grad_(True)
        objective = objective + settings.offset_weight * offset.square().flatten(1).mean(dim=1)
    watched = settings.judges_images or "offset" in walk.moving
    # While all k are 0, J1 needs no gradient. On a GPU that check costs more than the gradient.
    counts = keep is not None and (not reads_cheaply(z.device) or bool(walk.k.any()))
    images = walk.decode() if watched or counts else None
    if settings.judges_images and images is not None:
        if settings.attackers_in_turn:
            attackers = in_turn(attackers, step, check_every=settings.check_every)
        loss, convinced = image_losses(
            svae,
            attackers,
            images,
            targets,
            density=density,
            attacker_weight=settings.image_weight,
            reencode_weight=settings.reencode_weight,
            density_weight=settings.density_weight,
            target_loss=settings.image_target_loss,
            step=step,
            jitter=settings.jitter,
        )
        objective = objective + loss
        success &= convinced
    if keep is not None:
        with torch.set_grad_enabled(images is not None):  # while all k are 0, J1 only moves k
            j1, kept = keep(walk.decode() if images is None else images, walk.rows)
        if step:
            driver = j1 if settings.k_driver == "f1" else belief
            walk.k.copy_(update_k(walk.k, driver.detach(), j2.detach(), settings))
        if images is None and walk.k.any():
            images = walk.decode()
            j1, kept = keep(images, walk.rows)
        if images is not None:
            objective = objective + walk.k * j1
        success &= kept & (j1.detach() <= settings.target_loss)
    return _Terms(objective, j1.detach(), j2.detach(), penalty.detach(), success)


def attack(
    svae: SupervisedVAE,
    latent: Tensor,
    target_labels: Tensor,
    settings: SvaeAttackSettings,
    *,
    keep: Keep | None,
    originals: Tensor | None = None,
    attackers: Sequence[nn.Module] = (),
    density: DenseVAE | None = None,
    follow: Sequence[int] = (),
    follow_every: int = 100,
    watch: Callable[[int], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> AttackResult:
    """Minimise J_SA of Eq. 8 (J_IT of III-B if ``keep`` is None) over each latent independently.

    Args:
        svae: a trained SVAE in eval mode; its parameters get no gradients.
        latent: z_0 = mu(x), ``(N, D)``.
        target_labels: y', int64 ``(N,)``.
        settings: see `SvaeAttackSettings`.
        keep: J1 and f1's verdict; None leaves f1 out (image transition).
        originals: x ``(N, C, H, W)`` in [0, 1], for ``detail``.
        attackers: image classifiers in eval mode, for ``image_weight``.
        density: a density model of images, for ``density_weight``.
        follow: indices of the examples to trace every ``follow_every`` steps and at their end.
        watch: called with the number of each step.
        checkpoint: the sidecar to resume from and save to.

    Randomness: none.

    Raises:
        InputError: ``image_weight`` without attackers, ``density_weight`` without ``density`` or
            ``detail`` without ``originals``.
    """
    if settings.detail > 0 and originals is None:
        raise InputError(
            f"`detail` is {settings.detail} without `originals`; needs the images, or detail 0"
        )
    if settings.density_weight > 0 and density is None:
        raise InputError(
            f"`density_weight` is {settings.density_weight} without a density model; needs one, or "
            "weight 0"
        )
    if settings.image_weight > 0 and not attackers:
        raise InputError(
            f"`image_weight` is {settings.image_weight} without attackers; needs networks that "
            "judge the image, or weight 0"
        )
    walk = SvaeWalk(svae, latent, settings, originals)
    followed = torch.tensor(list(follow), device=latent.device)
    ended, trace = SvaeEnds(walk), Trace()

    def kernels(step: int) -> tuple[bool, int, int]:
        asked = len(attackers) if settings.attackers_in_turn else 0
        whose = turn(asked, step, check_every=settings.check_every) if asked else 0
        return step > 0, shift_number(step) if settings.jitter else 0, whose

    def evaluate(step: int) -> _Terms:
        targets = target_labels[walk.rows]
        return _evaluate(walk, targets, settings, keep, attackers, density, step)

    for moment in descend(
        walk,
        evaluate,
        steps=settings.steps,
        patience=settings.patience,
        check_every=settings.check_every,
        checkpoint=checkpoint,
        carried={"ends": ended, "trace": trace},
        kernels=kernels,
    ):
        step, terms, leaving, _, ends = moment
        if watch:
            watch(step)
        if len(followed) and (ends or step % follow_every == 0):
            due = torch.isin(walk.rows, followed) & (leaving | (step % follow_every == 0))
            if due.any():
                numbers = (terms.j1, terms.j2, terms.penalty, walk.k)
                with torch.no_grad():
                    trace.add(step, walk.rows[due], [n[due] for n in numbers], walk.decode(due))
        if ends:
            with torch.no_grad():
                ended.note(moment, walk.decode(leaving))
    return AttackResult(
        ended.images, latent, ended.latent, ended.steps, ended.converged, ended.k, trace.points
    )
