"""User-defined networks: built by a function in a Python file, with weights from another file."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from typeone.models.network_checks import in_float32
from typeone.runtime.artifacts import fill_model
from typeone.runtime.errors import InputError
from typeone.runtime.user_code import failure, user_function


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
    who = f"`{key}` is {module!r}"
    with user_function(
        module, key=key, needs="one without arguments that returns a torch.nn.Module", seed=seed
    ) as function:
        try:
            network = function()
        except TypeError as error:
            raise InputError(
                f"{who}, whose call without arguments fails ({error}); needs a function without "
                "arguments that returns a torch.nn.Module"
            ) from error
        except (Exception, SystemExit) as error:  # user code can raise anything
            raise failure(error, module, key=key) from error
    if not isinstance(network, nn.Module):
        raise InputError(f"{who}, which returns {type(network).__name__}; needs a torch.nn.Module")
    _check_state(network, who)
    if not isinstance(network, torch.jit.ScriptModule):  # a ScriptModule accepts no hook
        network.register_forward_hook(_in_float32)
    return network.eval()


def _in_float32(_network: nn.Module, _given: object, outputs: Tensor) -> Tensor:
    return in_float32(outputs)


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
