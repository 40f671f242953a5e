"""What variant `ours` asks of the image itself, where the paper only asks f2 about the latent.

f2 judges z alone, and the decoder need not follow it: by itself the published attack ends in
latents that f2 takes for y' and images that fewer judges do. Here networks that look at images,
trained apart from every judge, must see y' in what is decoded, and so must f2 in its encoding.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from typeone.models.svae import SupervisedVAE
from typeone.training.losses import cross_entropy


def shift_number(step: int) -> int:
    """Which of the nine places of `shifted` comes at ``step``: all of them in turn."""
    return 4 * step % 9  # 4 and 9 share no divisor


def shifted(images: Tensor, step: int, pixels: int) -> Tensor:
    """``images`` moved by (dx, dy) in {-pixels, 0, pixels}², another of the nine at each step.

    What fools a network at one place only does not survive; zeros come in at the border.
    ``(N, C, H, W)`` → the same.
    """
    if pixels == 0:
        return images
    down, right = divmod(shift_number(step), 3)
    height, width = images.shape[2:]
    padded = F.pad(images, (pixels,) * 4)
    top, left = down * pixels, right * pixels
    return padded[:, :, top : top + height, left : left + width]


def image_losses(
    svae: SupervisedVAE,
    attackers: Sequence[nn.Module],
    images: Tensor,
    target_labels: Tensor,
    *,
    attacker_weight: float,
    reencode_weight: float,
    target_loss: float,
    step: int,
    jitter: int,
) -> tuple[Tensor, Tensor]:
    """Loss, and whether the image convinces, each ``(N,)``.

    The loss is the mean cross-entropy of the attackers, who look at `shifted` images, and that of
    f2 on the image encoded anew, weighted and added; the image convinces when each is at most
    ``target_loss`` nats. A part without weight is not computed and counts as convinced.
    """
    loss = torch.zeros(len(images), device=images.device, dtype=images.dtype)
    convinced = torch.ones_like(loss, dtype=torch.bool)
    if attacker_weight > 0:
        views = shifted(images, step, jitter)
        seen = torch.stack([cross_entropy(network(views), target_labels) for network in attackers])
        seen = seen.mean(dim=0)
        loss = loss + attacker_weight * seen
        convinced &= seen.detach() <= target_loss
    if reencode_weight > 0:
        mu, _ = svae.encode(images)
        again = cross_entropy(svae.classify(mu), target_labels)
        loss = loss + reencode_weight * again
        convinced &= again.detach() <= target_loss
    return loss, convinced
