"""CUDA graphs: used, right, refused where they must be, and given back."""

import logging

import pytest
import torch
from torch import nn

from typeone.attacks import descent
from typeone.attacks.criteria import KeepLabel, KeepSqueezed
from typeone.attacks.svae import attack
from typeone.detectors.squeezers import differentiable_squeezers
from typeone.runtime.cuda_graphs import CudaGraph, graphs_on

from ..typeone.algorithm2 import batch_of_attacks
from ..typeone.runtime.test_cuda_graphs import CONSTANT_BETA, LEAVING, OURS, WALK, Waiting

pytestmark = pytest.mark.gpu


@pytest.fixture
def replays(monkeypatch):
    """How often a graph was replayed, so far."""
    counted, real = [], CudaGraph.replay

    def replay(graph):
        counted.append(None)
        real(graph)

    monkeypatch.setattr(CudaGraph, "replay", replay)
    return counted


def problem(card, dtype):
    svae, f1, z, labels, targets = batch_of_attacks(6)
    for network in (svae, f1):
        network.to(card, dtype).requires_grad_(False)
    return svae, f1, z.to(card, dtype), labels.to(card), targets.to(card)


def walked(card, settings, dtype=torch.float64, *, f1=None, squeezed=False):
    svae, own, z, labels, targets = problem(card, dtype)
    attackers = [own] if settings.image_weight else []
    keep = KeepLabel(f1 or own, labels)
    if squeezed:
        keep = KeepSqueezed(own, labels, differentiable_squeezers(bits=1, median=2))
    return attack(svae, z, targets, settings, keep=keep, attackers=attackers, follow=[1])


WALKS = {
    "paper": (WALK, False),
    "some leave": (LEAVING, False),
    "constant beta": (CONSTANT_BETA, False),
    "ours": (OURS, False),
    "squeezed": (WALK, True),
}


@pytest.mark.parametrize(("settings", "squeezed"), WALKS.values(), ids=WALKS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_replays_give_the_bytes_of_plain_steps(
    settings, squeezed, dtype, card, replays, monkeypatch
):
    recorded = walked(card, settings, dtype, squeezed=squeezed)
    assert card.type == "cpu" or len(replays) > 10
    made = len(replays)
    monkeypatch.setattr(descent, "graphs_on", lambda device: None)
    plain = walked(card, settings, dtype, squeezed=squeezed)
    assert len(replays) == made
    for name in ("images", "latent_end", "steps", "converged", "k"):
        assert torch.equal(getattr(recorded, name), getattr(plain, name)), name


def test_a_network_that_waits_for_the_host_runs_without(card, replays, caplog):
    layers = [nn.Flatten(), nn.Linear(784, 10, dtype=torch.float64)]
    f1 = Waiting(*layers).eval().to(card).requires_grad_(False)
    with caplog.at_level(logging.WARNING):
        result = walked(card, WALK, f1=f1)
    assert not replays
    assert card.type == "cpu" or "_local_scalar_dense" in caplog.text
    assert result.latent_end.isfinite().all()


def test_a_card_has_graphs(card):
    assert (graphs_on(card) is None) == (card.type == "cpu")


def test_graphs_give_their_memory_back(card):
    if card.type == "cpu":
        pytest.skip("the CPU has no graphs")

    def reserved():
        walked(card, WALK)
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        return torch.cuda.memory_reserved()

    first = reserved()
    for _ in range(3):
        last = reserved()
    assert last <= first + 2**21
