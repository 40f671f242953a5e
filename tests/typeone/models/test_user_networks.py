"""A network that a function in the reader's file builds: what it may be, what is said if not."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from typeone.models.classifiers import load_classifier
from typeone.models.user_networks import build_own, load_weights
from typeone.runtime.artifacts import save_model
from typeone.runtime.errors import InputError

NET = """
from torch import nn

from layers import HIDDEN


def build():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10))
"""


@pytest.fixture
def module(tmp_path):
    """A file that builds a network, and what it imports from beside it."""
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "layers.py").write_text("HIDDEN = 4\n")
    return f"{tmp_path}/net.py:build"


def write(tmp_path, text, function="build"):
    """A file that begins with torch's import."""
    (tmp_path / "own.py").write_text(f"import torch\nfrom torch import nn\n{text}\n")
    return f"{tmp_path}/own.py:{function}"


def digits(count=4):
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(0))


# building


def test_it_is_built_in_eval_mode_with_what_lies_beside_it(module):
    network = build_own(module)
    assert not network.training
    assert network(digits()).shape == (4, 10)
    assert network[1].out_features == 4


def test_what_lies_beside_it_is_its_own(module, tmp_path):
    """Another network may have another file of the same name beside it."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "net.py").write_text(NET)
    (other / "layers.py").write_text("HIDDEN = 5\n")
    widths = [build_own(m)[1].out_features for m in (module, f"{other}/net.py:build", module)]
    assert widths == [4, 5, 4]


def test_its_first_weights_are_those_of_the_seed_and_nothing_else_is_drawn(module):
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    first, again, other = (build_own(module, seed=s)[1].weight for s in (1, 1, 2))
    assert torch.rand(1) == expected
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_checkpoint_of_it_is_loaded_by_its_module_alone(module, tmp_path):
    network, path = build_own(module, seed=3), tmp_path / "model.safetensors"
    save_model(path, network, metadata={"architecture": module})
    loaded = load_classifier(path, module=module)
    assert torch.equal(loaded(digits()), network(digits()))
    assert not any(p.requires_grad for p in loaded.parameters())
    with pytest.raises(InputError, match=r"holds '.*net.py:build', needs one of mlp, lenet"):
        load_classifier(path)  # what a checkpoint names is not run
    with pytest.raises(
        InputError, match=r"holds '.*net.py:build', needs 'other.py:f'; delete it or"
    ):
        load_classifier(path, module="other.py:f")


BAD_FILES = {
    "no function": ("", r"but .*own.py has no function 'build'; needs one without arguments that"),
    "no callable": ("build = 3", r"but .*own.py has no function 'build'"),
    "arguments": (
        "def build(width): return nn.Linear(width, 10)",
        r"whose call without arguments fails \(build\(\) missing 1 required.*\); needs a function",
    ),
    "no module": ("def build(): return [1]", r"which returns list; needs a torch\.nn\.Module"),
    "a class": (
        "build = nn.Identity\ndef build(): return nn.Identity",
        r"which returns type; needs",
    ),
    "an import": (
        "import no_such_thing\n",
        r"whose import fails \(No module named 'no_such_thing'\); what it imports must lie beside",
    ),
    "state": (
        "class Net(nn.Module):\n    def get_extra_state(self): return {}\nbuild = Net",
        r"whose state_dict holds '_extra_state', which is no tensor; needs tensors alone",
    ),
    "tied": (
        "def build():\n"
        "    net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))\n"
        "    net[1].weight = net[0].weight\n"
        "    return net",
        r"whose '0.weight' and '1.weight' are one tensor; needs each for itself",
    ),
}


@pytest.mark.parametrize(("text", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_builds_nothing_is_named(tmp_path, text, message):
    module = write(tmp_path, text)
    with pytest.raises(InputError, match=message) as raised:
        build_own(module, key="classifiers.mine.module")
    assert str(raised.value).startswith(f"`classifiers.mine.module` is {module!r}, ")
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(InputError, match=r"^`module` is 'absent.py:f', and 'absent.py' is no file"):
        build_own("absent.py:f")


def test_a_file_that_is_not_python_is_named(tmp_path):
    (tmp_path / "net.txt").write_text(NET)
    with pytest.raises(InputError, match=r"net\.txt' is not Python; needs path/to/file\.py:"):
        build_own(f"{tmp_path}/net.txt:build")


# weights


def test_weights_are_taken_as_they_are(module, tmp_path):
    theirs, path = build_own(module, seed=5), tmp_path / "w.safetensors"
    save_file(theirs.state_dict(), path)
    network = build_own(module)
    load_weights(network, path)
    assert torch.equal(network(digits()), theirs(digits()))


def test_weights_of_another_network_are_named(module, tmp_path):
    save_file(
        nn.Sequential(nn.Flatten(), nn.Linear(784, 5)).state_dict(), tmp_path / "w.safetensors"
    )
    with pytest.raises(
        InputError,
        match=r"^`classifiers.mine.weights`, .*w.safetensors, holds another architecture .*: "
        r"1.bias is \(5,\), needs \(4,\) \(4 tensors differ\); needs the state_dict\(\) of the",
    ):
        load_weights(build_own(module), tmp_path / "w.safetensors", key="classifiers.mine.weights")


def test_a_pickle_is_not_read(module, tmp_path):
    torch.save(build_own(module).state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(
        InputError, match=r"which is no safetensors file \(.*\); write one with safe"
    ):
        load_weights(build_own(module), tmp_path / "w.safetensors")


def test_weights_that_are_not_there_are_named(module):
    with pytest.raises(InputError, match=r"^`weights` is 'absent.safetensors', which is no file"):
        load_weights(build_own(module), "absent.safetensors")
