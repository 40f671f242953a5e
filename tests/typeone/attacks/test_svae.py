"""Algorithm 2 does what its equations say, each example as if it were alone."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from typeone.attacks.criteria import KeepLabel
from typeone.attacks.svae import attack, update_k

from ..algorithm2 import (
    ALIKE,
    F64,
    LN2,
    SETTINGS,
    TOGETHER,
    ToySvae,
    batch_of_attacks,
    f64,
    real_networks,
    seeded,
)


class Careless(ToySvae):
    """f2 is undecided everywhere."""

    def classify(self, z):
        return 0 * super().classify(z)


def scripted(losses, kept=True):
    """A `keep` whose J1 is known: the next of ``losses`` at every step.

    Where k leaves 0 the attack asks twice, for the loss and then for its gradient.
    """
    left, asked = iter(losses), [None, True]

    def keep(images, rows):
        n, again = len(rows), torch.is_grad_enabled() and not asked[1]
        asked[:] = asked[0] if again else next(left), torch.is_grad_enabled()
        return torch.full((n,), asked[0], dtype=F64), torch.full((n,), kept)

    return keep


# ------------------------------------------------------------------------ Eq. 10 and Eq. 11


def test_with_the_ratio_only_the_hinge_moves_k_and_k_never_falls():
    k = f64(0, 0.5, 0.5, 0.5)
    j1, j2 = f64(1.01, 0.01, 0.001, 0.51), f64(7, 7, 7, 0)
    # k + 0.1 * max(J1 - 0.01, 0), whatever J2
    by_hand = f64(0.1, 0.5, 0.5, 0.55)
    torch.testing.assert_close(update_k(k, j1, j2, SETTINGS), by_hand)


def test_with_a_constant_beta_k_follows_eq10():
    k = f64(0.5, 0.5, 0.5)
    j1, j2 = f64(1.01, 0.01, 2.0), f64(3.0, 1.0, 0.0)
    # k + 0.1 * (2 J1 - J2 + max(J1 - 0.01, 0)): the brackets are 0.02, -0.98, 5.99
    by_hand = f64(0.502, 0.402, 1.099)
    torch.testing.assert_close(update_k(k, j1, j2, replace(SETTINGS, beta=2.0)), by_hand)


def test_k_is_clipped_at_zero_and_at_its_maximum():
    settings = replace(SETTINGS, beta=0.0, k_max=0.3)
    # k + 0.1 * (-J2 + hinge): 0.1 - 0.5 and 0.2 + 0.4
    k = update_k(f64(0.1, 0.2), f64(0.01, 4.01), f64(5, 0), settings)
    assert k.tolist() == [0, 0.3]


@pytest.mark.parametrize(
    ("beta", "k_max", "by_hand"),
    [
        # Eq. 11: 0.1 * 0.2, then J1 at and below its target: nothing, then 0.1 * 1
        ("ratio", 10.0, [0, 0.02, 0.02, 0.02, 0.12]),
        ("ratio", 0.05, [0, 0.02, 0.02, 0.02, 0.05]),
        # J2 = ln 2 throughout: 0.1 * (4 * 0.21 - ln 2 + 0.2), 0.1 * (0.04 - ln 2), then below 0,
        # then 0.1 * (4.04 - ln 2 + 1)
        (4.0, 10.0, [0, 0.104 - LN2 / 10, 0, 0, 0.504 - LN2 / 10]),
    ],
)
def test_inside_the_attack_k_follows_eq10(beta, k_max, by_hand):
    # z stands still (lr 0) where f2 is undecided; the J1 of the start, 9.9, moves nothing:
    # k_1 belongs to x_1 (Algorithm 2)
    result = attack(
        ToySvae(),
        torch.zeros(1, 2, dtype=F64),
        torch.tensor([1]),
        replace(SETTINGS, steps=4, lr=0.0, beta=beta, k_max=k_max),
        keep=scripted([9.9, 0.21, 0.01, 0.002, 1.01]),
        follow=[0],
        follow_every=1,
    )
    assert [p.k for p in result.trace] == pytest.approx(by_hand, abs=1e-12)  # float64
    assert [p.j1 for p in result.trace] == [9.9, 0.21, 0.01, 0.002, 1.01]
    assert [p.j2 for p in result.trace] == pytest.approx([LN2] * 5, abs=1e-12)
    assert result.k.tolist() == pytest.approx(by_hand[-1:], abs=1e-12)


@pytest.mark.parametrize(
    ("beta", "k_max", "by_hand"),
    [
        # 0.1 * max(D - 1, 0) with D = 1.75 a step, up to the maximum
        ("ratio", 0.2, [0, 0.075, 0.15, 0.2]),
        # 0.1 * (0.4 D - ln 2 + 0.75) a step
        (0.4, 10.0, [0, *(n * (0.145 - LN2 / 10) for n in (1, 2, 3))]),
    ],
)
def test_by_the_slip_of_the_authors_k_follows_the_discriminator_and_never_f1(beta, k_max, by_hand):
    """z stands still (lr 0) where f2 is undecided and the discriminator's output is 1.75."""
    traces = []
    for losses in ([0.0] * 4, [9.9, 0.2, 5.0, 0.0]):
        result = attack(
            ToySvae(),
            f64([0.0, 1.75]),
            torch.tensor([1]),
            replace(
                *(SETTINGS,),
                **{"steps": 3, "lr": 0.0, "beta": beta, "k_max": k_max},
                **{"target_loss": 1.0, "k_driver": "discriminator"},
            ),
            keep=scripted(losses),
            follow=[0],
            follow_every=1,
        )
        traces.append([p.k for p in result.trace])
        assert [p.j1 for p in result.trace] == losses
    assert traces[0] == traces[1] == pytest.approx(by_hand, abs=1e-12)  # float64


