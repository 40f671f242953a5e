"""The network of II-B is Eq. 3 and Eq. 4, and its training is Adam's, at a fraction of the time."""

import math

import pytest
import torch
import torch.nn.functional as F

from typeone.runtime.artifacts import save_model
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.errors import InputError
from typeone.theory.quadratic import (
    CHUNK,
    QuadraticNetwork,
    SphereTraining,
    exact_errors,
    load_quadratic,
    loss_gradient,
    train_quadratic,
)
from typeone.theory.spheres import Spheres, bayes_error, sample_sphere
from typeone.training.loop import TrainingDivergedError

SPHERES = Spheres(dim=12, inner=0.8, outer=1.0)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def fresh(hidden=8, seed=0):
    network = QuadraticNetwork(SPHERES.dim, hidden)
    network.reset(SPHERES, seeded(seed))
    return network


def settings(**rest):
    usual = {"steps": 450, "batch_size": 16, "lr": 0.02, "beta1": 0.9, "beta2": 0.99}
    return SphereTraining(**usual | {"schedule": "one_cycle", "curve_every": 200} | rest)


def weights(network):
    return torch.cat([p.detach().reshape(-1) for p in network.parameters()])


# ------------------------------------------------------------------------------------- network


def test_equation_3_on_numbers_done_by_hand():
    network = QuadraticNetwork(2, 1)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[3.0, 4.0]]))
        network.scale.fill_(0.5)
        network.bias.fill_(-1.0)
    points = torch.tensor([[1.0, 0.0], [0.0, 1.0], [4.0, -3.0], [1.0, 1.0]])
    assert network(points).tolist() == [3.5, 7.0, -1.0, 23.5]


def test_equation_4_is_equation_3():
    network = fresh().double()
    alphas, rotation, rank = network.decompose()
    points = torch.randn(50, 12, generator=seeded(1), dtype=torch.float64)
    z = points @ rotation
    # float64 throughout
    assert torch.allclose(z.square() @ alphas + network.bias, network(points), atol=1e-12)
    assert torch.allclose(rotation @ rotation.T, torch.eye(12, dtype=torch.float64), atol=1e-12)
    assert rank == 8
    assert alphas[rank:].tolist() == [0] * 4


def test_a_start_is_undecided_between_the_spheres():
    network = QuadraticNetwork(100, 90)
    spheres = Spheres(dim=100, inner=0.8, outer=1.0)
    network.reset(spheres, seeded())
    values = [
        network(sample_sphere(2000, 100, r, seeded(1), dtype=torch.float32)).mean().item()
        for r in (0.8, 1.0)
    ]
    assert values[0] < 0 < values[1]
    assert abs(sum(values)) < 0.2 * (values[1] - values[0])  # 9,000 draws of W: some per cent


def test_a_checkpoint_comes_back_in_float64(tmp_path):
    network, path = fresh(), tmp_path / "model.safetensors"
    metadata = {"architecture": "quadratic", "dim": 12, "hidden": 8}
    save_model(path, network, metadata=metadata)
    loaded, told = load_quadratic(path)
    assert told == metadata
    assert torch.equal(weights(loaded), weights(network).double())
    assert not any(p.requires_grad for p in loaded.parameters())


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(path, torch.nn.Linear(1, 1), metadata={"architecture": "mlp"})
    with pytest.raises(InputError, match=r"model.safetensors contains 'mlp', needs 'quadratic'"):
        load_quadratic(path)


# ------------------------------------------------------------------------------------ training


def test_the_gradient_is_that_of_autograd():
    network = fresh().double()
    points = torch.randn(20, 12, generator=seeded(1), dtype=torch.float64)
    outer = (torch.arange(20) % 2).double()
    F.binary_cross_entropy_with_logits(network(points), outer).backward()
    expected = torch.cat([p.grad.reshape(-1) for p in network.parameters()])
    found = torch.empty_like(expected)
    with torch.no_grad():
        loss_gradient(network.weight, network.scale, network.bias, points, outer, found)
    assert torch.allclose(found, expected, atol=1e-14)  # float64


