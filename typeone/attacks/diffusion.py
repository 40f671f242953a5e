"""Rival of Algorithm 2: a diffusion model draws the target class while f1 guides it towards y.

The image gets noise of standard deviation ``start`` (SDEdit, Meng et al., ICLR 2022) and a model of
class y' removes it in ``steps`` (Karras et al., NeurIPS 2022, Algorithm 1 without churn and second
order). At each step the gradient of log f1(y) of the estimated clean image, taken through the
model, moves the estimate (classifier guidance on a one-step estimate, for classifiers that never
saw noise: Chung et al., ICLR 2023; Vaeth et al., 2025).

ASSUME: beyond the paper. At each step the gradient gets the length ``scale`` * sigma^(1/4) *
(1 - f1(y)), because log f1(y) of a sure classifier has gradients of any size. Of the powers 0, 1/4,
1/2 and 1 of sigma, 1/4 left most digits clear (validation digits, networks of seed 0).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from typeone.models.diffusion import Denoiser, class_rows
from typeone.training.losses import cross_entropy

FIRST_SIGMA, RHO = 0.02, 7.0  # least noise level and spacing of the levels (Table 1, Karras et al.)
POWER = 0.25  # of sigma, in the length of f1's guidance


def noise_levels(steps: int, start: float) -> list[float]:
    """Return ``steps`` noise levels from ``start`` to `FIRST_SIGMA`, then 0 (Eq. 5)."""
    high, low = start ** (1 / RHO), FIRST_SIGMA ** (1 / RHO)
    places = [step / max(steps - 1, 1) for step in range(steps)]
    return [*((high + place * (low - high)) ** RHO for place in places), 0.0]


def guided_diffusion(
    denoiser: Denoiser,
    classifier: nn.Module,
    images: Tensor,
    labels: Tensor,
    targets: Tensor,
    generator: torch.Generator,
    *,
    steps: int,
    start: float,
    class_weight: float,
    scale: float,
    chunk: int = 100,
) -> Tensor:
    """Redraw ``images`` ``(N, 1, 28, 28)`` in [0, 1] as ``targets`` that f1 sees as ``labels``.

    Args:
        classifier: f1, images in [0, 1] → logits ``(N, 10)``.
        labels, targets: y and y', int64 ``(N,)``.
        steps: noise levels.
        start: standard deviation of the first noise, for images in [-1, 1].
        class_weight: of classifier-free guidance towards y' (Ho and Salimans, 2022): 0 ignores the
            class, 1 is the conditional model, more exaggerates the class.
        scale: of f1's guidance, see above; 0 leaves f1 out.
        chunk: images drawn at a time, which bounds the memory.
    """
    levels = noise_levels(steps, start)
    noise = torch.randn(images.shape, generator=generator, device=images.device)
    parts = (each.split(chunk) for each in (2 * images - 1 + start * noise, labels, targets))
    ends = []
    for here, old, new in zip(*parts, strict=True):
        wanted = class_rows(new)
        for level, following in pairwise(levels):
            sigma = torch.full((len(here),), level, device=here.device)
            here = here.detach().requires_grad_(scale > 0)
            clean = denoiser(here, sigma, wanted)
            if class_weight != 1:
                plain = denoiser(here, sigma, torch.zeros_like(wanted))
                clean = plain + class_weight * (clean - plain)
            if scale > 0:
                losses = cross_entropy(classifier((clean + 1) / 2), old)
                (slope,) = torch.autograd.grad(losses.sum(), here)
                size = slope.flatten(1).norm(dim=1).clamp_min(torch.finfo(slope.dtype).tiny)
                length = scale * level**POWER * (1 - (-losses.detach()).exp()) / size
                clean = clean - length.view(-1, 1, 1, 1) * slope
            clean = clean.detach().clamp(-1, 1)
            here = clean + (following / level) * (here.detach() - clean)
        ends.append((here + 1) / 2)
    return torch.cat(ends)
