"""Audit a classifier: measure it with a kit and make its card."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping

import torch
from safetensors.torch import save
from torch import Tensor, nn

import typeone
from typeone.evaluation.audit.kit import Kit, file_sha256, load_kit
from typeone.evaluation.audit.measure import OwnAttack, measure
from typeone.reporting.card.card import Card, make_card
from typeone.runtime.errors import InputError


def digest_of(network: nn.Module, *, who: str) -> str:
    """Return the SHA-256 of the tensors of ``network`` as a safetensors file; tied ones twice."""
    if not isinstance(network, nn.Module):
        raise InputError(f"{who}, which is no torch.nn.Module; needs one")
    tensors = {
        name: value.detach().cpu().clone().contiguous()
        for name, value in network.state_dict().items()
        if isinstance(value, Tensor)
    }
    return hashlib.sha256(save(tensors)).hexdigest()


@torch.inference_mode(False)
@torch.enable_grad()
def audit_with(
    network: nn.Module,
    kit: Kit | str | os.PathLike[str],
    *,
    name: str,
    who: str,
    count: int | None,
    own: Mapping[str, OwnAttack],
    seed: int,
    device: torch.device | str,
    say: Callable[[str], None],
    sha256: str | None = None,
) -> Card:
    """Return the card of a classifier; arguments are those of `measure`.

    Args:
        kit: a kit or the path of its file, which must have the digest ``sha256`` if given.
        name: name of the network on the card.

    Raises:
        InputError: the kit or the network cannot be used.
    """
    digest = None
    if not isinstance(kit, Kit):
        path, kit = kit, load_kit(kit, sha256=sha256)
        digest = file_sha256(path)
    mine = digest_of(network, who=who)  # before the attacks, which take minutes
    found = measure(network, kit, who=who, count=count, own=own, seed=seed, device=device, say=say)
    source = {
        "typeone": typeone.__version__,
        "torch": torch.__version__,
        "network_sha256": mine,
        "kit_sha256": digest,
        "seed": seed,
    }
    return make_card(found, network=name, note=kit.note, source=source)
