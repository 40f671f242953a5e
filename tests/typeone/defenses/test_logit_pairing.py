"""Pairs are the worst of the ball, the loss is the sum of its terms, and a kill changes nothing."""

import math

import pytest
import torch
from torch import nn

from typeone.defenses.logit_pairing import (
    LogitPairingSettings,
    ascend,
    logit_pairing,
    squared_distance,
)
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.errors import InputError
from typeone.training.loop import TrainingSettings, train
from typeone.training.losses import cross_entropy

BALL = {"epsilon": 0.1, "steps": 15, "step_size": 0.02}
COUNT = 48
IMAGES = torch.rand(COUNT, 1, 6, 6, generator=torch.Generator().manual_seed(1))
LABELS = torch.randint(0, 3, (COUNT,), generator=torch.Generator().manual_seed(2))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def network(seed=0):
    """Dropout and batch norm, so that training and eval mode differ."""
    model = nn.Sequential(
        *(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten()),
        nn.Linear(144, 3),
    )
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(0, 0.3, generator=seeded(seed))
    return model.eval()


def two_classes(images, margin):
    """w, and logits (v, -v) with v = w x - c, which is ``margin`` at the first image."""
    w = torch.randn(36, generator=seeded(3))
    c = images[0].flatten() @ w - margin

    def classifier(x):
        v = x.flatten(1) @ w - c
        return torch.stack([v, -v], dim=1)

    return classifier, w


# ------------------------------------------------------------------------------- the ball


def test_the_worst_of_a_linear_classifier_is_the_corner_of_the_ball_and_the_box():
    # -log softmax falls in v everywhere, so that x - eps sign(w), cut to [0, 1], maximises it for
    # class 0 and x + eps sign(w) for class 1; 15 steps of 0.02 cross the ball from any start
    images = IMAGES[:2].clone()
    images[:, 0, 0] = torch.tensor([0.0, 1.0] * 3)
    classifier, w = two_classes(images, margin=1.0)
    found = ascend(classifier, images, torch.tensor([0, 1]), **BALL, generator=seeded())
    sides = torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1)
    outside = images + sides * 0.1 * w.sign().view(1, 1, 6, 6)
    assert outside.min() < 0
    assert outside.max() > 1
    # float32: a dozen steps of 0.02 and their projection round to some 1e-7
    torch.testing.assert_close(found, outside.clamp(0, 1), rtol=0, atol=1e-6)


@pytest.mark.parametrize("steps", [1, 3, 30])
@pytest.mark.parametrize("step_size", [0.01, 0.5])
def test_pairs_stay_in_the_ball_and_in_range(steps, step_size):
    images = IMAGES.clone()
    images[:, 0, 0, 0], images[:, 0, 5, 5] = 0.0, 1.0
    found = ascend(
        network(),
        images,
        LABELS,
        epsilon=0.1,
        steps=steps,
        step_size=step_size,
        generator=seeded(),
    )
    assert not found.requires_grad
    assert found.min() >= 0
    assert found.max() <= 1
    assert (found - images).abs().max() <= 0.1 + 1e-7  # float32 near 1


def test_ascent_starts_anywhere_in_the_ball():
    """Where nothing slopes it stays where it started: uniform in the ball."""
    images = torch.full((200, 1, 6, 6), 0.5)

    def flat(x):
        return 0 * x.flatten(1)[:, :3]

    found = ascend(flat, images, torch.zeros(200).long(), **BALL, generator=seeded())
    offsets = (found - images).flatten()
    # mean 0 and deviation 0.1 / sqrt(3) of 7200 draws, within four standard errors
    assert offsets.mean().abs() < 4 * 0.1 / math.sqrt(3 * 7200)
    assert offsets.std().item() == pytest.approx(0.1 / math.sqrt(3), rel=0.03)
    assert offsets.abs().max() > 0.099


def test_the_generator_decides_the_pairs():
    first, again, other = (
        ascend(network(), IMAGES, LABELS, **BALL, generator=seeded(s)) for s in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_ascent_finds_more_loss_than_its_start_and_leaves_no_gradient():
    model = network()
    found = ascend(model, IMAGES, LABELS, **BALL, generator=seeded())
    before, after = (cross_entropy(model(x), LABELS).mean() for x in (IMAGES, found))
    assert after > before + 0.1
    assert all(p.grad is None for p in model.parameters())


# ------------------------------------------------------------------------------- the loss


def test_the_squared_distance_is_a_mean_over_the_classes():
    logits, others = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[1.0, 0.0], [3.0, -1.0]])
    assert squared_distance(logits, others).tolist() == [2.0, 5.0]


class FirstPixels(nn.Module):
    """Logits are the first two pixels."""

    def forward(self, x):
        return x.flatten(1)[:, :2]