@pytest.mark.parametrize(
    ("k_start", "k_max", "eta", "by_hand"),
    [
        (0.5, 10.0, 0.0, [0.5, 0.5, 0.5, 0.5]),  # fixed
        (0.5, 0.3, 0.0, [0.3, 0.3, 0.3, 0.3]),  # clipped as Eq. 10 is
        # 0.1 * (ln 2 - 0.01) a step, from k_start on and up to the maximum
        (0.5, 0.6, 0.1, [0.5, 0.499 + LN2 / 10, 0.6, 0.6]),
    ],
)
def test_k_starts_where_it_is_told_to(k_start, k_max, eta, by_hand):
    """z stands still where f1, whose logits are the pixels, is undecided: J1 is ln 2."""
    result = attack(
        ToySvae(),
        torch.zeros(1, 2, dtype=F64),
        torch.tensor([1]),
        replace(SETTINGS, steps=3, lr=0.0, k_start=k_start, k_max=k_max, eta=eta),
        keep=KeepLabel(torch.nn.Flatten(), torch.tensor([0])),
        follow=[0],
        follow_every=1,
    )
    assert [p.k for p in result.trace] == pytest.approx(by_hand, abs=1e-12)  # float64
    assert result.k.tolist() == pytest.approx(by_hand[-1:], abs=1e-12)


@pytest.mark.parametrize(("k_start", "moved"), [(0.0, 0.0), (0.01, 0.25)])
def test_the_start_of_k_is_felt_at_the_first_step(k_start, moved):
    # only k * J1 pulls: z_0 up and z_1 down, and Adam's first step is lr * sign(g)
    settings = replace(SETTINGS, steps=1, lr=0.25, alpha=0.0, gamma=0.0, eta=0.0, k_start=k_start)
    keep = KeepLabel(torch.nn.Flatten(), torch.tensor([0]))
    result = attack(Careless(), f64([0.0, 0.0]), torch.tensor([1]), settings, keep=keep)
    # epsilon shortens the step by 1e-8 / (0.03 |g|), with |g| = 0.01 / 2
    torch.testing.assert_close(result.latent_end, f64([moved, -moved]), rtol=0, atol=1e-4)


class Noting:
    """f1 whose logits are the pixels; notes at every call whether a gradient could flow."""

    def __init__(self):
        self.gradient = []

    def __call__(self, images):
        self.gradient.append(torch.is_grad_enabled())
        return images.flatten(1)


