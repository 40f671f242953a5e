"""Between the spheres f1 sees nothing move, and on a sphere the nearest flip is known."""

import math

import pytest
import torch

from typeone.runtime.errors import InputError
from typeone.theory.quadratic import QuadraticNetwork
from typeone.theory.sphere_attack import (
    WalkSettings,
    nearest_flips,
    null_space_move,
    type2_attack,
    walk,
)
from typeone.theory.spheres import sample_sphere

WALK = WalkSettings(step=0.02, max_steps=200)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def network_of(weight, scale, bias):
    """A network in float64 of given numbers."""
    weight = torch.as_tensor(weight, dtype=torch.float64)
    network = QuadraticNetwork(weight.shape[1], len(weight)).double()
    with torch.no_grad():
        network.weight.copy_(weight)
        network.scale.fill_(scale)
        network.bias.fill_(bias)
    return network.eval().requires_grad_(False)


@pytest.fixture
def uneven():
    """A network of 20 numbers that sees 15 directions, not along the axes and not equally."""
    basis = torch.linalg.qr(torch.randn(20, 20, generator=seeded(1), dtype=torch.float64))[0]
    lengths = torch.linspace(0.9, 1.1, 15, dtype=torch.float64)
    return network_of(lengths[:, None] * basis[:15], 50.0, -50.0 * 0.62)


@pytest.fixture
def even():
    """A network of 5 numbers that sees the first three: f1 = |seen|² - 0.6."""
    return network_of(torch.eye(5)[:3], 1.0, -0.6)


def points_of(count, dim, radius, seed=2):
    return sample_sphere(count, dim, radius, seeded(seed), dtype=torch.float64)


# --------------------------------------------------------------- the move in the null space


def test_the_move_on_numbers_done_by_hand():
    network = network_of(torch.eye(4)[:2], 2.0, -1.0)
    # seen squared norm 0.36 and 0.64: of a norm of 0.8, the first point misses 0.28, the second 0
    points = torch.tensor([[0.6, 0, math.sqrt(0.28), 0], [0, 0.8, 0, 0]], dtype=torch.float64)
    exact, printed = null_space_move(network, points, inner=0.8, outer=1.0)
    assert exact.abs() == pytest.approx(
        torch.tensor([[0.6, 0, math.sqrt(0.32), math.sqrt(0.32)], [0, 0.8, *[math.sqrt(0.18)] * 2]])
    )
    # as printed, 0.36 is shared among the missed directions whatever the point held there
    assert printed.square().sum(dim=1).tolist() == pytest.approx([0.72, 1.0])


def test_the_move_keeps_f1_and_lands_on_the_outer_sphere(uneven):
    points = points_of(500, 20, 0.8)
    exact, printed = null_space_move(uneven, points, inner=0.8, outer=1.0)
    # float64: values of ten units round at 1e-14
    for moved in (exact, printed):
        assert (uneven(moved) - uneven(points)).abs().max() < 1e-9
    assert (exact.norm(dim=1) - 1).abs().max() < 1e-9


def test_as_printed_the_move_misses_the_sphere_by_what_the_point_held(uneven):
    points = points_of(500, 20, 0.8)
    _, printed = null_space_move(uneven, points, inner=0.8, outer=1.0)
    _, rotation, rank = uneven.decompose()
    held = (points @ rotation)[:, rank:].square().sum(dim=1)
    assert torch.allclose(printed.square().sum(dim=1), 1 - held, atol=1e-12)
    assert (printed.norm(dim=1) < 1 - 1e-6).all()


def test_a_network_that_sees_everything_cannot_be_moved():
    network = network_of(torch.eye(3), 1.0, -0.8)
    with pytest.raises(InputError, match="f1 sees all 3 directions, so there is no direction"):
        null_space_move(network, points_of(2, 3, 0.8), inner=0.8, outer=1.0)


# ------------------------------------------------------------------------- the walk of Fig. 3


def test_the_walk_keeps_f1_at_every_step_and_lands_on_the_outer_sphere(uneven):
    points = points_of(100, 20, 0.8)
    found = walk(uneven, points, WALK, outer=1.0, followed=100)
    assert found.landed.all()
    assert (found.points.norm(dim=1) - 1).abs().max() < 1e-9
    values = uneven(found.trace.reshape(-1, 20)).view(-1, 100)
    # f1 runs over some ten units; the bend of a step of 0.02 is taken back to rounding
    assert (values - uneven(points)).abs().max() < 1e-9
    assert torch.equal(found.trace[0], points)
    assert torch.equal(found.trace[-1], found.points)


def test_the_walk_of_an_even_network_goes_straight_along_what_it_misses(even):
    points = points_of(20, 5, 0.8)
    found = walk(even, points, WALK, outer=1.0)
    assert torch.allclose(found.points[:, :3], points[:, :3], atol=1e-9)
    start, end = points[:, 3:], found.points[:, 3:]
    assert torch.allclose(
        end / end.norm(dim=1, keepdim=True), start / start.norm(dim=1, keepdim=True)
    )
    # steps of 0.02 for the way, the rest of it, and at most one more for rounding
    way = (end - start).norm(dim=1) / 0.02
    assert ((found.steps >= way.ceil()) & (found.steps <= way.ceil() + 1)).all()


