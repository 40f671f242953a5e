"""Loss terms on the decoded image for variant `ours`; the paper only evaluates f2 on the latent.

f2 classifies z alone, and the decoded image need not agree with it: the published attack ends in
latents that f2 classifies as y', but fewer judges classify the images as y'. Here image
classifiers, trained separately from every judge, must predict y' on the decoded image, and f2 must
predict y' on its encoding. The image must also be probable to a density model, which is trained
separately from the one that measures it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from typeone.models.density import DenseVAE
from typeone.models.svae import SupervisedVAE
from typeone.training.elbo import negative_elbo
from typeone.training.losses import cross_entropy


def shift_number(step: int) -> int:
    """Index of the shift in `shifted` at ``step``, 0 to 8; nine steps use all of them."""
    return 4 * step % 9  # 4 and 9 share no divisor


def shifted(images: Tensor, step: int, pixels: int) -> Tensor:
    """Shift ``images`` by (dx, dy) in {-pixels, 0, pixels}², one of the nine shifts at each step.

    A perturbation that fools a network at one position only does not survive the shifts. The
    border is padded with zeros. ``(N, C, H, W)`` → ``(N, C, H, W)``.
    """
    if pixels == 0:
        return images
    down, right = divmod(shift_number(step), 3)
    height, width = images.shape[2:]
    padded = F.pad(images, (pixels,) * 4)
    top, left = down * pixels, right * pixels
    return padded[:, :, top : top + height, left : left + width]


def in_turn(attackers: Sequence[nn.Module], step: int, *, check_every: int) -> Sequence[nn.Module]:
    """Return the one of the ``attackers`` whose turn it is at ``step``.

    Consecutive checks of convergence, ``check_every`` steps apart, meet different ones as well.
    """
    if not attackers:
        return attackers
    return [attackers[turn(len(attackers), step, check_every=check_every)]]


def turn(attackers: int, step: int, *, check_every: int) -> int:
    """Return the index of that attacker, of the number of ``attackers``."""
    return (step % check_every + step // check_every) % attackers


def image_losses(
    svae: SupervisedVAE,
    attackers: Sequence[nn.Module],
    images: Tensor,
    target_labels: Tensor,
    *,
    density: DenseVAE | None = None,
    attacker_weight: float,
    reencode_weight: float,
    density_weight: float = 0.0,
    target_loss: float,
    step: int,
    jitter: int,
) -> tuple[Tensor, Tensor]:
    """Return the loss on decoded images, and whether they reach the target loss, each ``(N,)``.

    The loss is the weighted sum of three terms: the mean cross-entropy of the attackers on
    `shifted` images, the cross-entropy of f2 on the re-encoded image, and the -ELBO of the image
    under ``density``. An image reaches the target when each of the first two is at most
    ``target_loss`` nats. A term of weight 0 is not computed and counts as reached.

    Args:
        images: decoded images, ``(N, C, H, W)`` in [0, 1].
        target_labels: y', ``(N,)``.
        step, jitter: ``step`` and ``pixels`` of `shifted`.
    """
    loss = torch.zeros(len(images), device=images.device, dtype=images.dtype)
    convinced = torch.ones_like(loss, dtype=torch.bool)
    if attacker_weight > 0:
        views = shifted(images, step, jitter)
        seen = torch.stack([cross_entropy(network(views), target_labels) for network in attackers])
        seen = seen.mean(dim=0)
        loss = loss + attacker_weight * seen
        convinced &= seen.detach() <= target_loss
    if density_weight > 0:
        assert density is not None  # `attack` checks it
        loss = loss + density_weight * negative_elbo(density, images)
    if reencode_weight > 0:
        mu, _ = svae.encode(images)
        again = cross_entropy(svae.classify(mu), target_labels)
        loss = loss + reencode_weight * again
        convinced &= again.detach() <= target_loss
    return loss, convinced
