"""User-defined networks: built by a function in a Python file, with weights from another file.

`build_own` runs the code in the named file without restriction. The path comes from the caller's
settings and never from a checkpoint, which contains tensors and text only.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from typeone.models.network_checks import in_float32
from typeone.runtime.artifacts import fill_model
from typeone.runtime.errors import InputError
from typeone.runtime.process import settings_kept


@contextmanager
def _imports_from(folder: Path) -> Iterator[None]:
    """Append ``folder`` to the import path; on exit, remove it and the modules imported from it.

    Otherwise a module of the same name in the folder of another network would not be imported.
    """
    path, known = list(sys.path), set(sys.modules)
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - known:
            top, module = name.partition(".")[0], sys.modules[name]
            file = getattr(module, "__file__", None)
            places = [*([file] if file else []), *getattr(module, "__path__", [])]
            beside = folder / f"{top}.py", folder / top
            if top not in known and any(Path(p).is_relative_to(b) for p in places for b in beside):
                del sys.modules[name]


def build_own(module: str, *, seed: int = 0, key: str = "module") -> nn.Module:
    """Build the network returned by a user's function, in eval mode, with its initial weights.

    Floating-point outputs of the network are converted to float32.

    Args:
        module: ``path/to/file.py:function``. The function is called without arguments. While the
            file is imported and the function runs, modules in the same folder can be imported.
        key: name of the setting in error messages.

    Randomness: torch's global generator, seeded with ``seed`` here and restored afterwards, as are
    the settings of the process that the file may change.

    Raises:
        InputError: the file or function does not exist, its code fails, the function needs
            arguments or does not return a `torch.nn.Module`, or a safetensors file cannot store
            the state of the network.
    """
    name, _, function = module.rpartition(":")
    path = Path(name).expanduser()
    who = f"`{key}` is {module!r}"
    if not path.is_file():
        raise InputError(f"{who}, and {name!r} is not a file; needs path/to/file.py:function")
    spec = importlib.util.spec_from_file_location(f"own_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise InputError(f"{who}, and {name!r} is not Python; needs path/to/file.py:function")
    code = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = code  # dataclasses look up the module there
    with _imports_from(path.parent.resolve()), settings_kept():
        torch.manual_seed(seed)
        try:
            spec.loader.exec_module(code)
        except ImportError as error:
            raise InputError(
                f"{who}, whose import fails ({error}); its imports must be in the same folder or "
                "installed"
            ) from error
        except (Exception, SystemExit) as error:  # user code can raise anything
            raise _failure(who, path, error) from error
        if not callable(getattr(code, function, None)):
            raise InputError(
                f"{who}, but {name} has no function {function!r}; needs one without arguments that "
                "returns a torch.nn.Module"
            )
        try:
            network = getattr(code, function)()
        except TypeError as error:
            raise InputError(
                f"{who}, whose call without arguments fails ({error}); needs a function without "
                "arguments that returns a torch.nn.Module"
            ) from error
        except (Exception, SystemExit) as error:
            raise _failure(who, path, error) from error
    if not isinstance(network, nn.Module):
        raise InputError(f"{who}, which returns {type(network).__name__}; needs a torch.nn.Module")
    _check_state(network, who)
    if not isinstance(network, torch.jit.ScriptModule):  # a ScriptModule accepts no hook
        network.register_forward_hook(_in_float32)
    return network.eval()


def _in_float32(_network: nn.Module, _given: object, outputs: Tensor) -> Tensor:
    return in_float32(outputs)


def _failure(who: str, path: Path, error: BaseException) -> InputError:
    """Return an `InputError` for an ``error`` of user code, with its line in the file ``path``."""
    place, reason = path.name, "".join(str(error).splitlines()[:1])
    frames = reversed(traceback.extract_tb(error.__traceback__))
    line = next((f.lineno for f in frames if Path(f.filename) == path.absolute()), None)
    if isinstance(error, SyntaxError):
        place, line, reason = Path(error.filename or path).name, error.lineno, error.msg
    said = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
    where = f"{place}, line {line}" if line else place
    return InputError(
        f"{who}, whose code fails at {where} ({said}); needs a file that can be imported, and a "
        "function that can be called"
    )


def _check_state(network: nn.Module, who: str) -> None:
    """Raise `InputError` unless a safetensors file can store the state of ``network``."""
    seen: dict[int, str] = {}
    for name, value in network.state_dict().items():
        if not isinstance(value, Tensor):
            raise InputError(
                f"{who}, whose state_dict contains {name!r}, which is not a tensor; needs only "
                "tensors, as a safetensors file requires"
            )
        if value.is_meta:
            raise InputError(f"{who}, whose {name!r} has no values (device meta); needs device cpu")
        if value.numel() and (other := seen.setdefault(value.data_ptr(), name)) != name:
            raise InputError(
                f"{who}, whose {other!r} and {name!r} are one tensor; needs each for itself, as "
                "a safetensors file holds them"
            )


def load_weights(network: nn.Module, path: str | os.PathLike[str], *, key: str = "weights") -> None:
    """Load a safetensors file of ``state_dict()`` into ``network`` and set eval mode.

    Raises:
        InputError: the file does not exist, is not a safetensors file, or is of another network;
            the message names ``key``.
    """
    who = f"`{key}` is {str(path)!r}"
    try:
        tensors = load_file(Path(path).expanduser())
    except FileNotFoundError as error:
        raise InputError(f"{who}, which is not a file; needs a .safetensors file") from error
    except SafetensorError as error:
        raise InputError(
            f"{who}, which is not a safetensors file ({error}); write one with "
            "safetensors.torch.save_file(network.state_dict(), path)"
        ) from error
    wanted = network.state_dict().keys()
    for prefix in ("module.", "_orig_mod."):  # prefixes of DataParallel and torch.compile
        bare = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
        if bare.keys() == wanted:
            tensors = bare
    fill_model(
        network,
        tensors,
        name=f"`{key}`, {path},",
        architecture="that of a state_dict",
        remedy="needs the state_dict() of the network that `module` builds",
    )
