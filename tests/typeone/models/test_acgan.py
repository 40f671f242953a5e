"""The AC-GAN draws images of its size, and its training is the game that WGAN-GP describes."""

import copy
import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from typeone.models.acgan import ARCHITECTURE, AuxiliaryGAN, load_gan
from typeone.runtime.artifacts import save_model
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.errors import InputError
from typeone.training.loop import TrainingSettings, train
from typeone.training.losses import gradient_penalty
from typeone.training.objectives.acgan import acgan
from typeone.training.objectives.averages import follow
from typeone.training.steps import Player

F64 = torch.float64
IMAGES = torch.rand(20, 1, 28, 28, generator=torch.Generator().manual_seed(1))
LABELS = torch.arange(20) % 10
SETTINGS = TrainingSettings(epochs=3, batch_size=8, lr=0.01, beta1=0.0)  # two batches an epoch
WEIGHTS = {"penalty_weight": 10.0, "classifier_weight": 1.0}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def network(seed=0):
    gan = AuxiliaryGAN(latent_dim=5, channels=2)
    gan.reset_parameters(seeded(seed))
    return gan


def same(one, other):
    theirs = other.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in one.state_dict().items())


# ------------------------------------------------------------------------------- the networks


def test_it_draws_digits_and_tells_classes():
    gan = network().eval()
    images = gan.generate(torch.randn(3, 5, generator=seeded()), torch.tensor([0, 9, 4]))
    assert images.shape == (3, 1, 28, 28)
    assert ((images > 0) & (images < 1)).all()
    assert gan.classify(images).shape == (3, 10)
    score, logits = gan.critic(images)
    assert score.shape == (3,)
    assert torch.equal(logits, gan.classify(images))


def test_the_image_depends_on_latent_and_label_and_on_nothing_else():
    gan = network().eval()
    z = torch.randn(2, 5, generator=seeded())
    both = gan.generate(z, torch.tensor([3, 7]))
    alone = gan.generate(z[1:], torch.tensor([7]))
    torch.testing.assert_close(both[1:], alone)
    assert not torch.allclose(gan.generate(z, torch.tensor([4, 7]))[0], both[0])
    assert not torch.allclose(gan.generate(z + 1, torch.tensor([3, 7])), both)


def test_labels_are_one_hot_to_the_generator():
    wanted = torch.eye(10)[[2, 0]]
    assert torch.equal(network().condition(torch.tensor([2, 0])), wanted)


def test_the_start_follows_the_generator_of_random_numbers():
    assert same(network(3), network(3))
    assert not same(network(3), network(4))


def test_a_checkpoint_comes_back_frozen_and_another_network_is_refused(tmp_path):
    gan = network().eval()
    note = {"architecture": ARCHITECTURE, "latent_dim": 5, "channels": 2}
    save_model(tmp_path / "gan.safetensors", gan, metadata=note)
    back = load_gan(tmp_path / "gan.safetensors")
    assert same(back, gan)
    assert not back.training
    assert not any(p.requires_grad for p in back.parameters())
    save_model(tmp_path / "other.safetensors", gan, metadata={"architecture": "lenet"})
    with pytest.raises(InputError, match=r"contains 'lenet', needs 'acgan-28x28'; delete it"):
        load_gan(tmp_path / "other.safetensors")


# ------------------------------------------------------------------------------- the losses


def test_the_gradient_penalty_of_a_linear_critic_is_that_of_its_slope():
    slope = torch.tensor([3.0, 4.0], dtype=F64)  # of norm 5, everywhere
    real, fake = torch.rand(2, 6, 2, generator=seeded(), dtype=F64)
    penalty = gradient_penalty(lambda x: x @ slope, real, fake, torch.rand(6, dtype=F64))
    torch.testing.assert_close(penalty, torch.full((6,), 16.0, dtype=F64))


def test_the_gradient_penalty_looks_between_real_and_fake():
    # a critic x² / 2 has the slope x: 0.25 * 4 + 0.75 * 0 = 1, then 4 and 0
    real, fake = torch.full((3, 1), 4.0), torch.zeros(3, 1)
    share = torch.tensor([0.25, 1.0, 0.0])
    penalty = gradient_penalty(lambda x: x.square().sum(dim=1) / 2, real, fake, share)
    assert penalty.tolist() == [0, 9, 1]


def test_an_average_moves_its_share_of_the_way():
    one, other = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    with torch.no_grad():
        one.weight.copy_(torch.tensor([1.0, 0.0]))
        other.weight.copy_(torch.tensor([3.0, 4.0]))
        other.running_mean.copy_(torch.tensor([8.0, -8.0]))
        other.num_batches_tracked.fill_(5)
    follow(one, other, decay=0.75)
    assert one.weight.tolist() == [1.5, 1.0]
    assert one.running_mean.tolist() == [2.0, -2.0]
    assert one.num_batches_tracked.item() == 5
    follow(one, other, decay=0.0)
    assert same(one, other)