@pytest.mark.parametrize(
    ("why", "changes", "by_hand"),
    [
        ("k stays 0", {"eta": 0.0}, [False] * 5),
        # k is 0 at the start and 0.1 * (ln 2 - 0.01) at step 1, where J1 is asked for again
        ("k leaves 0", {"eta": 0.1}, [False, False, True, True, True, True]),
        # with beta 0 the bracket of Eq. 10 is -J2 + J1 - 0.01 = -0.01, so that k ends the steps at
        # 0.0015, 0.0005, 0, 0, 0; step 2 asks for J1 while k is still 0.0005
        (
            "k returns to 0",
            {"k_start": 0.0015, "eta": 0.1, "beta": 0.0},
            [True, True, True, False, False],
        ),
    ],
)
def test_no_gradient_flows_through_f1_while_every_k_is_zero(why, changes, by_hand):
    f1 = Noting()
    attack(
        ToySvae(),
        torch.zeros(2, 2, dtype=F64),
        torch.tensor([1, 1]),
        replace(SETTINGS, steps=4, lr=0.0, **changes),
        keep=KeepLabel(f1, torch.tensor([0, 0])),
    )
    assert f1.gradient == by_hand, why


def test_a_neighbour_whose_k_leaves_zero_changes_no_bit():
    """Example 0 has k = 0 throughout; J1 is computed with or without gradient, by its neighbour."""
    svae, f1, latent, labels, targets = batch_of_attacks(2)
    settings = replace(TOGETHER, patience=None, steps=40, target_loss=0.0)
    true = KeepLabel(f1, labels)

    def raised(by):
        """J1 plus known numbers, so that they alone decide which k leaves 0."""
        felt = []

        def keep(images, rows):
            j1, kept = true(images, rows)
            felt.append(images.requires_grad)
            return j1 + f64(*by)[rows], kept

        return keep, felt

    (calm, never), (stirred, later) = raised([-99, -99]), raised([-99, 99])
    alone = attack(svae, latent, targets, settings, keep=calm)
    beside = attack(svae, latent, targets, settings, keep=stirred)
    assert not any(never)
    assert not later[0]
    assert all(later[2:])  # from step 1 on; there J1 is asked for twice
    assert alone.k.tolist() == [0, 0]
    assert beside.k.tolist() == [0, 1]
    # both batches have two rows, so that sums run in one order: no tolerance
    assert torch.equal(beside.latent_end[0], alone.latent_end[0])
    assert torch.equal(beside.images[0], alone.images[0])
    assert not torch.equal(beside.latent_end[1], alone.latent_end[1])


def test_in_a_batch_as_alone_to_the_bit_where_every_sum_has_one_order():
    # logits of f1 are z: J1 of the first example is softplus(-16), far below its target of 0.01,
    # that of the second softplus(16), so that its k leaves 0 at step 1
    z0, targets, labels = f64([8, -8], [8, -8]), torch.tensor([0, 0]), torch.tensor([0, 1])
    both = attack(ToySvae(), z0, targets, SETTINGS, keep=KeepLabel(torch.nn.Flatten(), labels))
    one = attack(
        *(ToySvae(), z0[:1], targets[:1], SETTINGS),
        keep=KeepLabel(torch.nn.Flatten(), labels[:1]),
    )
    assert both.k[0] == one.k[0] == 0 < both.k[1]
    assert torch.equal(both.latent_end[:1], one.latent_end)


# -------------------------------------------------------------------------- the step on z


