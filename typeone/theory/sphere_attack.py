"""Attacks between the spheres of II-B: Type I by the missing directions, Type II for contrast.

Type I moves a point of the inner sphere to the outer one while f1 keeps its value: in one step
where the network is known (`null_space_move`), or with f1's gradient alone, the way of Fig. 3
(`walk`). Type II moves a point on its own sphere until f1 changes its mind: foolbox's PGD kept on
the sphere (`type2_attack`), and the nearest such point in closed form (`nearest_flips`).
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
    """Points of the outer sphere on which f1 has the value it has on ``points`` ``(N, n)``.

    z_i' = z_i where f1 sees, z_i' equal to one another where it does not (II-B).

    Returns:
        Exact and as printed, ``(N, n)`` each. The paper sets the d' missing coordinates to
        sqrt((R² - r²) / d'), whatever x held there: that lands on the outer sphere only if x held
        nothing, and at norm² R² - |missing part of x|² in general. The exact move sets them to
        sqrt((R² - |seen part of x|²) / d').

    Raises:
        InputError: f1 misses no direction.
    """
    _, rotation, rank = network.decompose()
    missing = len(rotation) - rank
    if missing == 0:
        raise InputError(
            f"f1 sees all {rank} directions, so that none is left to move along; needs a network "
            "with hidden below dim"
        )
    z = points @ rotation.to(points.dtype)
    exact, printed = z.clone(), z.clone()
    left = (outer**2 - z[:, :rank].square().sum(dim=1)) / missing
    exact[:, rank:] = left.sqrt()[:, None]
    printed[:, rank:] = math.sqrt((outer**2 - inner**2) / missing)
    return exact @ rotation.T, printed @ rotation.T


@dataclass(frozen=True, kw_only=True)
class WalkSettings:
    """The way of Fig. 3.

    Attributes:
        step: length of one step along the projected direction.
        max_steps: after which a point gives up.
        tolerance: how near to the outer sphere a point has landed.
    """

    step: float
    max_steps: int
    tolerance: float = 1e-9


@dataclass(frozen=True)
class Walk:
    """Where N points ended.

    Attributes:
        points: ``(N, n)``.
        landed: whether each is on the outer sphere, ``(N,)``.
        steps: that each took, ``(N,)``.
        trace: all places of the followed points, the start first, ``(T, followed, n)``.
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

    A step goes along the radial vector projected onto the surface, x - (x·g) g / |g|² with g the
    gradient of f1 at x_t. Newton's step along g then takes back what the surface's bend added to
    f1. The last steps are cut to the length that reaches the sphere. Asks for values and gradients
    only: ``classifier`` maps ``(N, n)`` to ``(N,)`` and may be any network.

    ASSUME: "the surface grad f1(x) = 0" is read as the level set through x_t, whose tangent plane
    is orthogonal to the gradient. (Word for word it is W x = 0, where the projection of the radial
    vector is what f1 misses of x.) Straight steps of one length; the paper prints neither step nor
    correction.

    Args:
        followed: of how many points, the first ones, the trace keeps every place.
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
        x = x + left.clamp_max(settings.step)[:, None] * along  # where it has landed, left is 0
        for _ in range(2):  # Newton on f1 = level: the second round is exact to rounding
            value, gradient = value_and_gradient(x)
            off = (value - level) / gradient.square().sum(dim=1).clamp_min(1e-300)
            x = x - off[:, None] * gradient
        steps += away
        trace.append(x[:followed].clone())
    landed = (x.norm(dim=1) - outer).abs() <= settings.tolerance
    return Walk(x, landed, steps, torch.stack(trace))


class SpherePGD(foolbox.attacks.L2ProjectedGradientDescentAttack):
    """foolbox's L2 PGD on the sphere that a point started on, instead of in a ball around it.

    Two parts are ours. Gradients lose their radial part before they are scaled to length 1: the
    projection would take that part of the step back, almost all of it where the alphas are nearly
    equal. And they are those of the difference of the logits: the cross-entropy of a sure network
    is so flat (below 1e-12, foolbox's least norm) that a point would stay where it is. The loop,
    ``abs_stepsize`` and the bound are foolbox's.
    """

    def get_loss_fn(
        self, model: foolbox.Model, labels: eagerpy.Tensor
    ) -> Callable[[eagerpy.Tensor], eagerpy.Tensor]:
        """What PGD raises: the logit of the other class minus that of ``labels``."""
        signs = eagerpy.astensor(1.0 - 2.0 * labels.raw)
        return lambda inputs: (signs * (model(inputs)[:, 1] - model(inputs)[:, 0])).sum()

    def normalize(
        self, gradients: eagerpy.Tensor, *, x: eagerpy.Tensor, bounds: foolbox.types.Bounds
    ) -> eagerpy.Tensor:
        """``gradients`` along the sphere through ``x``, of length 1."""
        up = x.raw / x.raw.norm(dim=1, keepdim=True)
        along = gradients.raw - (gradients.raw * up).sum(dim=1, keepdim=True) * up
        return super().normalize(eagerpy.astensor(along), x=x, bounds=bounds)

    def project(self, x: eagerpy.Tensor, x0: eagerpy.Tensor, epsilon: float) -> eagerpy.Tensor:
        """The point of the cap {|x| = |x0|, |x - x0| <= epsilon} in the direction of ``x``."""
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
    """Where PGD on the sphere takes ``points`` ``(N, n)``, within ``epsilon`` of their start.

    Deterministic: it starts at the points themselves and pushes f1 away from its answer there.
    """

    class TwoLogits(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            value = classifier(x)
            return torch.stack([torch.zeros_like(value), value], dim=1)

    reach = float(points.norm(dim=1).max()) * 1.01  # bounds that no point of a sphere touches
    model = foolbox.PyTorchModel(TwoLogits().eval(), bounds=(-reach, reach), device=points.device)
    labels = (classifier(points) > 0).long()
    attack = SpherePGD(steps=steps, abs_stepsize=step_size, random_start=False)
    found, _, _ = attack(model, points, labels, epsilons=epsilon)
    return found


@torch.no_grad()
def nearest_flips(network: QuadraticNetwork, points: Tensor) -> Tensor:
    """The nearest points on the same sphere at which f1 is 0, ``(N, n)``; NaN where there is none.

    Minimise |z' - z|² with |z'| = |z| and sum alpha_i z_i'² = -b. The Lagrangian is stationary at
    z_i' ∝ z_i / (1 + t alpha_i), and convex as long as every 1 + t alpha_i is positive, so that
    such a point is the nearest of all. As t rises f1 falls, hence bisection finds it: t > 0 for a
    point with f1 > 0, -1 / max alpha < t < 0 for one with f1 < 0. The null space has alpha 0, so
    that f1 can be brought down to b from everywhere, and up to max alpha |z|² + b.

    Raises:
        InputError: w is not positive; then f1 does not rise outwards.
    """
    alphas, rotation, rank = network.decompose()
    if not (alphas[:rank] > 0).all():
        raise InputError(
            "w of f1 is not positive, so that f1 does not rise outwards; train it anew"
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
