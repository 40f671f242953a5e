"""Attacks on the spheres of II-B: Type I along the missing directions, Type II for comparison.

Type I moves a point of the inner sphere to the outer one while f1 keeps its value: in one step with
a known network (`null_space_move`), or with f1's gradient only, as in Fig. 3 (`walk`). Type II
moves a point on its own sphere until f1 changes its sign: foolbox's PGD restricted to the sphere
(`type2_attack`), and the nearest such point in closed form (`nearest_flips`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import eagerpy
import foolbox
import torch
from torch import Tensor

from typeone.runtime.errors import InputError
from typeone.theory.quadratic import QuadraticNetwork


@torch.no_grad()
def null_space_move(
    network: QuadraticNetwork, points: Tensor, *, inner: float, outer: float
) -> tuple[Tensor, Tensor]:
    """Move ``points`` ``(N, n)`` to the outer sphere without changing f1 (II-B).

    z_i' = z_i in the directions that f1 depends on; in the missing ones all z_i' are equal.

    Returns:
        The exact move and the move as printed, ``(N, n)`` each. The paper sets the d' missing
        coordinates to sqrt((R² - r²) / d') for every x: the result is on the outer sphere only if
        the missing part of x is 0, and its norm² is R² - |missing part of x|² in general. The exact
        move sets them to sqrt((R² - |seen part of x|²) / d').

    Raises:
        InputError: there is no missing direction.
    """
    _, rotation, rank = network.decompose()
    missing = len(rotation) - rank
    if missing == 0:
        raise InputError(
            f"f1 sees all {rank} directions, so there is no direction to move along; needs a "
            "network with hidden < dim"
        )
    z = points @ rotation.to(points.dtype)
    exact, printed = z.clone(), z.clone()
    left = (outer**2 - z[:, :rank].square().sum(dim=1)) / missing
    exact[:, rank:] = left.sqrt()[:, None]
    printed[:, rank:] = math.sqrt((outer**2 - inner**2) / missing)
    return exact @ rotation.T, printed @ rotation.T


@dataclass(frozen=True, kw_only=True)
class WalkSettings:
    """Settings of the walk of Fig. 3.

    Attributes:
        step: length of one step along the projected direction.
        max_steps: the maximum number of steps.
        tolerance: largest distance to the outer sphere at which a point has landed.
    """

    step: float
    max_steps: int
    tolerance: float = 1e-9


@dataclass(frozen=True)
class Walk:
    """Result of a walk of N points.

    Attributes:
        points: the last positions, ``(N, n)``.
        landed: whether each is on the outer sphere, bool ``(N,)``.
        steps: number of steps of each, ``(N,)``.
        trace: all positions of the followed points, the start first, ``(T, followed, n)``.
    """

    points: Tensor
    landed: Tensor
    steps: Tensor
    trace: Tensor


def walk(
    classifier: Callable[[Tensor], Tensor],
    points: Tensor,
    settings: WalkSettings,
    *,
    outer: float,
    followed: int = 0,
) -> Walk:
    """Move ``points`` ``(N, n)`` to radius ``outer`` on the level sets of ``classifier`` (Fig. 3).

    A step is along the radial vector projected onto the surface, x - (x·g) g / |g|² with g the
    gradient of f1 at x_t. Newton steps along g then correct the change of f1 due to the curvature
    of the surface. The last step is cut to the length that reaches the sphere. Only values and
    gradients are used: ``classifier`` maps ``(N, n)`` to ``(N,)`` and may be any network.

    ASSUME: "the surface grad f1(x) = 0" is read as the level set through x_t, whose tangent plane
    is orthogonal to the gradient. (Literally it is W x = 0, where the projection of the radial
    vector is the missing part of x.) Steps are straight and of equal length; the paper gives
    neither step length nor correction.

    Args:
        followed: number of points, from the first, whose positions are recorded in the trace.
    """

    def value_and_gradient(x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.detach().requires_grad_(True)
        value = classifier(x)
        (gradient,) = torch.autograd.grad(value.sum(), x)
        return value.detach(), gradient

    x = points.detach().clone()
    level, gradient = value_and_gradient(x)
    steps = torch.zeros(len(x), dtype=torch.int64, device=x.device)
    trace = [x[:followed].clone()]
    for _ in range(settings.max_steps):
        away = (x.norm(dim=1) - outer).abs() > settings.tolerance
        if not away.any():
            break
        across = gradient / gradient.norm(dim=1, keepdim=True).clamp_min(1e-300)
        along = x - (x * across).sum(dim=1, keepdim=True) * across
        along = along / along.norm(dim=1, keepdim=True).clamp_min(1e-300)
        # |x + t along| = outer at t = -b + sqrt(b² + outer² - |x|²), b = x·along
        b = (x * along).sum(dim=1)
        left = (b.square() + outer**2 - x.square().sum(dim=1)).clamp_min(0).sqrt() - b
        x = x + left.clamp_max(settings.step)[:, None] * along  # left is 0 for landed points
        for _ in range(2):  # Newton on f1 = level: the second round is exact to rounding
            value, gradient = value_and_gradient(x)
            off = (value - level) / gradient.square().sum(dim=1).clamp_min(1e-300)
            x = x - off[:, None] * gradient
        steps += away
        trace.append(x[:followed].clone())
    landed = (x.norm(dim=1) - outer).abs() <= settings.tolerance
    return Walk(x, landed, steps, torch.stack(trace))


class SpherePGD(foolbox.attacks.L2ProjectedGradientDescentAttack):
    """foolbox's L2 PGD on the sphere of the starting point, instead of in a ball around it.

    Two parts differ from foolbox. The radial part of the gradient is removed before it is scaled to
    length 1: the projection would undo that part of the step, which is almost all of it if the
    alphas are nearly equal. The loss is the difference of the logits: the gradient of the
    cross-entropy of a confident network is below 1e-12, foolbox's smallest norm, so that a point
    would not move. The loop, ``abs_stepsize`` and the bound are foolbox's.
    """

    def get_loss_fn(
        self, model: foolbox.Model, labels: eagerpy.Tensor
    ) -> Callable[[eagerpy.Tensor], eagerpy.Tensor]:
        """Return the loss that PGD maximises: logit of the other class minus that of ``labels``."""
        signs = eagerpy.astensor(1.0 - 2.0 * labels.raw)
        return lambda inputs: (signs * (model(inputs)[:, 1] - model(inputs)[:, 0])).sum()

    def normalize(
        self, gradients: eagerpy.Tensor, *, x: eagerpy.Tensor, bounds: foolbox.types.Bounds
    ) -> eagerpy.Tensor:
        """Project ``gradients`` onto the tangent of the sphere at ``x`` and scale to length 1."""
        up = x.raw / x.raw.norm(dim=1, keepdim=True)
        along = gradients.raw - (gradients.raw * up).sum(dim=1, keepdim=True) * up
        return super().normalize(eagerpy.astensor(along), x=x, bounds=bounds)

    def project(self, x: eagerpy.Tensor, x0: eagerpy.Tensor, epsilon: float) -> eagerpy.Tensor:
        """Project ``x`` onto the cap {|x| = |x0|, |x - x0| <= epsilon}."""
        start, point = x0.raw, x.raw
        radius = start.norm(dim=1, keepdim=True)
        point = point * (radius / point.norm(dim=1, keepdim=True))
        # the chord epsilon spans the angle 2 arcsin(epsilon / 2r)
        widest = 2 * torch.asin((epsilon / (2 * radius)).clamp_max(1.0))
        up = start / radius
        aside = point - (point * up).sum(dim=1, keepdim=True) * up
        aside = radius * aside / aside.norm(dim=1, keepdim=True).clamp_min(1e-300)
        edge = torch.cos(widest) * start + torch.sin(widest) * aside
        beyond = (point - start).norm(dim=1, keepdim=True) > epsilon
        return eagerpy.astensor(torch.where(beyond, edge, point))


def type2_attack(
    classifier: Callable[[Tensor], Tensor],
    points: Tensor,
    *,
    epsilon: float,
    steps: int,
    step_size: float,
) -> Tensor:
    """Move ``points`` ``(N, n)`` by PGD on their sphere, within ``epsilon`` of their start.

    Deterministic: it starts at the points themselves and moves f1 away from its label there.
    """

    class TwoLogits(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            value = classifier(x)
            return torch.stack([torch.zeros_like(value), value], dim=1)

    reach = float(points.norm(dim=1).max()) * 1.01  # bounds outside of the spheres
    model = foolbox.PyTorchModel(TwoLogits().eval(), bounds=(-reach, reach), device=points.device)
    labels = (classifier(points) > 0).long()
    attack = SpherePGD(steps=steps, abs_stepsize=step_size, random_start=False)
    found, _, _ = attack(model, points, labels, epsilons=epsilon)
    return found


@torch.no_grad()
def nearest_flips(network: QuadraticNetwork, points: Tensor) -> Tensor:
    """Find the nearest points on the same sphere with f1 = 0, ``(N, n)``; NaN if there is none.

    Minimise |z' - z|² with |z'| = |z| and sum alpha_i z_i'² = -b. The Lagrangian is stationary at
    z_i' ∝ z_i / (1 + t alpha_i), and convex as long as every 1 + t alpha_i is positive, so such a
    point is the global minimum. f1 decreases with t, so bisection finds it: t > 0 for a point with
    f1 > 0, -1 / max alpha < t < 0 for a point with f1 < 0. The null space has alpha 0, so f1 can be
    decreased to b from every point, and increased to max alpha |z|² + b.

    Raises:
        InputError: w is not positive; then f1 does not increase outwards.
    """
    alphas, rotation, rank = network.decompose()
    if not (alphas[:rank] > 0).all():
        raise InputError(
            "w of f1 is not positive, so f1 does not increase outwards; train it again"
        )
    z = points @ rotation
    bias, largest = network.bias, alphas.max()
    radius = z.norm(dim=1, keepdim=True)
    shares = alphas / largest
    down = (z.square() @ alphas + bias > 0)[:, None]

    def place(q: Tensor) -> Tensor:
        # q in [0, 1): t = q / (1 - q) downwards, t = -q upwards, in units of 1 / largest
        weights = torch.where(down, 1 - q + q * shares, 1 - q * shares)
        moved = z / weights
        return moved * (radius / moved.norm(dim=1, keepdim=True))

    low = torch.zeros(len(z), 1, dtype=z.dtype, device=z.device)
    high = torch.ones_like(low)
    for _ in range(52):  # bits of a float64 below 1
        middle = 0.5 * (low + high)
        over = (place(middle).square() @ alphas + bias > 0)[:, None]
        short = over == down  # not yet on the other side
        low, high = torch.where(short, middle, low), torch.where(short, high, middle)
    reachable = torch.where(down, bias < 0, largest * radius.square() + bias > 0)
    return torch.where(reachable, place(low), torch.nan) @ rotation.T