@pytest.mark.parametrize("manifold", ["probability", "log"])
def test_the_gradient_is_that_of_eq8_by_finite_differences(manifold):
    svae, f1 = real_networks()
    z0, y = torch.randn(1, 6, generator=seeded(2), dtype=F64), torch.tensor([3])
    target = torch.tensor([7])
    # k is 0 at the start and, with this eta, at its maximum of 0.7 from the first step on
    settings = replace(
        SETTINGS, steps=2, alpha=0.4, gamma=0.3, eta=1e6, k_max=0.7, manifold=manifold
    )
    seen = []

    class Spy:
        discriminate, decode = staticmethod(svae.discriminate), staticmethod(svae.decode)

        def classify(self, z):
            point = [z.detach().clone(), None]
            seen.append(point)

            z.register_hook(lambda gradient: point.__setitem__(1, gradient.clone()))
            return svae.classify(z)

    attack(Spy(), z0, target, settings, keep=KeepLabel(f1, y))

    @torch.no_grad()
    def objective(z, k):
        """J_SA of Eq. 8, term by term from the paper."""
        believed = torch.sigmoid(svae.discriminate(z))
        doubt = 1 - believed if manifold == "probability" else -believed.log()
        f2 = svae.classify(z).softmax(1)[0, 7]
        kept = f1(torch.sigmoid(svae.decode_logits(z))).softmax(1)[0, 3]
        return (-f2.log() + 0.4 * doubt + 0.3 * z.square().sum().sqrt() - k * kept.log()).item()

    h = 1e-5
    for (z, gradient), k in zip(seen[:2], [0, 0.7], strict=True):
        numeric = torch.zeros_like(z)
        for i in range(6):
            e = torch.zeros_like(z)
            e[0, i] = h
            numeric[0, i] = (objective(z + e, k) - objective(z - e, k)) / (2 * h)
        # central differences err by h² = 1e-10 and by rounding of 1e-16 / h = 1e-11, each times
        # derivatives and values of order 1 to 100
        torch.testing.assert_close(gradient, numeric, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("beta2", [0.999, 0.98])
def test_the_engines_adam_is_that_of_torch_step_for_step(beta2):
    start, alpha, gamma, steps = f64([1.5, -0.7]), 0.5, 0.1, 25
    settings = replace(SETTINGS, lr=0.1, beta2=beta2, alpha=alpha, gamma=gamma)
    z = start.clone().requires_grad_(True)
    adam = torch.optim.Adam([z], lr=0.1, betas=(0.9, beta2))
    for step in range(1, steps + 1):
        objective = F.softplus(2 * z[0, 0])  # -log f2(z) at class 0 of logits (-z_0, z_0)
        objective = objective + alpha * (1 - torch.sigmoid(z[0, 1])) + gamma * z.norm()
        (z.grad,) = torch.autograd.grad(objective, z)
        adam.step()
        ours = attack(ToySvae(), start, torch.tensor([0]), replace(settings, steps=step), keep=None)
        # the engine adds epsilon before Adam's bias correction, as TensorFlow does, torch after
        # it: a relative 1e-8 / (0.03 |g|) of each step of 0.1, with |g| above 0.01 here
        torch.testing.assert_close(ours.latent_end, z.detach(), rtol=0, atol=step * 0.1 * 4e-5)


def test_the_first_step_has_the_length_of_the_learning_rate_along_each_axis():
    # Adam's first step is lr * sign(g): f2 wants z_0 up for class 1, f_dis wants z_1 up
    settings = replace(SETTINGS, steps=1, lr=0.25, gamma=0.0)
    result = attack(ToySvae(), f64([0.0, 0.0]), torch.tensor([1]), settings, keep=None)
    # epsilon shortens the step by 1e-8 / (0.03 |g|), with |g| = alpha / 4 at the least
    torch.testing.assert_close(result.latent_end, f64([0.25, 0.25]), rtol=0, atol=1e-4)


def test_a_decoder_whose_inverse_is_known_ends_on_the_image_that_keeps_f1():
    """f1 wants the pixels at 0.3 (J1 their squared distance), f2 does not care: z must get there.

    The decoder is z itself, so the end is known: z = (0.3, 0.3).
    """

    def keep(images, rows):
        return (images - 0.3).square().sum(dim=(1, 2, 3)), torch.ones(len(rows), dtype=torch.bool)

    settings = replace(
        SETTINGS, steps=600, lr=0.02, alpha=0.0, gamma=0.0, eta=1.0, target_loss=0.0, k_max=1.0
    )
    start = f64([1.0, -0.5])
    result = attack(Careless(), start, torch.tensor([1]), settings, keep=keep)
    # Adam with a constant rate of 0.02 settles well below a step from the minimum
    wanted = torch.full((1, 1, 1, 2), 0.3, dtype=F64)
    torch.testing.assert_close(result.images, wanted, rtol=0, atol=0.01)


# ------------------------------------------------------------------- a batch is its singles


def test_a_batch_decides_as_its_singles_do():
    svae, f1, latent, labels, targets = batch_of_attacks()
    together = attack(svae, latent, targets, TOGETHER, keep=KeepLabel(f1, labels))
    # the claim is about examples that leave at different times, with k at 0, under way and at its
    # maximum
    assert together.steps.unique().tolist() == [50, 70, 80]
    assert together.converged.tolist() == [True, False, True, False, True]
    assert ((together.k > 0) & (together.k < 1)).any()
    assert together.k.min().item() == 0
    assert together.k.max().item() == 1
    for i in range(len(latent)):
        one = slice(i, i + 1)
        keep = KeepLabel(f1, labels[one])
        alone = attack(svae, latent[one], targets[one], TOGETHER, keep=keep)
        assert together.steps[i] == alone.steps[0]
        assert together.converged[i] == alone.converged[0]
        torch.testing.assert_close(together.latent_end[one], alone.latent_end, **ALIKE)
        torch.testing.assert_close(together.images[one], alone.images, **ALIKE)
        torch.testing.assert_close(together.k[one], alone.k, **ALIKE)
        ends = [svae.classify(r.latent_end).argmax(1) for r in (together, alone)]
        assert ends[0][i] == ends[1][0]


def test_the_order_of_the_examples_does_not_matter():
    svae, f1, latent, labels, targets = batch_of_attacks()
    order = torch.tensor([4, 0, 2, 1, 3])
    straight = attack(svae, latent, targets, TOGETHER, keep=KeepLabel(f1, labels))
    keep = KeepLabel(f1, labels[order])
    shuffled = attack(svae, latent[order], targets[order], TOGETHER, keep=keep)
    assert torch.equal(shuffled.steps, straight.steps[order])
    assert torch.equal(shuffled.converged, straight.converged[order])
    torch.testing.assert_close(shuffled.latent_end, straight.latent_end[order], **ALIKE)
    torch.testing.assert_close(shuffled.k, straight.k[order], **ALIKE)


def test_the_same_attack_twice_gives_the_same_bytes():
    svae, f1, latent, labels, targets = batch_of_attacks(2)
    first, second = (
        attack(svae, latent, targets, TOGETHER, keep=KeepLabel(f1, labels)) for _ in range(2)
    )
    assert torch.equal(first.latent_end, second.latent_end)
    assert torch.equal(first.images, second.images)


# ------------------------------------------------------------------------- when it is over


def undisturbed(steps, patience, *, z=2.0, keep=None, target=1, check_every=10):
    """One toy attack; at z_0 = 2 f2 says class 1 from the start and for ever."""
    settings = replace(
        SETTINGS, steps=steps, patience=patience, check_every=check_every, alpha=0.0, gamma=0.0
    )
    return attack(ToySvae(), f64([z, 0.0]), torch.tensor([target]), settings, keep=keep)


@pytest.mark.parametrize(
    ("patience", "leaves"), [(1, 10), (10, 10), (15, 20), (20, 20), (25, 30), (90, 90)]
)
def test_an_example_leaves_at_the_first_check_after_patience_steps_of_success(patience, leaves):
    result = undisturbed(95, patience)
    assert result.steps.item() == leaves
    assert result.converged.item()


def test_an_example_that_runs_out_of_steps_has_not_converged():
    result = undisturbed(95, 100)
    assert result.steps.item() == 95
    assert not result.converged.item()
    assert not undisturbed(95, None).converged.item()


def test_success_that_is_lost_is_counted_afresh():
    # checks at steps 0, 5, 10, ...: J1 is too high at step 10 only, so that five steps are held
    # before it and the ten that are wanted run from step 15 to 25
    losses = [0.0] * 10 + [9.0] + [0.0] * 89
    result = undisturbed(99, 10, keep=scripted(losses), check_every=5)
    assert result.steps.item() == 25
    assert result.converged.item()


@pytest.mark.parametrize(
    ("why", "changes"),
    [
        ("f2 does not say y'", {"target": 0, "z": 500.0}),
        ("f1 does not say y", {"keep": scripted([0.0] * 99, kept=False)}),
        ("J1 is above its target", {"keep": scripted([0.0101] * 99)}),
    ],
)
def test_success_asks_for_f2_f1_and_a_low_j1(why, changes):
    result = undisturbed(60, 10, **changes)
    assert not result.converged.item(), why
    assert result.steps.item() == 60


def test_success_at_the_target_loss_counts():
    assert undisturbed(60, 10, keep=scripted([0.01] * 99)).steps.item() == 10


# ----------------------------------------------------------------------------- other claims


def test_without_f1_k_stays_zero_and_j1_is_unknown():
    svae, _, latent, _, targets = batch_of_attacks(3)
    result = attack(
        svae, latent, targets, replace(TOGETHER, patience=None), keep=None, follow=[0, 2]
    )
    assert result.k.tolist() == [0, 0, 0]
    assert all(math.isnan(p.j1) and p.k == 0 for p in result.trace)


def test_f1_is_not_felt_where_k_is_held_at_zero():
    svae, f1, latent, labels, targets = batch_of_attacks(3)
    settings = replace(TOGETHER, patience=None, steps=30, k_max=0.0)
    without = attack(svae, latent, targets, settings, keep=None)
    with_f1 = attack(svae, latent, targets, settings, keep=KeepLabel(f1, labels))
    torch.testing.assert_close(with_f1.latent_end, without.latent_end, **ALIKE)


def test_no_steps_give_the_reconstruction():
    svae, f1, latent, labels, targets = batch_of_attacks(3)
    settings = replace(SETTINGS, steps=0)
    result = attack(svae, latent, targets, settings, keep=KeepLabel(f1, labels), follow=[1])
    with torch.no_grad():
        assert torch.equal(result.images, svae.decode(latent))
    assert torch.equal(result.latent_end, latent)
    assert torch.equal(result.latent_start, latent)
    assert result.steps.tolist() == [0, 0, 0]
    assert not result.converged.any()
    assert [(p.step, p.example) for p in result.trace] == [(0, 1)]


def test_the_start_is_not_overwritten():
    latent = f64([0.5, 0.5])
    result = attack(ToySvae(), latent, torch.tensor([0]), SETTINGS, keep=None)
    assert latent.tolist() == result.latent_start.tolist() == [[0.5, 0.5]]


def test_the_trace_has_the_followed_examples_every_so_often_and_at_their_end():
    # at z_0 = 2 example 0 holds success from the start and leaves after 20 steps; the others
    # start far on the other side and never get there
    latent = f64([2.0, 0.5], [-90.0, 0.5], [-90.0, 0.25])
    settings = replace(SETTINGS, steps=45, patience=20, alpha=0.0, gamma=0.0, lr=0.5)
    result = attack(
        ToySvae(), latent, torch.ones(3, dtype=torch.int64), settings, keep=None,
        follow=[2, 0], follow_every=15,
    )  # fmt: skip
    points = [(p.example, p.step) for p in result.trace]
    assert sorted(points) == [(0, 0), (0, 15), (0, 20), (2, 0), (2, 15), (2, 30), (2, 45)]
    start = next(p for p in result.trace if p.example == 2)
    assert start.j2 == pytest.approx(180, rel=1e-12)  # softplus(2 * 90)
    assert start.penalty == pytest.approx(1 / (1 + math.exp(0.25)), rel=1e-12)  # 1 - f_dis
    # pixels are z, stored as uint8: below 0 is 0, 0.25 * 255 = 63.75 is 64
    assert start.image.dtype == torch.uint8
    assert start.image.flatten().tolist() == [0, 64]


def test_the_networks_are_left_as_they_were():
    svae, f1, latent, labels, targets = batch_of_attacks(2)
    before = {k: v.clone() for k, v in {**svae.state_dict(), **f1.state_dict()}.items()}
    result = attack(svae, latent, targets, TOGETHER, keep=KeepLabel(f1, labels), follow=[0])
    for model in (svae, f1):
        assert not model.training
        assert all(p.grad is None and p.requires_grad for p in model.parameters())
    for key, value in {**svae.state_dict(), **f1.state_dict()}.items():
        assert torch.equal(value, before[key])
    assert not result.images.requires_grad
    assert not result.latent_end.requires_grad
