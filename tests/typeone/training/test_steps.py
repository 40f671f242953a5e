"""Steps of a training that are recorded and replayed give what steps give.

The CPU stands in for the GPU (`RecordedOnCpu`); tests/gpu does the same on a card.
"""

import logging

import pytest
import torch

from typeone.runtime.checkpoints import Checkpoint
from typeone.training import loop, steps
from typeone.training.steps import warm_up_share

from ...gpu.test_training import CPU, TRAININGS, trained
from ..recording import RecordedOnCpu

CHECKS = 2  # replays that only show whether a recording is right


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """Trainings run as on a GPU, with or without recordings: call it with True or False."""

    def choose(records):
        graph = RecordedOnCpu if records else None
        monkeypatch.setattr(steps, "graphs_on", lambda device, generators: graph)
        monkeypatch.setattr(RecordedOnCpu, "replays", 0)
        for module in (steps, loop):
            monkeypatch.setattr(module, "reads_cheaply", lambda device: False)

    return choose


def same(first, second):
    (weights, curve), (others, another) = first, second
    assert curve == another
    assert weights.keys() == others.keys()
    for key, value in weights.items():
        assert torch.equal(value, others[key]), key


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_of_replays_is_the_training(name, as_on_a_gpu):
    as_on_a_gpu(False)
    plain = trained(name, CPU)
    assert RecordedOnCpu.replays == 0
    as_on_a_gpu(True)
    same(plain, trained(name, CPU))
    assert RecordedOnCpu.replays > CHECKS


@pytest.mark.parametrize("name", ["cnn", "SVAE of digits, stage 1", "AC-GAN"])
def test_a_stopped_training_of_replays_goes_on_in_the_same_bytes(name, as_on_a_gpu, tmp_path):
    as_on_a_gpu(True)
    whole = trained(name, CPU)
    with pytest.raises(InterruptedError):
        trained(name, CPU, Checkpoint(tmp_path, "d", interval=0), stop_at=2)
    assert list(tmp_path.glob("*.safetensors"))
    same(whole, trained(name, CPU, Checkpoint(tmp_path, "d", interval=0)))


def test_an_objective_that_asks_the_host_runs_without(as_on_a_gpu, caplog, monkeypatch):
    as_on_a_gpu(True)
    real = steps.warm_up_share
    monkeypatch.setattr(
        "typeone.training.objectives.svae.warm_up_share", lambda *given: float(real(*given))
    )
    with caplog.at_level(logging.WARNING):
        trained("SVAE of digits, stage 1", CPU)
    assert RecordedOnCpu.replays == 0
    assert "training SVAE of digits, stage 1 runs without a CUDA graph" in caplog.text


@pytest.mark.parametrize(("epochs", "share"), [(0, 0), (0.5, 0.25), (2, 1), (7, 1)])
def test_a_warm_up_is_the_same_number_and_tensor(epochs, share):
    assert warm_up_share(epochs, 2.0) == share
    assert warm_up_share(torch.tensor(float(epochs)), 2.0).item() == share
    assert warm_up_share(epochs, 0.0) == 1.0
