"""A checkpoint is loaded as the architecture that it names, frozen and in eval mode."""

import pytest
import torch
from torch import nn

from typeone.models.stored_networks import frozen, load_frozen, read_note
from typeone.runtime.artifacts import save_model
from typeone.runtime.errors import InputError


def stack():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


@pytest.fixture
def stored(tmp_path):
    """A checkpoint, and the network in it."""
    path, network = tmp_path / "model.safetensors", stack()
    save_model(path, network, metadata={"architecture": "stack", "width": 3})
    return path, network


def test_a_loaded_network_has_the_stored_weights_and_cannot_learn(stored):
    path, network = stored
    assert read_note(path, ["other", "stack"], kind="a stack")["width"] == 3
    loaded = load_frozen(path, stack().train())
    assert not loaded.training
    assert not loaded[1].training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    for name, values in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], values)


@pytest.mark.parametrize(
    ("known", "needs"),
    [(["tower"], "needs 'tower'"), (["tower", "bridge"], "needs one of tower, bridge")],
)
def test_another_architecture_is_refused_with_its_name(stored, known, needs):
    wanted = rf"model\.safetensors contains 'stack', {needs}; delete it or name the checkpoint of a"
    with pytest.raises(InputError, match=wanted):
        read_note(stored[0], known, kind="a tower")


def test_a_scripted_network_is_frozen_too():
    scripted = frozen(torch.jit.script(nn.Linear(2, 2)))
    assert not any(parameter.requires_grad for parameter in scripted.parameters())
