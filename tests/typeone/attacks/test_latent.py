"""Eq. 13 leaves z where f1 does not look, each example as if it were alone; Song's stays close."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from typeone.attacks import descent
from typeone.attacks.criteria import KeepLabel
from typeone.attacks.latent import (
    BoxAttackSettings,
    LatentAttackSettings,
    attack,
    attack_within_box,
    distance_hinge,
    jittered,
    leaving_loss,
)
from typeone.runtime.errors import InputError

F64 = torch.float64
SETTINGS = LatentAttackSettings(
    **{"steps": 60, "lr": 0.01, "k": 0.01, "epsilon": 0.1, "form": "paper", "jitter": 0.001}
)
BOX = BoxAttackSettings(steps=30, lr=0.05, epsilon=0.1, guide_weight=2.0)
ALIKE = {"rtol": 1e-9, "atol": 1e-12}  # float64; matrix products of another size round otherwise


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def f64(*values):
    return torch.tensor(values, dtype=F64)


def network(fan_in, fan_out, seed):
    """A smooth random network without parameters to train."""
    net = nn.Sequential(nn.Linear(fan_in, 7), nn.Tanh(), nn.Linear(7, fan_out)).double()
    with torch.no_grad():
        for p in net.parameters():
            p.normal_(0, 0.8, generator=seeded(seed))
    return net.requires_grad_(False)


DECODER, F1, GUIDE = network(5, 6, 1), network(6, 3, 2), network(6, 3, 3)
LATENT = torch.randn(9, 5, generator=seeded(4), dtype=F64)
START = jittered(LATENT, 0.001, seeded(5))
TARGETS = torch.tensor([1, 2, 0, 1, 2, 0, 1, 2, 0])


def f1(images):
    return F1(images.flatten(1))


def guide(images):
    return GUIDE(images.flatten(1))


def decode(latent, _rows=None):
    return torch.sigmoid(DECODER(latent)).view(-1, 1, 2, 3)


LABELS = f1(decode(LATENT)).argmax(dim=1)


# -------------------------------------------------------------------------------- the distance


def test_the_papers_hinge_by_hand():
    moved = f64([0.1, 0.2], [0, 0], [0.3, 0.1], [1, 1])
    # 0.1 - 0.05, 0.1, then ||.||² = 0.1 and 2: far enough
    torch.testing.assert_close(distance_hinge(moved, 0.1, "paper"), f64(0.05, 0.1, 0, 0))


def test_the_authors_hinge_by_hand():
    moved = f64([0.1, 0.2], [0, 0], [0.3, 0], [-1, 1])
    # each coordinate lacks max(0.09 - d², 0): (0.08 + 0.05) / 2, 0.09, (0 + 0.09) / 2, 0
    torch.testing.assert_close(distance_hinge(moved, 0.3, "sm"), f64(0.065, 0.09, 0.045, 0))


@pytest.mark.parametrize("form", ["paper", "sm"])
def test_at_z_itself_the_hinge_has_no_gradient_and_away_from_it_points_away(form):
    moved = f64([0, 0, 0], [0.01, -0.02, 0]).requires_grad_(True)
    (gradient,) = torch.autograd.grad(distance_hinge(moved, 0.3, form).sum(), moved)
    assert gradient[0].tolist() == [0, 0, 0]
    share = 1 if form == "paper" else 1 / 3
    torch.testing.assert_close(gradient[1], share * f64(-0.02, 0.04, 0))


def lazy(images, rows):
    """f1 that does not care: J1 has no gradient, the label is always kept."""
    return 0 * images.flatten(1).sum(dim=1), torch.ones(len(rows), dtype=torch.bool)


def identity(latent, _rows):
    return latent.view(len(latent), 1, 1, -1)


def test_from_z_itself_nothing_moves_and_from_the_jittered_start_it_leaves():
    still = attack(identity, LATENT, SETTINGS, keep=lazy, start=LATENT)
    assert torch.equal(still.latent_end, LATENT)
    gone = attack(identity, LATENT, SETTINGS, keep=lazy, start=START)
    assert ((gone.latent_end - LATENT).square().sum(dim=1) >= 0.1).all()


def test_the_jitter_is_normal_noise_of_its_deviation_from_the_generator():
    z = torch.zeros(100, 100)
    noise = jittered(z, 0.5, seeded(1))
    assert torch.equal(noise, jittered(z, 0.5, seeded(1)))
    assert not torch.equal(noise, jittered(z, 0.5, seeded(2)))
    # of 10,000 draws mean and deviation have standard errors 0.005 and 0.0035
    assert abs(noise.mean().item()) < 0.025
    assert abs(noise.std().item() - 0.5) < 0.018
    assert torch.equal(jittered(z, 0.0, seeded(1)), z)


# ------------------------------------------------------------------------------ a known answer


def test_with_linear_networks_z_leaves_through_the_null_space_of_f1():
    """f1 sees one direction of z; J1 is how far it moves. The others are free."""
    mixing = torch.randn(4, 4, generator=seeded(1), dtype=F64)
    seen = torch.randn(4, generator=seeded(2), dtype=F64)  # of the image
    z = torch.randn(3, 4, generator=seeded(3), dtype=F64)

    def linear(latent, _rows):
        return (latent @ mixing).view(-1, 1, 2, 2)

    def keep(images, rows):
        moved = images.flatten(1) @ seen - (z[rows] @ mixing @ seen)
        return moved.square(), moved.abs() < 1e-3

    direction = mixing @ seen / (mixing @ seen).norm()
    settings = replace(SETTINGS, steps=2000, k=1.0, lr=0.001)
    start = jittered(z, 0.001, seeded(6))
    result = attack(linear, z, settings, keep=keep, start=start)
    moved = result.latent_end - z
    # the hinge lets go at epsilon, and Adam's momentum carries z a little further
    distance = moved.square().sum(dim=1)
    assert ((distance >= 0.1) & (distance < 0.13)).all()
    along = (moved @ direction).abs()
    assert (along < 0.03 * moved.norm(dim=1)).all()
    j1, _ = keep(result.images, torch.arange(3))
    assert (j1 < 1e-4).all()


# ------------------------------------------------------------------------------ the objective


@pytest.mark.parametrize("form", ["paper", "sm"])
def test_the_gradient_of_eq13_is_that_of_finite_differences(form, monkeypatch):
    settings = replace(
        SETTINGS, **{"steps": 1, "k": 0.7, "form": form, "guide_weight": 0.4, "epsilon": 2.0}
    )
    seen = []
    step_of = descent.Adam.step

    def spy(self, value, gradient):
        seen.append((value.clone(), gradient.clone()))
        return step_of(self, value, gradient)

    monkeypatch.setattr(descent.Adam, "step", spy)
    start = jittered(LATENT, 0.2, seeded(7))
    attack(
        *(decode, LATENT, settings),
        **{"keep": KeepLabel(f1, LABELS), "start": start},
        **{"guide": guide, "target_labels": TARGETS},
    )
    ((z, gradient),) = seen
    assert torch.equal(z, start)

    def objective(z, i):
        """Eq. 13 term by term, from its symbols."""
        image, d = decode(z[None]), z - LATENT[i]
        j1 = -f1(image).softmax(1)[0, LABELS[i]].log()
        away = 2.0 - d.square().sum() if form == "paper" else (4.0 - d.square()).mean()
        return 0.7 * j1 + away - 0.4 * guide(image).softmax(1)[0, TARGETS[i]].log()

    h = 1e-6  # central differences err by h² and by 1e-16 / h
    for i in range(len(LATENT)):
        for j in range(5):
            e = torch.zeros(5, dtype=F64)
            e[j] = h
            slope = (objective(z[i] + e, i) - objective(z[i] - e, i)) / (2 * h)
            assert gradient[i, j].item() == pytest.approx(slope.item(), rel=1e-6, abs=1e-8)


def test_the_guide_pulls_to_the_target_and_f1_keeps_the_label():
    """Image and latent are one; f1 reads the first pixel, f_G the second."""

    def pair(number):
        return lambda images: torch.stack([-images[:, 0, 0, number], images[:, 0, 0, number]], 1)

    z = f64([-1, -1, 0], [-2, -3, 1])
    settings = replace(SETTINGS, steps=300, lr=0.1, k=1.0, guide_weight=1.0)
    zeros = torch.zeros(2, dtype=torch.long)
    result = attack(
        *(identity, z, settings),
        **{"keep": KeepLabel(pair(0), zeros), "start": jittered(z, 0.001, seeded())},
        **{"guide": pair(1), "target_labels": zeros + 1},
    )
    assert (result.latent_end[:, 0] < -1).all()
    assert (result.latent_end[:, 1] > 0).all()


@pytest.mark.parametrize("missing", ["guide", "target_labels"])
def test_a_weight_of_the_guide_needs_guide_and_targets(missing):
    given = {"guide": guide, "target_labels": TARGETS, missing: None}
    settings = replace(SETTINGS, guide_weight=0.5)
    with pytest.raises(InputError, match=r"`guide_weight` is 0\.5 without an auxiliary classifier"):
        attack(decode, LATENT, settings, keep=lazy, start=START, **given)


# --------------------------------------------------------------------------- one and many


def type1(chosen, settings):
    return attack(
        lambda z, _rows: decode(z),
        LATENT[chosen],
        settings,
        keep=KeepLabel(f1, LABELS[chosen]),
        start=START[chosen],
        guide=guide,
        target_labels=TARGETS[chosen],
    )


def type2(chosen, settings):
    return attack_within_box(
        *(decode, LATENT[chosen], LABELS[chosen], settings), classifier=f1, guide=guide
    )


EARLY = {"patience": 10, "check_every": 5}


@pytest.mark.parametrize(
    ("run", "settings"),
    [
        (type1, replace(SETTINGS, **EARLY)),
        (type1, replace(SETTINGS, **EARLY, lr=0.1, guide_weight=1.0, guide_target_loss=0.7)),
        (type1, replace(SETTINGS, form="sm", steps=7)),
        (type2, replace(BOX, **EARLY, epsilon=1.0)),
    ],
    ids=["untargeted", "targeted", "authors", "type2"],
)
def test_a_batch_equals_its_singles(run, settings):
    together = run(list(range(9)), settings)
    for i in range(9):
        alone = run([i], settings)
        torch.testing.assert_close(alone.latent_end, together.latent_end[i : i + 1], **ALIKE)
        torch.testing.assert_close(alone.images, together.images[i : i + 1], **ALIKE)
        assert alone.steps.item() == together.steps[i]
        assert alone.converged.item() == together.converged[i]


def test_examples_leave_when_they_have_converged_and_the_others_go_on():
    settings = replace(SETTINGS, **EARLY, lr=0.1, guide_weight=1.0, guide_target_loss=0.7)
    result = type1(list(range(9)), settings)
    assert set(result.steps[~result.converged].tolist()) <= {60}
    assert set(result.steps.tolist()) > {60}
    images = decode(result.latent_end)
    torch.testing.assert_close(result.images, images, **ALIKE)
    done = result.converged
    assert done.any()
    assert (f1(images).argmax(dim=1) == LABELS)[done].all()
    lost = -guide(images).log_softmax(dim=1)[torch.arange(9), TARGETS]
    assert (lost[done] <= 0.7).all()
    assert ((result.latent_end - LATENT).square().sum(dim=1) >= 0.1)[done].all()


def test_without_patience_all_steps_are_made_and_nobody_has_converged():
    result = type1(list(range(9)), SETTINGS)
    assert result.steps.tolist() == [60] * 9
    assert not result.converged.any()


# ------------------------------------------------------------------------------- Song et al.


def test_the_leaving_loss_is_that_of_the_nearest_other_class():
    # softmax 1/6, 2/6, 3/6 without the last, and 1/4, 1/4, 2/4 without the first
    logits = torch.stack([f64(1, 2, 3).log(), f64(1, 1, 2).log()])
    by_hand = f64(math.log(3), math.log(2))
    torch.testing.assert_close(leaving_loss(logits, torch.tensor([2, 0])), by_hand)


@pytest.mark.parametrize("epsilon", [0.001, 0.1, 1.0])
def test_the_type2_attack_stays_in_its_box(epsilon):
    result = type2(list(range(9)), replace(BOX, epsilon=epsilon))
    moved = (result.latent_end - LATENT).abs()
    assert moved.max().item() == pytest.approx(epsilon, rel=1e-9)  # it reaches the wall
    assert (moved <= epsilon * (1 + 1e-9)).all()


def test_the_type2_attack_makes_f1_leave_where_it_can():
    """Image and latent are one: f1 turns at 0.05 away, which the box allows for the first only."""

    def near(images):
        return torch.stack([-images[:, 0, 0, 0], images[:, 0, 0, 0]], dim=1)

    def never(images):
        return torch.stack([images[:, 0, 0, 1], -images[:, 0, 0, 1]], dim=1)

    z = f64([-0.05, 1], [-0.2, 1])
    zeros = torch.zeros(2, dtype=torch.long)
    settings = replace(BOX, patience=5, check_every=5)
    result = attack_within_box(identity, z, zeros, settings, classifier=near, guide=never)
    assert result.converged.tolist() == [True, False]
    assert near(result.images).argmax(dim=1).tolist() == [1, 0]
    assert never(result.images).argmax(dim=1).tolist() == [0, 0]
