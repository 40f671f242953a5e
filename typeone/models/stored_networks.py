"""Load trained networks from checkpoints that name their architecture."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, TypeVar

import torch
from torch import nn

from typeone.runtime.artifacts import load_model, read_model_metadata
from typeone.runtime.errors import InputError

Network = TypeVar("Network", bound=nn.Module)


def read_note(path: str | os.PathLike[str], known: Iterable[str], *, kind: str) -> dict[str, Any]:
    """Return the metadata of a checkpoint, whose ``architecture`` is one of ``known``.

    Args:
        path: of the checkpoint.
        known: names of architectures.
        kind: of network, for the error: "a judge".

    Raises:
        InputError: there is no checkpoint, or it is of another architecture.
    """
    note, names = read_model_metadata(path), list(known)
    architecture = note.get("architecture")
    if architecture not in names:
        needs = f"one of {', '.join(names)}" if len(names) > 1 else repr(names[0])
        raise InputError(
            f"{path} contains {architecture!r}, needs {needs}; delete it or name the checkpoint of "
            f"{kind}"
        )
    return note


def load_frozen(
    path: str | os.PathLike[str], network: Network, device: torch.device | str = "cpu"
) -> Network:
    """Fill ``network`` from a checkpoint; return it in eval mode, frozen, on ``device``.

    Raises:
        InputError: the file is not a checkpoint of ours, is damaged, or has another architecture.
    """
    load_model(path, network)
    return frozen(network, device)


def frozen(network: Network, device: torch.device | str = "cpu") -> Network:
    """Return ``network`` on ``device``, in eval mode, with parameters that need no gradient."""
    for parameter in network.to(device).eval().parameters():  # a ScriptModule: no requires_grad_
        parameter.requires_grad_(False)
    return network
