"""Rival of Algorithm 2: a diffusion model draws the target class while f1 guides it towards y.

The image gets noise of standard deviation ``start`` (SDEdit, Meng et al., ICLR 2022) and a model of
class y' removes it in Euler steps (Karras et al., NeurIPS 2022, Algorithm 1 without its
second-order correction). In each step the gradient of log f1(y) of the estimated clean image, taken
through the model, moves the estimate (classifier guidance on a one-step estimate, for classifiers
that never saw noise: Chung et al., ICLR 2023; Vaeth et al., 2025).

ASSUME: beyond the paper. The gradient gets the length ``scale`` * sigma^(1/4) * (1 - f1(y)),
because that of log f1(y) may be arbitrarily small. Of the powers 0, 1/4, 1/2 and 1 of sigma, 1/4
left most digits clear (validation digits, networks of seed 0). The estimate is clamped to the range
of images after each step, as in Ho et al. (2020); f1 sees it clamped, with the gradient of the
unclamped one, which would otherwise be 0 on a black background. The last step is guided too, though
no model sees its change: without it f1 keeps y in 0.84 in place of 0.95 and clean success is equal.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from typeone.attacks.gradients import unit_directions
from typeone.models.diffusion import Denoiser, one_hot_classes
from typeone.training.losses import cross_entropy

# ASSUME: least noise level of digits; Karras et al. have 0.002 for photographs of 8 bits
LEAST_SIGMA = 0.02
RHO = 7.0  # spacing of the levels (Eq. 5)
POWER = 0.25  # of sigma, in the length of f1's guidance


def noise_levels(steps: int, start: float) -> list[float]:
    """Return ``steps`` noise levels from ``start`` down to `LEAST_SIGMA`, then 0 (Eq. 5)."""
    high, low = start ** (1 / RHO), LEAST_SIGMA ** (1 / RHO)
    places = [step / (steps - 1) for step in range(steps)]
    return [*((high + place * (low - high)) ** RHO for place in places), 0.0]


def guidance(
    clean: Tensor, noisy: Tensor, classifier: nn.Module, labels: Tensor, length: float
) -> Tensor:
    """Return the step on the estimate ``clean`` that raises f1's confidence in ``labels``.

    Args:
        clean: estimates in about [-1, 1], ``(N, 1, H, W)``, computed from ``noisy`` with gradient.
        length: length of the step where f1's confidence is 0.
    """
    seen = clean + (clean.clamp(-1, 1) - clean).detach()
    losses = cross_entropy(classifier((seen + 1) / 2), labels)
    (slope,) = torch.autograd.grad(losses.sum(), noisy)
    doubt = -torch.expm1(-losses.detach())
    doubt = torch.where(doubt.isfinite(), doubt, 0)
    return -length * doubt.view(-1, 1, 1, 1) * unit_directions(slope)


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
        generator: source of the noise, drawn for all images at once.
        steps: number of noise levels, at least 2.
        start: standard deviation of the first noise, for images in [-1, 1]; above `LEAST_SIGMA`.
        class_weight: of classifier-free guidance towards y': 0 ignores the class, 1 is the
            conditional model, more exaggerates the class (1 + w of Ho and Salimans, 2022).
        scale: of f1's guidance, see above; 0 leaves f1 out.
        chunk: images drawn at a time, which bounds the memory.

    Returns:
        Images ``(N, 1, 28, 28)`` in [0, 1].
    """
    levels = noise_levels(steps, start)
    noise = torch.randn(images.shape, generator=generator, device=images.device)
    batches = (each.split(chunk) for each in (2 * images - 1 + start * noise, labels, targets))
    drawn = []
    for noisy, batch_labels, batch_targets in zip(*batches, strict=True):
        classes = one_hot_classes(batch_targets)
        for level, following in pairwise(levels):
            sigma = torch.full((len(noisy),), level, device=noisy.device)
            noisy = noisy.detach().requires_grad_(scale > 0)
            clean = denoiser(noisy, sigma, classes)
            if class_weight != 1:
                plain = denoiser(noisy, sigma, torch.zeros_like(classes))
                clean = plain + class_weight * (clean - plain)
            if scale > 0:
                length = scale * level**POWER
                clean = clean + guidance(clean, noisy, classifier, batch_labels, length)
            clean = clean.detach().clamp(-1, 1)
            noisy = clean + (following / level) * (noisy.detach() - clean)
        drawn.append((noisy + 1) / 2)
    return torch.cat(drawn)