def test_steps_are_those_of_torch():
    network, other = fresh(), fresh()
    train_quadratic(
        network, SPHERES, settings(steps=CHUNK + 30, schedule="constant"),
        generator=seeded(3), name="a net",
    )  # fmt: skip
    adam = torch.optim.Adam(other.parameters(), lr=0.02, betas=(0.9, 0.99))
    generator, labels = seeded(3), torch.tensor([0.0] * 8 + [1.0] * 8)
    for count in (CHUNK, 30):
        draws = sample_sphere(count * 16, 12, 1.0, generator, dtype=torch.float32)
        for batch in draws.view(count, 16, 12):
            points = batch * torch.where(labels > 0, 1.0, 0.8)[:, None]
            adam.zero_grad()
            F.binary_cross_entropy_with_logits(other(points), labels).backward()
            adam.step()
    # float32 over 130 steps of 0.02
    assert torch.allclose(weights(network), weights(other), atol=1e-4)


def test_it_learns_nearly_all_that_can_be_learned():
    network = fresh()
    curve = train_quadratic(
        network, SPHERES, settings(steps=6000, batch_size=64, lr=0.03, curve_every=1000),
        generator=seeded(), name="a net",
    )  # fmt: skip
    assert [row["step"] for row in curve] == [1000, 2000, 3000, 4000, 5000, 6000]
    assert curve[-1]["error"] == pytest.approx(exact_errors(network, SPHERES)["error"])
    floor, _ = bayes_error(SPHERES, 8)
    # ours has to learn that eight directions weigh the same; a fifth above the floor for that
    assert floor < curve[-1]["error"] < 1.2 * floor
    assert not network.training


def test_the_curve_ends_with_the_last_step_and_has_the_mean_of_both_errors():
    curve = train_quadratic(fresh(), SPHERES, settings(), generator=seeded(), name="a net")
    assert [row["step"] for row in curve] == [200, 400, 450]
    for row in curve:
        assert row["error"] == 0.5 * (row["inner_error"] + row["outer_error"])


class Killed(Exception):
    pass


class Fragile(Checkpoint):
    """A sidecar that dies right after a save."""

    left = 1

    def save(self, tensors, state):
        super().save(tensors, state)
        self.left -= 1
        if not self.left:
            raise Killed


@pytest.mark.parametrize("saves", [1, 2, 4])
def test_a_resumed_run_ends_as_the_undisturbed_one(tmp_path, saves):
    undisturbed = fresh()
    curve = train_quadratic(undisturbed, SPHERES, settings(), generator=seeded(5), name="a net")
    fragile = Fragile(tmp_path, "d", interval=0)
    fragile.left = saves
    with pytest.raises(Killed):
        train_quadratic(
            fresh(), SPHERES, settings(), generator=seeded(5), name="a net", checkpoint=fragile
        )
    # another start and another generator: all that counts comes from the checkpoint
    resumed = fresh(seed=9)
    again = train_quadratic(
        resumed, SPHERES, settings(), generator=seeded(6), name="a net",
        checkpoint=Checkpoint(tmp_path, "d", interval=0),
    )  # fmt: skip
    assert torch.equal(weights(resumed), weights(undisturbed))
    assert again == curve


def test_divergence_names_the_step_and_the_learning_rate():
    with pytest.raises(TrainingDivergedError, match=r"training a net: .* step 100 of 450; lower"):
        train_quadratic(fresh(), SPHERES, settings(lr=1e30), generator=seeded(), name="a net")


def test_the_rate_of_the_last_step_is_nearly_nothing():
    curve = train_quadratic(fresh(), SPHERES, settings(), generator=seeded(), name="a net")
    done = (449 / 450 - 0.2) / 0.8
    assert curve[-1]["lr"] == pytest.approx(0.02 * 0.5 * (1 + math.cos(math.pi * done)))