def test_the_loss_by_hand():
    # logits (0.5, 0.5), label 0: the worst of the ball of 0.25 is (0.25, 0.75), reached by one step
    # of 0.5 from anywhere; CE = log 2 and log(1 + e^0.5), squared distance (0.0625 + 0.0625) / 2
    settings = LogitPairingSettings(
        epsilon=0.25,
        steps=1,
        step_size=0.5,
        clean_weight=2.0,
        adversarial_weight=3.0,
        pairing_weight=4.0,
    )
    images, labels = torch.full((1, 1, 1, 2), 0.5), torch.tensor([0])
    values = logit_pairing(FirstPixels(), images, labels, settings, seeded())(torch.arange(1), 0.0)
    clean, adversarial, pairing = math.log(2), math.log(1 + math.exp(0.5)), 0.0625
    wanted = {
        "clean_loss": clean,
        "adversarial_loss": adversarial,
        "pairing_loss": pairing,
        "loss": 2 * clean + 3 * adversarial + 4 * pairing,
    }
    for name, value in wanted.items():
        # float32 logarithms
        assert values[name].tolist() == pytest.approx([value], abs=1e-6), name


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_without_its_weight_nothing_is_paired(weight):
    """At lambda 0 the loss is plain adversarial training's: both cross-entropies."""
    model = network()  # before training mode moves its batch statistics
    pairs = ascend(model, IMAGES, LABELS, **BALL, generator=seeded())
    settings = LogitPairingSettings(**BALL, pairing_weight=weight)
    values = logit_pairing(model, IMAGES, LABELS, settings, seeded())(torch.arange(COUNT), 0.0)
    plain = cross_entropy(model(IMAGES), LABELS) + cross_entropy(model(pairs), LABELS)
    assert torch.equal(values["loss"], plain) == (weight == 0)
    assert values["pairing_loss"].min() >= 0


def test_pairs_are_found_in_eval_mode_and_learnt_in_training_mode():
    model, modes = network(), []
    model.register_forward_hook(lambda module, *_: modes.append(module.training))
    settings = LogitPairingSettings(epsilon=0.1, steps=3, step_size=0.1)
    model.train()
    logit_pairing(model, IMAGES, LABELS, settings, seeded())(torch.arange(4), 0.0)
    assert modes == [False] * 3 + [True] * 2
    assert model.training


@pytest.mark.parametrize(("epochs", "reach"), [(0.0, 0.0), (0.5, 0.05), (1.0, 0.1), (7.0, 0.1)])
def test_the_ball_grows_during_the_warmup(epochs, reach):
    seen = []

    class Seeing(nn.Module):
        def forward(self, x):
            seen.append(x.detach())
            return x.flatten(1)[:, :3]

    settings = LogitPairingSettings(epsilon=0.1, steps=1, step_size=1.0, epsilon_warmup=1.0)
    images = torch.full((COUNT, 1, 6, 6), 0.5)
    logit_pairing(Seeing(), images, LABELS, settings, seeded())(torch.arange(COUNT), epochs)
    attacked = seen[-1]
    # a step of ten times the radius ends at its edge where there is a slope; float32 near 0.5
    assert (attacked - images).abs().max().item() == pytest.approx(reach, abs=1e-7)


# ------------------------------------------------------------------------------- training


class Killed(Exception):
    pass


def strengthen(checkpoint=None, *, stop_at=None, weight=1.0):
    """Train `network` by pairing; ``stop_at`` counts the steps of this call."""
    model, generator, calls = network(), seeded(), []
    settings = LogitPairingSettings(
        epsilon=0.1, steps=2, step_size=0.05, epsilon_warmup=1.0, pairing_weight=weight
    )
    objective = logit_pairing(model, IMAGES, LABELS, settings, generator)

    def counted(rows, epochs):
        calls.append(rows)
        if len(calls) == stop_at:
            raise Killed
        return objective(rows, epochs)

    curve = train(
        model,
        counted,
        name="a net",
        count=COUNT,
        settings=TrainingSettings(epochs=3, batch_size=16, lr=0.01),
        seed=0,
        generator=generator,
        checkpoint=checkpoint,
    )
    return model, curve, len(calls)


@pytest.mark.parametrize("step", [2, 5, 9])
def test_a_resumed_strengthening_ends_as_the_undisturbed_one(tmp_path, step):
    """Random starts go on where they were: their generator is in the checkpoint."""
    whole, curve, _ = strengthen()
    with pytest.raises(Killed):
        strengthen(Checkpoint(tmp_path, "d", interval=0), stop_at=step)
    model, resumed, calls = strengthen(Checkpoint(tmp_path, "d", interval=0))
    assert calls == 9 - (step - 1)
    assert resumed == curve
    ours, theirs = model.state_dict(), whole.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_pairing_makes_answers_alike():
    apart = []
    for weight in (0.0, 100.0):
        model, *_ = strengthen(weight=weight)
        pairs = ascend(model, IMAGES, LABELS, **BALL, generator=seeded(5))
        apart.append(squared_distance(model(IMAGES), model(pairs)).mean())
    assert apart[1] < 0.5 * apart[0]


# --------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epsilon": 0.0}, r"^`epsilon` is 0.0; needs more than 0 and at most 1$"),
        ({"epsilon": 1.5}, r"^`epsilon` is 1.5; needs more than 0"),
        ({"steps": 0}, r"^`steps` is 0; needs at least 1$"),
        ({"step_size": 0.0}, r"^`step_size` is 0.0; needs more than 0$"),
        ({"epsilon_warmup": -1.0}, r"^`epsilon_warmup` is -1.0; needs at least 0$"),
        (
            {"pairing_weight": -1.0},
            r"are 1.0, 1.0, -1.0; needs no negative weight and at least one positive$",
        ),
        (
            dict.fromkeys(("clean_weight", "adversarial_weight", "pairing_weight"), 0.0),
            r"are 0.0, 0.0, 0.0; needs no negative weight and at least one positive$",
        ),
    ],
)
def test_settings_that_pair_nothing_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        LogitPairingSettings(**(BALL | change))