def test_the_game_of_wgan_gp_with_the_auxiliary_classifier():
    """Both losses, put together from what the networks say to the images that were drawn."""
    gan = network().eval()  # batch norm holds still, so that the images can be drawn again
    critic, forger = acgan(
        *(gan, copy.deepcopy(gan.generator), IMAGES, LABELS, seeded(4)),
        **{"critic_steps": 2, "penalty_weight": 7.0, "classifier_weight": 3.0},
        average_decay=0.5,
    )
    rows = torch.arange(6)
    judged, forged = critic.objective(rows, 0.0), forger.objective(rows, 0.0)

    rng = seeded(4)
    fake = gan.generate(torch.randn(6, 5, generator=rng), LABELS[:6])
    share = torch.rand(6, generator=rng)
    penalty = gradient_penalty(lambda x: gan.critic(x)[0], IMAGES[:6], fake.detach(), share)
    (real_score, real_logits), (fake_score, _) = gan.critic(IMAGES[:6]), gan.critic(fake)
    nats = -real_logits.log_softmax(1)[torch.arange(6), LABELS[:6]]
    by_hand = fake_score - real_score + 7 * penalty + 3 * nats
    torch.testing.assert_close(judged["critic_loss"], by_hand, rtol=1e-4, atol=1e-5)  # float32

    wanted = torch.randint(10, (6,), generator=rng)
    score, logits = gan.critic(gan.generate(torch.randn(6, 5, generator=rng), wanted))
    nats = -logits.log_softmax(1)[torch.arange(6), wanted]
    torch.testing.assert_close(forged["generator_loss"], 3 * nats - score, rtol=1e-4, atol=1e-5)


# ------------------------------------------------------------------------------- the training


class Interrupted(Exception):
    pass


def run(checkpoint=None, *, stop_at=None, start=0, critic_steps=2, seen=None):
    """Train a small AC-GAN; ``stop_at`` counts the moves of the critic in this call."""
    gan, rng = network(start), seeded(7)
    average = copy.deepcopy(gan.generator).requires_grad_(False)
    players = acgan(
        *(gan, average, IMAGES, LABELS, rng),
        **{"critic_steps": critic_steps, "average_decay": 0.5, **WEIGHTS},
    )
    moves = []

    def watched(player, name):
        def objective(rows, epochs):
            moves.append(name)
            if stop_at and moves.count("critic") == stop_at:
                raise Interrupted
            if seen is not None:
                seen.append((name, copy.deepcopy(gan), copy.deepcopy(average)))
            return player.objective(rows, epochs)

        return player._replace(objective=objective)

    model = nn.ModuleDict({"gan": gan, "average": average})
    curve = train(
        model,
        [watched(player, name) for player, name in zip(players, ("critic", "forger"), strict=True)],
        name="a game",
        count=len(IMAGES),
        settings=SETTINGS,
        seed=0,
        generator=rng,
        checkpoint=checkpoint,
    )
    return model, curve, moves


@pytest.fixture(scope="module")
def undisturbed():
    return run()


def test_the_critic_moves_as_often_as_asked_before_the_generator_does(undisturbed):
    assert undisturbed[2] == ["critic", "critic", "forger"] * 3
    assert run(critic_steps=1)[2] == ["critic", "forger"] * 6


def test_each_player_moves_its_own_network_and_the_average_follows_the_generator():
    seen = []
    run(seen=seen)
    for (name, before, average), (_, after, later) in pairwise(seen):
        assert same(before.critic, after.critic) == (name == "forger")
        weights = [dict(gan.generator.named_parameters()) for gan in (before, after)]
        moved = any(not torch.equal(weights[0][k], weights[1][k]) for k in weights[0])
        assert moved == (name == "forger")
        if name == "critic":
            assert same(average, later)
        else:
            for k, value in later.named_parameters():
                half = (dict(average.named_parameters())[k] + weights[1][k]) / 2
                torch.testing.assert_close(value, half)


@pytest.mark.parametrize("step", [2, 3, 4, 6])
def test_a_resumed_game_ends_as_the_undisturbed_one(tmp_path, undisturbed, step):
    with pytest.raises(Interrupted):
        run(Checkpoint(tmp_path, "d", interval=0.0), stop_at=step)
    model, curve, moves = run(Checkpoint(tmp_path, "d", interval=0.0), start=9)
    assert moves.count("critic") == 6 - (step - 1)
    assert same(model, undisturbed[0])
    assert curve == undisturbed[1]


def test_the_curve_holds_the_means_over_the_moves_of_each():
    """Three batches an epoch: the second player moves at the second, fourth and sixth step."""
    weight = nn.Parameter(torch.zeros(1))
    told = iter([1.0, 5.0, 7.0])
    players = [
        Player([weight], lambda rows, _: {"first": weight + rows.float().sum() * 0 + 2}, "first"),
        Player([weight], lambda _r, _e: {"second": weight * 0 + next(told)}, "second", every=2),
    ]
    curve = train(
        nn.ParameterList([weight]),
        players,
        name="two",
        count=9,
        settings=TrainingSettings(epochs=2, batch_size=3, lr=1e-9),
        seed=0,
        generator=seeded(),
    )
    assert [row["second"] for row in curve] == [1.0, 6.0]
    assert [row["first"] for row in curve] == pytest.approx([2, 2], abs=1e-6)


def test_a_game_that_diverges_says_whose_loss_it_was():
    weight = nn.Parameter(torch.ones(1))
    players = [
        Player([weight], lambda _r, _e: {"first": weight}, "first"),
        Player([weight], lambda _r, _e: {"second": weight * math.nan}, "second", every=2),
    ]
    with pytest.raises(InputError, match=r"training two: the second is nan in epoch 1, step 2"):
        train(
            nn.ParameterList([weight]),
            players,
            name="two",
            count=9,
            settings=TrainingSettings(epochs=2, batch_size=3, lr=1e-9),
            seed=0,
            generator=seeded(),
        )