def test_the_walk_asks_for_values_and_gradients_only():
    # no quadratic form, no null space that is known: f1 is any smooth function
    def classifier(x):
        return torch.tanh(3 * x[:, 0]) + x[:, 1] ** 3 + 0.5 * x[:, 2] * x[:, 0]

    points = points_of(50, 8, 0.8)
    found = walk(classifier, points, WALK, outer=1.0)
    assert found.landed.all()
    assert (classifier(found.points) - classifier(points)).abs().max() < 1e-6


def test_a_batch_of_walks_equals_its_singles(uneven):
    points = points_of(7, 20, 0.8)
    together = walk(uneven, points, WALK, outer=1.0)
    alone = [walk(uneven, point[None], WALK, outer=1.0) for point in points]
    assert torch.allclose(together.points, torch.cat([w.points for w in alone]), atol=1e-12)
    assert together.steps.tolist() == [w.steps.item() for w in alone]


def test_a_walk_without_steps_enough_says_so(uneven):
    found = walk(uneven, points_of(5, 20, 0.8), WalkSettings(step=0.02, max_steps=3), outer=1.0)
    assert not found.landed.any()
    assert found.steps.tolist() == [3] * 5
    assert (found.points.norm(dim=1) < 1).all()


# ------------------------------------------------------------------------- on the sphere itself


def test_the_nearest_flip_of_an_even_network_is_a_turn_towards_what_it_misses(even):
    points = points_of(200, 5, 1.0)
    points = points[points[:, :3].square().sum(dim=1) > 0.6]
    found = nearest_flips(even, points)
    # by hand: from the angle whose cosine is |seen| to the one whose cosine is sqrt(0.6)
    angle = math.acos(math.sqrt(0.6)) - torch.acos(points[:, :3].norm(dim=1))
    distance = (found - points).norm(dim=1)
    assert torch.allclose(distance, 2 * torch.sin(angle / 2), atol=1e-9)
    assert even(found).abs().max() < 1e-9


def test_where_f1_cannot_be_flipped_there_is_no_nearest_flip(even):
    # on a sphere of squared radius 0.59 f1 = |seen|² - 0.6 is negative everywhere
    assert nearest_flips(even, points_of(10, 5, math.sqrt(0.59))).isnan().all()


@pytest.mark.parametrize("radius", [0.8, 1.0])
def test_nothing_on_the_sphere_flips_nearer(uneven, radius):
    points = points_of(10, 20, radius)
    found = nearest_flips(uneven, points)
    assert (found.norm(dim=1) - radius).abs().max() < 1e-9
    assert uneven(found).abs().max() < 1e-9
    distance = (found - points).norm(dim=1)
    # the way there has no part along the sphere and the level set: it is a sum of their normals
    for start, end in zip(points, found, strict=True):
        normals = torch.stack([end, uneven.weight.T @ (uneven.weight @ end)], dim=1)
        basis = torch.linalg.qr(normals)[0]
        way = end - start
        assert (way - basis @ (basis.T @ way)).norm() < 1e-7  # float64, and bisection
    # random points of the sphere just inside that distance: none flips
    noise = torch.randn(2000, 10, 20, generator=seeded(4), dtype=torch.float64)
    others = points + 0.3 * noise / noise.norm(dim=2, keepdim=True)
    others = radius * others / others.norm(dim=2, keepdim=True)
    flipped = (uneven(others.reshape(-1, 20)) > 0).view(2000, 10) != (uneven(points) > 0)
    assert flipped.any()
    assert (((others - points).norm(dim=2) >= distance) | ~flipped).all()


def test_a_network_that_falls_outwards_is_refused():
    with pytest.raises(InputError, match="w of f1 is not positive"):
        nearest_flips(network_of(torch.eye(5)[:3], -1.0, 0.6), points_of(2, 5, 1.0))


@pytest.mark.parametrize("radius", [0.8, 1.0])
def test_pgd_finds_a_flip_where_there_is_one_and_stays_on_the_sphere(uneven, radius):
    points = points_of(100, 20, radius)
    distance = (nearest_flips(uneven, points) - points).norm(dim=1)
    epsilon = distance.median().item()
    ends = type2_attack(uneven, points, epsilon=epsilon, steps=60, step_size=0.01)
    assert (ends.norm(dim=1) - radius).abs().max() < 1e-9
    assert ((ends - points).norm(dim=1) < epsilon + 1e-9).all()
    flipped = (uneven(ends) > 0) != (uneven(points) > 0)
    # within 2 % of the bound a last step of 0.01 decides
    assert flipped[distance < 0.98 * epsilon].all()
    assert not flipped[distance > 1.000001 * epsilon].any()


def test_pgd_is_not_stopped_by_a_network_that_is_sure():
    # f1 is some 1e4 everywhere on the sphere but near the missed directions: cross-entropy is flat
    network = network_of(torch.eye(5)[:3], 1e4, -6e3)
    points = points_of(50, 5, 1.0)
    points = points[network(points) > 0]
    ends = type2_attack(network, points, epsilon=2.0, steps=200, step_size=0.02)
    assert (network(ends) < 0).all()
