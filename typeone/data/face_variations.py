"""Augmentation of faces for judges, and non-faces made from faces.

A judge of attacked faces classifies decoded images, which are softer than photographs. It is
therefore trained on faces that are shifted, flipped, blurred and relit. Its class "no face" is
trained on images made from the same faces, so that colour and smoothness do not identify it; other
kinds of non-faces are held out.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

MOVE = 0.06  # largest shift, half-images
TURN = 0.12  # largest rotation, radians
GROW = 0.08  # largest relative change of size
LIGHT = 0.15  # largest change of contrast and brightness
GRAIN = 0.04  # largest standard deviation of pixel noise


def vary_faces(images: Tensor, generator: torch.Generator) -> Tensor:
    """Randomly flip, shift, rotate, scale, blur and relight faces ``(N, 3, H, W)`` in [0, 1].

    About a third stays sharp; a third is blurred once and a third twice by a factor of two.
    ``generator``: on the device of ``images``.
    """
    n = len(images)

    def uniform(limit: float) -> Tensor:
        draws = torch.rand(n, 1, 1, 1, generator=generator, device=images.device)
        return (2 * draws - 1) * limit

    angle, size = uniform(TURN).flatten(), 1 + uniform(GROW).flatten()
    mirror = uniform(1).flatten().sign()
    cos, sin = angle.cos() * size, angle.sin() * size
    dx, dy = uniform(MOVE).flatten(), uniform(MOVE).flatten()
    affine = torch.stack([mirror * cos, -mirror * sin, dx, sin, cos, dy], dim=1).view(n, 2, 3)
    grid = F.affine_grid(affine, list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    sharpness = uniform(3).abs()
    moved = torch.where(sharpness < 2, _blurred(moved, 2), moved)
    moved = torch.where(sharpness < 1, _blurred(moved, 2), moved)
    lit = (moved - 0.5) * (1 + uniform(LIGHT)) + 0.5 + uniform(LIGHT)
    return (lit + uniform(GRAIN).abs() * _normal(lit.shape, lit, generator)).clamp(0, 1)


def _blurred(images: Tensor, factor: int) -> Tensor:
    small = F.avg_pool2d(images, factor)
    return F.interpolate(small, images.shape[-2:], mode="bilinear", align_corners=False)


def mix_faces(images: Tensor, generator: torch.Generator, share: float) -> Tensor:
    """Give a ``share`` of the faces ``(N, C, H, W)`` the coarse part of another, mirrored face.

    So a network learns to read fine detail too, and is not convinced by shading alone. Another
    quarter of ``share``, which is at most 0.8, is blurred. The coarse part is what a Gaussian
    filter leaves, with a standard deviation of 1.5 to 6 pixels, drawn once; each face gets 0.3 to 1
    of the difference.
    """
    if share == 0:
        return images
    n = len(images)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, device=images.device)

    deviation = 1.5 + 4.5 * float(uniform(1))
    order = _permutations(1, n, generator, images)[0]
    coarse = _filtered(images, deviation)
    strength = 0.3 + 0.7 * uniform(n, 1, 1, 1)
    mixed = images + strength * (coarse[order].flip(-1) - coarse)
    blurred = _filtered(images, 1 + 2 * float(uniform(1)))
    chance = uniform(n, 1, 1, 1)
    plain = torch.where(chance < 1.25 * share, blurred, images)
    return torch.where(chance < share, mixed, plain).clamp(0, 1)


def _filtered(images: Tensor, deviation: float) -> Tensor:
    """Apply a Gaussian filter of ``deviation`` pixels."""
    channels, radius = images.shape[1], int(3 * deviation)
    taps = torch.arange(-radius, radius + 1, device=images.device)
    weights = torch.exp(-taps.square() / (2 * deviation**2))
    line = (weights / weights.sum()).view(1, 1, 1, -1).expand(channels, 1, 1, -1).contiguous()
    wide = F.pad(images, (radius,) * 4, mode="reflect")
    return F.conv2d(F.conv2d(wide, line, groups=channels), line.transpose(2, 3), groups=channels)


def _normal(shape: torch.Size, like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator, device=like.device)


def _permutations(n: int, count: int, generator: torch.Generator, like: Tensor) -> Tensor:
    """Draw ``n`` random permutations of ``count`` elements, ``(n, count)``."""
    return torch.rand(n, count, generator=generator, device=like.device).argsort(dim=1)


def _reordered(pieces: Tensor, generator: torch.Generator) -> Tensor:
    """Permute the P pieces of each image at random, ``(N, P, ...)``."""
    order = _permutations(len(pieces), pieces.shape[1], generator, pieces)
    index = order.view(*order.shape, *(1,) * (pieces.dim() - 2)).expand_as(pieces)
    return pieces.gather(1, index)


def patches(images: Tensor, generator: torch.Generator) -> Tensor:
    """Permute sixteen squares of each face at random."""
    n, c, h, w = images.shape
    pieces = images.view(n, c, 4, h // 4, 4, w // 4).permute(0, 2, 4, 1, 3, 5)
    mixed = _reordered(pieces.reshape(n, 16, c, h // 4, w // 4), generator)
    mixed = mixed.view(n, 4, 4, c, h // 4, w // 4).permute(0, 3, 1, 4, 2, 5)
    return mixed.reshape(n, c, h, w)


def blend(images: Tensor, generator: torch.Generator) -> Tensor:
    """Average each face with two others, rolled by a quarter and a half of the image."""
    order = _permutations(1, len(images), generator, images)[0]
    other = images[order]
    far = other.roll((images.shape[-1] // 2, images.shape[-1] // 4), dims=(-2, -1))
    near = other.roll((-images.shape[-1] // 4, images.shape[-1] // 2), dims=(-2, -1)).flip(0)
    return (images + far + near) / 3


def noise(images: Tensor, generator: torch.Generator) -> Tensor:
    """Draw smooth noise with the mean and deviation of each face: 8x8 points, upsampled."""
    mean, deviation = images.mean(dim=(2, 3), keepdim=True), images.std(dim=(2, 3), keepdim=True)
    coarse = _normal(torch.Size((*images.shape[:2], 8, 8)), images, generator)
    cloud = F.interpolate(coarse, images.shape[-2:], mode="bilinear", align_corners=False)
    return (mean + 1.5 * deviation * cloud).clamp(0, 1)


def blank(images: Tensor, generator: torch.Generator) -> Tensor:
    """Remove the features of each face: replace a central oval by its 4x4 pixel average."""
    side = images.shape[-1]
    ticks = (torch.arange(side, device=images.device) + 0.5) / side * 2 - 1
    oval = (ticks / 0.6) ** 2 + ((ticks[:, None] - 0.1) / 0.65) ** 2
    return torch.lerp(images, _blurred(images, side // 4), torch.sigmoid(8 * (1 - oval)))


def warped(images: Tensor, generator: torch.Generator) -> Tensor:
    """Warp each face: 5x5 points move by about a fifth of the image, with interpolation between."""
    n, _, h, w = images.shape
    pull = 0.4 * _normal(torch.Size((n, 2, 5, 5)), images, generator)
    pull = F.interpolate(pull, (h, w), mode="bilinear", align_corners=True).permute(0, 2, 3, 1)
    still = torch.eye(2, 3, device=images.device).expand(n, 2, 3)
    grid = F.affine_grid(still, list(images.shape), align_corners=False) + pull
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def strips(images: Tensor, generator: torch.Generator) -> Tensor:
    """Permute eight horizontal strips of each face at random."""
    n, c, h, w = images.shape
    pieces = images.view(n, c, 8, h // 8, w).transpose(1, 2)
    return _reordered(pieces, generator).transpose(1, 2).reshape(n, c, h, w)


def rolled(images: Tensor, generator: torch.Generator) -> Tensor:
    """Swap opposite quarters of each face."""
    return images.roll((images.shape[-2] // 2, images.shape[-1] // 2), dims=(-2, -1))


def swirled(images: Tensor, generator: torch.Generator) -> Tensor:
    """Swirl each face about its centre: a full turn there, none at the rim."""
    side = images.shape[-1]
    ticks = (torch.arange(side, device=images.device) + 0.5) / side * 2 - 1
    x, y = ticks.expand(side, side), ticks[:, None].expand(side, side)
    angle = 2 * torch.pi * (1 - (x.square() + y.square()).sqrt()).clamp(min=0)
    turned = [x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()]
    grid = torch.stack(turned, dim=-1).expand(len(images), -1, -1, -1)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def pixels(images: Tensor, generator: torch.Generator) -> Tensor:
    """Permute the pixels of each face at random."""
    return _reordered(images.flatten(2).transpose(1, 2), generator).transpose(1, 2).view_as(images)


Nonface = Callable[[Tensor, torch.Generator], Tensor]
TRAINED_NONFACES: tuple[Nonface, ...] = (patches, blend, noise, blank, warped)
HELD_OUT_NONFACES: tuple[Nonface, ...] = (strips, rolled, swirled, pixels)
