"""A network that a function in the reader's file builds: what it may be, what is said if not."""

import os
import random
import warnings

import numpy
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from typeone.models.classifiers import load_classifier
from typeone.models.network_checks import check_outputs
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
    with pytest.raises(InputError, match=r"contains '.*net.py:build', needs one of mlp, lenet"):
        load_classifier(path)  # what a checkpoint names is not run
    with pytest.raises(
        InputError, match=r"contains '.*net.py:build', needs 'other.py:f'; delete it or"
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
        r"whose import fails \(No module named 'no_such_thing'\); its imports must be in the same",
    ),
    "state": (
        "class Net(nn.Module):\n    def get_extra_state(self): return {}\nbuild = Net",
        r"whose state_dict contains '_extra_state', which is not a tensor; needs only tens",
    ),
    "no values": (
        "torch.set_default_device('meta')\ndef build(): return nn.Linear(4, 4)",
        r"whose 'weight' has no values \(device meta\); needs device cpu",
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
    with pytest.raises(InputError, match=r"^`module` is 'absent.py:f', and 'absent.py' is not a f"):
        build_own("absent.py:f")


def test_a_file_that_is_not_python_is_named(tmp_path):
    (tmp_path / "net.txt").write_text(NET)
    with pytest.raises(InputError, match=r"net\.txt' is not Python; needs path/to/file\.py:"):
        build_own(f"{tmp_path}/net.txt:build")


FAILS_TO_BUILD = {
    "a top that fails": (
        "open('weights.pt')",
        r"whose code fails at own\.py, line 3 \(FileNotFoundError: .*'weights\.pt'\); needs a file",
    ),
    "a function that fails": (
        "def build():\n    return 1 / 0",
        r"whose code fails at own\.py, line 4 \(ZeroDivisionError: division by zero\); needs",
    ),
    "an assertion without a word": (
        "def build():\n    assert False",
        r"whose code fails at own\.py, line 4 \(AssertionError\); needs a file",
    ),
    "a script": (
        "import sys\nsys.exit(2)",
        r"whose code fails at own\.py, line 4 \(SystemExit: 2\); needs a file that can be imported",
    ),
    "no Python": (
        "def build(:",
        r"whose code fails at own\.py, line 3 \(SyntaxError: inv",
    ),
}


@pytest.mark.parametrize(("text", "message"), FAILS_TO_BUILD.values(), ids=FAILS_TO_BUILD)
def test_code_that_fails_is_named_with_its_line(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as raised:
        build_own(write(tmp_path, text))
    assert "\n" not in str(raised.value)


def test_a_byte_order_mark_is_no_part_of_it(tmp_path):
    (tmp_path / "net.py").write_bytes(b"\xef\xbb\xbf" + NET.encode())
    (tmp_path / "layers.py").write_bytes(b"\xef\xbb\xbfHIDDEN = 4\n")
    assert build_own(f"{tmp_path}/net.py:build")(digits()).shape == (4, 10)


SETTINGS = {
    "gradients": ("torch.set_grad_enabled(False)", torch.is_grad_enabled),
    "dtype": ("torch.set_default_dtype(torch.float64)", torch.get_default_dtype),
    "device": ("torch.set_default_device('meta')", torch.get_default_device),
    "seed": ("torch.manual_seed(3)", lambda: torch.get_rng_state().tolist()),
    "Python's seed": ("import random; random.seed(3)", random.getstate),
    "NumPy's seed": (
        "import numpy; numpy.random.seed(3)",
        lambda: [str(part) for part in numpy.random.get_state()],
    ),
    "deterministic": (
        "torch.use_deterministic_algorithms(True, warn_only=True)",
        lambda: (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
    ),
    "threads": ("torch.set_num_threads(torch.get_num_threads() + 1)", torch.get_num_threads),
    "precision": (
        "torch.set_float32_matmul_precision('medium')",
        torch.get_float32_matmul_precision,
    ),
    "cuDNN": (
        "torch.backends.cudnn.benchmark = True; torch.backends.cudnn.deterministic = True",
        lambda: (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic),
    ),
    "anomalies": ("torch.autograd.set_detect_anomaly(True)", torch.is_anomaly_enabled),
    "warnings": ("import warnings; warnings.simplefilter('error')", lambda: [*warnings.filters]),
    "environment": (
        "import os; os.environ.update(MINE='1', PATH='nowhere'); os.environ.pop('HOME', 0)",
        lambda: dict(os.environ),
    ),
    "folder": ("import os; os.chdir('/')", os.getcwd),
}


@pytest.mark.parametrize(("line", "current"), SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("place", ["top", "function"])
def test_what_it_sets_for_the_whole_process_is_set_back(tmp_path, line, current, place):
    inside = f"    {line}\n" if place == "function" else ""
    outside = f"{line}\n" if place == "top" else ""
    module = write(
        tmp_path, f"{outside}def build():\n{inside}    return nn.Linear(2, 2, device='cpu')"
    )
    before = current()
    network = build_own(module)
    assert current() == before
    assert all(p.requires_grad for p in network.parameters())


def test_it_is_set_back_when_its_code_fails(tmp_path):
    with pytest.raises(InputError):
        build_own(write(tmp_path, "torch.set_grad_enabled(False)\n1 / 0"))
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_what_it_answers_in_other_floats_becomes_float32(tmp_path, dtype):
    module = write(
        tmp_path,
        "class Net(nn.Sequential):\n"
        "    def __init__(self):\n"
        "        super().__init__(nn.Flatten(), nn.Linear(784, 10))\n"
        f"    def forward(self, x): return super().forward(x).to(torch.{dtype})\n"
        "build = Net",
    )
    network = build_own(module)
    assert network(digits()).dtype == torch.float32
    assert list(network.state_dict()) == ["1.weight", "1.bias"]
    check_outputs(network, digits(), who="f1", classes=10)


def test_a_scripted_network_is_taken(module, tmp_path):
    scripted = write(
        tmp_path,
        "def build():\n"
        "    return torch.jit.script(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)))",
    )
    network, path = build_own(scripted, seed=3), tmp_path / "model.safetensors"
    save_model(path, network, metadata={"architecture": scripted})
    loaded = load_classifier(path, module=scripted)
    assert torch.equal(loaded(digits()), network(digits()))
    assert not any(p.requires_grad for p in loaded.parameters())


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
        match=r"^`classifiers.mine.weights`, .*w.safetensors, contains another architecture .*: "
        r"1.bias is \(5,\), needs \(4,\) \(4 tensors differ\); needs the state_dict\(\) of the",
    ):
        load_weights(build_own(module), tmp_path / "w.safetensors", key="classifiers.mine.weights")


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod."])
def test_weights_saved_from_a_wrapped_network_are_its_own(module, tmp_path, prefix):
    """As of DataParallel and torch.compile."""
    theirs, path = build_own(module, seed=5), tmp_path / "w.safetensors"
    save_file({f"{prefix}{k}": v for k, v in theirs.state_dict().items()}, path)
    network = build_own(module)
    load_weights(network, path)
    assert torch.equal(network(digits()), theirs(digits()))


def test_a_pickle_is_not_read(module, tmp_path):
    torch.save(build_own(module).state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(
        InputError, match=r"which is not a safetensors file \(.*\); write one with safe"
    ):
        load_weights(build_own(module), tmp_path / "w.safetensors")


def test_weights_that_are_not_there_are_named(module):
    with pytest.raises(InputError, match=r"^`weights` is 'absent.safetensors', which is not a f"):
        load_weights(build_own(module), "absent.safetensors")
