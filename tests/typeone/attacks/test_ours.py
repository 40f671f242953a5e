"""Variant `ours` asks the image itself, and walks an offset of its logits beside the latent."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from typeone.attacks import descent
from typeone.attacks.criteria import KeepLabel
from typeone.attacks.image_terms import image_losses, shifted, turn
from typeone.attacks.svae import attack
from typeone.data.images import to_uint8
from typeone.models.classifiers import mlp, reset_parameters
from typeone.models.density import DenseVAE
from typeone.runtime.errors import InputError

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

WEIGHTS = {
    **{"attacker_weight": 1.0, "reencode_weight": 0.0, "target_loss": 0.1},
    **{"step": 0, "jitter": 0},
}


class Sees:
    """An attacker whose logits are one pixel and its opposite."""

    def __init__(self, pixel):
        self.pixel = pixel

    def __call__(self, images):
        value = images.flatten(1)[:, self.pixel]
        return torch.stack([value, -value], dim=1)


class ReencodingSvae(ToySvae):
    """Encodes an image as its pixels, turned around."""

    def encode(self, images):
        return images.flatten(1).flip(1), None


class LogitSvae(ToySvae):
    """The latent itself is the logits of the pixels."""

    def decode_logits(self, z):
        return z.view(len(z), 1, 1, -1)

    def decode(self, z):
        return torch.sigmoid(self.decode_logits(z))


class Prints(LogitSvae):
    """Whatever the latent, the logits of the pixels are these."""

    def __init__(self, *logits):
        self.logits = f64(*logits)

    def decode_logits(self, z):
        return self.logits.expand(len(z), 1, 1, -1)


def untrained(*seeds):
    """Attackers of 28x28 images in float64."""
    networks = [mlp() for _ in seeds]
    for network, seed in zip(networks, seeds, strict=True):
        reset_parameters(network, seeded(seed))
    return [network.double().eval().requires_grad_(False) for network in networks]


# ------------------------------------------------------------------- what the image must show


def test_the_image_loss_is_the_mean_over_attackers_and_f2_anew_by_hand():
    images = f64(0.5, 0.0).view(1, 1, 1, 2)
    loss, convinced = image_losses(
        ReencodingSvae(),
        [Sees(0), Sees(1)],
        images,
        torch.tensor([0]),
        **WEIGHTS | {"attacker_weight": 2.0, "reencode_weight": 3.0, "target_loss": 0.6},
    )
    # attackers: logits (0.5, -0.5) and (0, 0); f2 anew reads z_0 = 0 and is undecided
    attackers = (math.log(1 + math.exp(-1)) + LN2) / 2
    assert loss.tolist() == pytest.approx([2 * attackers + 3 * LN2], abs=1e-12)
    assert attackers < 0.6 < LN2  # the attackers are convinced, f2 is not
    assert convinced.tolist() == [False]


class Improbable:
    """q(z|x) is N(pixels, 4), and every pixel is decoded to a logit of 0."""

    def encode(self, images):
        mu = images.flatten(1)
        return mu, torch.full_like(mu, 2.0)

    def decode_logits(self, z):
        return torch.zeros(len(z), 1, 1, z.shape[1], dtype=z.dtype)


def test_the_density_term_is_the_negative_elbo_by_hand_and_convinces_nobody():
    images = f64(0.5, 0.25).view(1, 1, 1, 2)
    weights = WEIGHTS | {"attacker_weight": 0.0, "density_weight": 0.1}
    loss, convinced = image_losses(
        ReencodingSvae(), [], images, torch.tensor([0]), density=Improbable(), **weights
    )
    # ln 2 for each pixel; KL of N(mu, 4) with mu the pixels
    kl = sum((mu**2 + 4 - 1 - 2 * LN2) / 2 for mu in (0.5, 0.25))
    assert loss.tolist() == pytest.approx([0.1 * (2 * LN2 + kl)], abs=1e-12)
    assert convinced.tolist() == [True]  # it has no target of its own


def test_the_density_term_alone_makes_the_image_more_probable():
    """The density model believes in dark pixels; f2 and f_dis are undecided."""

    class Undecided(LogitSvae):
        def classify(self, z):
            return 0 * z

    class Dark:
        def encode(self, images):
            mu = 0 * images.flatten(1)
            return mu, torch.ones_like(mu)

        def decode_logits(self, z):
            return z.view(len(z), 1, 1, -1) - 2

    z0 = f64(1.0, 1.0).view(1, 2)
    settings = replace(SETTINGS, steps=30, lr=0.1, alpha=0.0, gamma=0.0, density_weight=0.5)
    result = attack(Undecided(), z0, torch.tensor([0]), settings, keep=None, density=Dark())
    assert (result.latent_end < -0.5).all()


def test_without_weights_attackers_are_not_asked():
    def refuses(images):
        raise AssertionError("asked")

    z0, target = f64(0.3, -0.2).view(1, 2), torch.tensor([1])
    with_them = attack(ToySvae(), z0, target, SETTINGS, keep=None, attackers=[refuses])
    without = attack(ToySvae(), z0, target, SETTINGS, keep=None)
    assert torch.equal(with_them.latent_end, without.latent_end)


def test_attackers_alone_move_the_image_to_their_class():
    """f2 is undecided everywhere; only the attacker tells the classes apart, by pixel 1."""

    class Undecided(ToySvae):
        def classify(self, z):
            return 0 * z

    z0 = f64(0.0, -1.0).view(1, 2)
    settings = replace(SETTINGS, steps=50, lr=0.1, alpha=0.0, gamma=0.0, image_weight=1.0)
    result = attack(Undecided(), z0, torch.tensor([0]), settings, keep=None, attackers=[Sees(1)])
    assert result.latent_end[0, 1] > 1
    assert result.latent_end[0, 0] == 0


def test_an_image_weight_needs_attackers():
    settings = replace(SETTINGS, image_weight=0.5)
    with pytest.raises(InputError, match=r"`image_weight` is 0\.5 without attackers"):
        attack(ToySvae(), f64(0.0, 0.0).view(1, 2), torch.tensor([1]), settings, keep=None)


def test_a_density_weight_needs_a_density_model():
    settings = replace(SETTINGS, density_weight=0.5)
    with pytest.raises(InputError, match=r"`density_weight` is 0\.5 without a density model"):
        attack(ToySvae(), f64(0.0, 0.0).view(1, 2), torch.tensor([1]), settings, keep=None)


@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_each_attacker_has_its_turn_at_the_steps_and_at_the_checks(count):
    steps = [turn(count, step, check_every=10) for step in range(10)]
    assert set(steps) == set(range(min(count, 10)))
    checks = [turn(count, step, check_every=10) for step in range(0, 10 * 11 * count, 10)]
    assert set(checks) == set(range(count))
    # success must be held by all: a patience of 40 steps has five checks
    if count <= 5:
        assert all(len(set(checks[i : i + count])) == count for i in range(len(checks) - count))


def test_in_turn_an_attack_asks_one_attacker_at_a_step():
    asked = []

    def saying(name):
        def attacker(images):
            asked.append(name)
            return Sees(1)(images)

        return attacker

    z0 = f64(0.0, -1.0).view(1, 2)
    settings = replace(SETTINGS, steps=12, image_weight=1.0, attackers_in_turn=True)
    three = [saying(name) for name in range(3)]
    attack(ToySvae(), z0, torch.tensor([0]), settings, keep=None, attackers=three)
    assert asked == [turn(3, step, check_every=10) for step in range(13)]
    asked.clear()
    settings = replace(settings, attackers_in_turn=False)
    attack(ToySvae(), z0, torch.tensor([0]), settings, keep=None, attackers=three)
    assert asked == [0, 1, 2] * 13


def test_the_gradient_of_the_image_losses_is_that_of_finite_differences():
    svae, f1 = real_networks()
    attackers = [*untrained(5), f1]
    images = torch.rand(2, 1, 28, 28, generator=seeded(6), dtype=F64, requires_grad=True)
    targets = torch.tensor([7, 2])
    weights = WEIGHTS | {"attacker_weight": 0.7, "reencode_weight": 1.3, "jitter": 1}
    weights |= {"density_weight": 0.01}
    density = DenseVAE(latent_dim=3)
    reset_parameters(density, seeded(8))
    density.double().eval()

    def loss(x):
        return image_losses(svae, attackers, x, targets, density=density, **weights)[0]

    (gradient,) = torch.autograd.grad(loss(images).sum(), images)
    direction = torch.randn(images.shape, generator=seeded(7), dtype=F64)
    h = 1e-6
    with torch.no_grad():
        slope = (loss(images + h * direction) - loss(images - h * direction)) / (2 * h)
    exact = (gradient * direction).flatten(1).sum(1)
    # central differences err by h² times the third derivative, and by 1e-16 / h of rounding
    assert slope.tolist() == pytest.approx(exact.tolist(), rel=1e-5)


def margin(m):
    """An attacker that always gives class 1 a logit of ``m`` above that of class 0."""
    return lambda images: f64(0.0, m).expand(len(images), 2)


@pytest.mark.parametrize(
    ("why", "margins", "pixel", "changes", "converges"),
    [
        # cross-entropy ln(1 + e^-m): 0.049 for 3, 0.139 for 1.9, 0.313 for 1; f2 anew reads the
        # second pixel as z_0 and gives ln(1 + e^-2z): 0.018 for 2 and 0.313 for 0.5
        ("both are convinced", [3.0], 2.0, {}, True),
        ("attackers are convinced in the mean, 0.094", [3.0, 1.9], 2.0, {}, True),
        ("attackers doubt", [1.0], 2.0, {}, False),
        ("one attacker of two doubts too much: 0.181", [3.0, 1.0], 2.0, {}, False),
        ("f2 doubts the image", [3.0], 0.5, {}, False),
        ("both doubt", [1.0], 0.5, {}, False),
        ("attackers do not count", [1.0], 2.0, {"image_weight": 0.0}, True),
        ("f2 on the image does not count", [3.0], 0.5, {"reencode_weight": 0.0}, True),
        # a weight scales the loss that is walked, not the one that is held to the target
        ("weights do not tip it", [1.0], 2.0, {"image_weight": 0.01}, False),
        ("weights do not tip it", [3.0], 2.0, {"image_weight": 99.0}, True),
        ("f2 does not say y' of the latent", [3.0], 2.0, {"first": -2.0}, False),
    ],
)
def test_an_example_converges_once_attackers_and_f2_anew_are_convinced(
    why, margins, pixel, changes, converges
):
    z0 = f64(changes.pop("first", 2.0), pixel).view(1, 2)
    settings = {"image_weight": 1.0, "reencode_weight": 1.0, "image_target_loss": 0.1} | changes
    result = attack(
        ReencodingSvae(),
        z0,
        torch.tensor([1]),
        replace(SETTINGS, steps=35, lr=0.0, patience=20, **settings),
        keep=None,
        attackers=[margin(m) for m in margins],
    )
    assert result.converged.tolist() == [converges], why
    assert result.steps.tolist() == [20 if converges else 35]


# ------------------------------------------------------------------------------------ jitter


def rows_of(image):
    """A 3x3 image of digits as text, row by row."""
    return " ".join("".join(str(int(v)) for v in row) for row in image.reshape(3, 3))


NUMBERED = torch.arange(1.0, 10).view(1, 1, 3, 3)
# by hand: moved down, not moved, moved up; each moved right, not moved, moved left
BY_ONE = {
    *("000 012 045", "000 123 456", "000 230 560"),
    *("012 045 078", "123 456 789", "230 560 890"),
    *("045 078 000", "456 789 000", "560 890 000"),
}
BY_TWO = {
    *("000 000 001", "000 000 123", "000 000 300"),
    *("001 004 007", "123 456 789", "300 600 900"),
    *("007 000 000", "789 000 000", "900 000 000"),
}


@pytest.mark.parametrize(("pixels", "by_hand"), [(1, BY_ONE), (2, BY_TWO)])
@pytest.mark.parametrize("start", [0, 5, 1000])
def test_nine_steps_show_all_nine_places_with_zeros_at_the_border(start, pixels, by_hand):
    seen = [rows_of(shifted(NUMBERED, step, pixels)) for step in range(start, start + 9)]
    assert len(set(seen)) == 9
    assert set(seen) == by_hand
    assert rows_of(shifted(NUMBERED, start + 9, pixels)) == seen[0]


def test_looks_at_convergence_ten_steps_apart_see_all_nine_places():
    assert SETTINGS.check_every == 10
    assert {rows_of(shifted(NUMBERED, step, 1)) for step in range(0, 90, 10)} == BY_ONE


def test_no_jitter_is_the_image_itself():
    images = torch.rand(2, 1, 4, 5, generator=seeded())
    for step in range(9):
        assert torch.equal(shifted(images, step, 0), images)


def test_every_image_and_channel_moves_alike_and_keeps_its_shape():
    images = torch.rand(2, 3, 4, 5, generator=seeded())
    for step in range(9):
        moved = shifted(images, step, 1)
        assert moved.shape == images.shape
        for i in range(2):
            for c in range(3):
                alone = shifted(images[i : i + 1, c : c + 1], step, 1)
                assert torch.equal(moved[i : i + 1, c : c + 1], alone)


def test_in_the_attack_the_attackers_see_it_shifted_and_f1_and_f2_do_not():
    seen = {"attacker": [], "f2": [], "f1": []}

    class Square(ToySvae):
        def decode(self, z):
            return z.view(len(z), 1, 3, 3)

        def encode(self, images):
            seen["f2"].append(rows_of(images.detach()))
            return images.flatten(1), None

    def attacker(images):
        seen["attacker"].append(rows_of(images.detach()))
        return images.flatten(1)[:, :2]

    def keep(images, rows):
        seen["f1"].append(rows_of(images.detach()))
        return images.flatten(1).sum(dim=1), torch.ones(1, dtype=torch.bool)

    settings = replace(
        SETTINGS, steps=8, lr=0.0, image_weight=1.0, reencode_weight=1.0, jitter=1, k_start=1.0
    )
    z0 = NUMBERED.flatten(1).double()
    attack(Square(), z0, torch.tensor([1]), settings, keep=keep, attackers=[attacker])
    assert len(seen["attacker"]) == 9
    assert set(seen["attacker"]) == BY_ONE
    assert seen["f2"] == seen["f1"] == ["123 456 789"] * 9


# -------------------------------------------------------------------------------- the offset

# the latent stands still, attackers move the pixels
ONLY_OFFSET = replace(SETTINGS, lr=0.0, image_weight=1.0, offset_lr=0.25)
SOMEWHERE = f64([0.3, 0.1])


@pytest.mark.parametrize(("target", "up"), [(0, 0.25), (1, -0.25)])
def test_the_first_step_moves_the_offset_by_its_rate_to_where_attackers_want_it(target, up):
    settings = replace(ONLY_OFFSET, steps=1)
    result = attack(
        Prints(0.4), SOMEWHERE, torch.tensor([target]), settings, keep=None, attackers=[Sees(0)]
    )
    assert torch.equal(result.latent_end, SOMEWHERE)
    # epsilon shortens the step of 0.25 by 1e-8 / (0.03 |g|), and |g| is above 0.1: 2 sigmoid(-1.2)
    # of the cross-entropy times sigmoid'(0.4) = 0.24
    wanted = torch.sigmoid(f64(0.4 + up)).view(1, 1, 1, 1)
    torch.testing.assert_close(result.images, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("offset_lr", [0.0, 0.25])
def test_pixel_logits_are_read_only_where_there_is_an_offset(offset_lr):
    class Opaque(ReencodingSvae):
        def decode_logits(self, z):
            raise LookupError("asked for logits")

    settings = replace(
        SETTINGS,
        **{"image_weight": 1.0, "reencode_weight": 1.0, "offset_lr": offset_lr},
        **{"patience": 10, "image_target_loss": 9.0},
    )
    keep = KeepLabel(torch.nn.Flatten(), torch.tensor([1, 0]))
    arguments = (Opaque(), f64([2.0, 0.5], [-0.5, 0.5]), torch.tensor([1, 1]), settings)
    others = {"keep": keep, "attackers": [Sees(0)], "follow": [0, 1]}
    if offset_lr:
        with pytest.raises(LookupError, match="asked for logits"):
            attack(*arguments, **others)
    else:
        assert attack(*arguments, **others).steps.max() > 0


def test_a_pixel_that_is_black_or_white_for_sure_hardly_moves():
    """sigmoid'(20) is below e^-20, and Adam's epsilon takes so small a gradient for nothing."""

    def brightness(images):
        """Logits that every pixel moves as much as any other."""
        value = images.flatten(1).sum(dim=1)
        return torch.stack([value, -value], dim=1)

    black, grey, white = -20.0, 0.0, 20.0
    for target, up in [(0, 1), (1, -1)]:
        result = attack(
            Prints(black, grey, white),
            *(SOMEWHERE, torch.tensor([target]), replace(ONLY_OFFSET, steps=1)),
            **{"keep": None, "attackers": [brightness]},
        )
        offset = torch.logit(result.images.flatten()) - f64(black, grey, white)
        # the cross-entropy has a slope of at most 2, so that |g| is at most 2 e^-20 = 4.2e-9, and
        # the step of 0.25 * 0.0316 |g| / (0.0316 |g| + 1e-8) below 0.0034; logit() of 1 - e^-20 has
        # 1e-16 / e^-20 = 5e-8 of rounding
        assert offset[[0, 2]].abs().max() < 0.0034
        assert (offset[[0, 2]] * up >= -1e-7).all()
        # grey goes its whole way, as above
        assert offset[1].item() == pytest.approx(0.25 * up, abs=1e-5)


@pytest.mark.parametrize("offset_weight", [0.0, 0.7])
def test_latent_and_offset_each_walk_by_the_adam_of_torch(offset_weight):
    z0, targets, steps = f64([1.5, -0.7]), torch.tensor([0]), 25
    settings = replace(
        SETTINGS,
        **{"lr": 0.1, "alpha": 0.5, "gamma": 0.1, "image_weight": 2.0},
        **{"offset_lr": 0.03, "offset_weight": offset_weight},
    )
    z, offset = z0.clone().requires_grad_(True), torch.zeros_like(z0, requires_grad=True)
    adam = torch.optim.Adam(
        [{"params": [z], "lr": 0.1}, {"params": [offset], "lr": 0.03}], betas=(0.9, 0.999)
    )
    for step in range(1, steps + 1):
        pixels = torch.sigmoid(z + offset)
        objective = F.softplus(2 * z[0, 0])  # f2 at class 0 of logits (-z_0, z_0)
        objective = objective + 0.5 * (1 - torch.sigmoid(z[0, 1])) + 0.1 * z.norm()
        objective = objective + 2.0 * F.softplus(-2 * pixels[0, 1])  # the attacker at class 0
        objective = objective + offset_weight * (offset[0, 0] ** 2 + offset[0, 1] ** 2) / 2
        z.grad, offset.grad = torch.autograd.grad(objective, [z, offset])
        adam.step()
        ours = attack(
            *(LogitSvae(), z0, targets, replace(settings, steps=step)),
            **{"keep": None, "attackers": [Sees(1)]},
        )
        # epsilon is added before the bias correction here and after it in torch: a relative
        # 1e-8 / (0.03 |g|) of each step, with |g| of what moves above 0.01 here
        near = {"rtol": 0, "atol": step * 0.1 * 4e-5}
        torch.testing.assert_close(ours.latent_end, z.detach(), **near)
        pixels = torch.sigmoid(z + offset).detach().view(1, 1, 1, 2)
        torch.testing.assert_close(ours.images, pixels, **near)
    # pixel 0 is nobody's: its offset stays 0, while that of pixel 1 has moved the image
    moved = ours.images.flatten() - torch.sigmoid(ours.latent_end.flatten())
    assert moved[0] == 0
    assert moved[1] > 0.01


def test_its_weight_pulls_the_offset_back_to_where_the_pull_is_balanced():
    """J1 is a . u, so that the objective is w (u_0² + u_1²) / 2 + a . u: least at u = -a / w."""
    a, w = f64(0.3, -0.6), 2.0

    def keep(images, rows):
        logits = torch.logit(images.flatten(1))  # the decoder prints 0: the logits are u
        return logits @ a, torch.ones(len(rows), dtype=torch.bool)

    settings = replace(
        SETTINGS,
        **{"steps": 400, "lr": 0.0, "eta": 0.0, "k_start": 1.0},
        **{"offset_lr": 0.01, "offset_weight": w},
    )
    result = attack(Prints(0.0, 0.0), SOMEWHERE, torch.tensor([1]), settings, keep=keep)
    # Adam with a constant rate settles well below a step of 0.01 from the minimum
    torch.testing.assert_close(torch.logit(result.images.flatten()), -a / w, rtol=0, atol=0.005)


def test_the_gradient_of_all_terms_is_that_of_finite_differences(monkeypatch):
    """With respect to latent and offset, at the start and after a step."""
    svae, f1 = real_networks()
    attackers = untrained(5, 9)
    z0 = torch.randn(1, 6, generator=seeded(2), dtype=F64)
    settings = replace(
        SETTINGS,
        **{"steps": 2, "alpha": 0.4, "gamma": 0.3, "eta": 0.0, "k_start": 0.7, "lr": 0.1},
        **{"image_weight": 0.8, "reencode_weight": 0.6, "jitter": 1},
        **{"offset_lr": 0.5, "offset_weight": 0.9},
    )
    seen = []
    step_of = descent.Adam.step

    def spy(self, value, gradient):
        seen.append((value.clone(), gradient.clone()))
        return step_of(self, value, gradient)

    monkeypatch.setattr(descent.Adam, "step", spy)
    keep = KeepLabel(f1, torch.tensor([3]))
    attack(svae, z0, torch.tensor([7]), settings, keep=keep, attackers=attackers)

    def nats(logits, label):
        return -logits.softmax(1)[0, label].log()

    @torch.no_grad()
    def objective(z, offset, step):
        """Term by term from the paper, then the terms of ours."""
        image = torch.sigmoid(svae.decode_logits(z) + offset)
        j_it = nats(svae.classify(z), 7) + 0.4 * (1 - torch.sigmoid(svae.discriminate(z)))
        j_sa = j_it + 0.3 * z.square().sum().sqrt() + 0.7 * nats(f1(image), 3)
        # the first view is moved down and right, the second not at all
        view = F.pad(image, (1, 0, 1, 0))[:, :, :28, :28] if step == 0 else image
        attacked = sum(nats(network(view), 7) for network in attackers) / 2
        anew = nats(svae.classify(svae.encode(image)[0]), 7)
        pulled = offset.square().sum() / (28 * 28)
        return (j_sa + 0.8 * attacked + 0.6 * anew + 0.9 * pulled).item()

    h = 1e-6
    for step in range(2):
        (z, by_z), (offset, by_offset) = seen[2 * step : 2 * step + 2]
        assert bool(offset.any()) == (step > 0)
        for seed in range(4):
            dz = torch.randn(z.shape, generator=seeded(20 + seed), dtype=F64)
            du = torch.randn(offset.shape, generator=seeded(30 + seed), dtype=F64)
            for dz_, du_ in [(dz, 0 * du), (0 * dz, du)]:
                ahead = objective(z + h * dz_, offset + h * du_, step)
                behind = objective(z - h * dz_, offset - h * du_, step)
                exact = (by_z * dz_).sum() + (by_offset * du_).sum()
                # values of order 10 are rounded by 1e-15, which h makes 1e-9; the error of h² =
                # 1e-12 times third derivatives along directions of up to 28 is smaller
                slope = (ahead - behind) / (2 * h)
                assert slope == pytest.approx(exact.item(), rel=1e-6, abs=1e-8)


# ------------------------------------------------------------ a batch is its singles, at the end


OURS = replace(
    TOGETHER,
    **{"image_weight": 0.5, "reencode_weight": 0.5, "image_target_loss": 1.7, "jitter": 1},
    **{"offset_lr": 0.05, "offset_weight": 0.1},
)


def test_a_batch_of_ours_decides_as_its_singles_do():
    svae, f1, latent, labels, targets = batch_of_attacks()
    attackers = untrained(11, 12)
    keep = KeepLabel(f1, labels)
    together = attack(svae, latent, targets, OURS, keep=keep, attackers=attackers)
    # the claim is about examples that leave at different times, each with an offset that shows
    assert together.steps.tolist() == [60, 80, 50, 80, 70]
    assert together.converged.tolist() == [True, False, True, False, True]
    with torch.no_grad():
        difference = (together.images - svae.decode(together.latent_end)).abs().flatten(1)
    assert (difference.max(dim=1).values > 0.1).all()
    for i in range(len(latent)):
        one = slice(i, i + 1)
        keep = KeepLabel(f1, labels[one])
        alone = attack(svae, latent[one], targets[one], OURS, keep=keep, attackers=attackers)
        assert together.steps[i] == alone.steps[0]
        assert together.converged[i] == alone.converged[0]
        torch.testing.assert_close(together.latent_end[one], alone.latent_end, **ALIKE)
        torch.testing.assert_close(together.images[one], alone.images, **ALIKE)
        torch.testing.assert_close(together.k[one], alone.k, **ALIKE)


def test_each_example_leaves_with_the_image_of_its_last_step_and_its_trace_ends_there():
    """Toy examples that converge after 20, 50 and never: each ends where an attack of as many
    steps would have ended."""
    # f2 says class 1 where z_0 > 0, which each latent reaches later than the one before
    z0, targets = f64([0.5, -0.4], [-2.2, 0.3], [-90.0, 0.6]), torch.ones(3, dtype=torch.int64)
    settings = replace(
        SETTINGS,
        **{"steps": 65, "lr": 0.1, "patience": 20, "image_target_loss": 9.0},
        **{"image_weight": 1.0, "offset_lr": 0.07, "offset_weight": 0.01},
    )
    others = {"keep": None, "attackers": [Sees(1)]}
    result = attack(
        LogitSvae(), z0, targets, settings, **others, follow=[0, 1, 2], follow_every=1000
    )
    assert result.steps.tolist() == [20, 50, 65]
    assert result.converged.tolist() == [True, True, False]
    for i, steps in enumerate(result.steps.tolist()):
        stopped = replace(settings, steps=steps, patience=None)
        whole = attack(LogitSvae(), z0, targets, stopped, **others)
        # the toy sums over no examples: no tolerance
        assert torch.equal(result.latent_end[i], whole.latent_end[i])
        assert torch.equal(result.images[i], whole.images[i])
        last = [p for p in result.trace if p.example == i][-1]
        assert last.step == steps
        assert torch.equal(last.image, to_uint8(result.images[i]))
        # the attacker wants pixel 1 dark, by 0.07 a step of Adam; of pixel 0 nobody asks
        assert result.images[i].flatten()[0] == torch.sigmoid(result.latent_end[i])[0]
        assert torch.logit(result.images[i].flatten()[1]) < result.latent_end[i, 1] - 1


def test_nothing_of_ours_keeps_a_graph():
    svae, f1, latent, labels, targets = batch_of_attacks(2)
    settings = replace(OURS, steps=3)
    result = attack(
        *(svae, latent, targets, settings),
        **{"keep": KeepLabel(f1, labels), "attackers": untrained(11), "follow": [0]},
    )
    for value in (result.images, result.latent_end, result.k):
        assert not value.requires_grad
    assert all(p.grad is None for p in [*svae.parameters(), *f1.parameters()])
