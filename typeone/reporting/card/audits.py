"""Audit a classifier: measure it with a kit and make its card."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping

import torch
from safetensors.torch import save
from torch import nn

import typeone
from typeone.evaluation.audit.kit import Kit, file_sha256, load_kit
from typeone.evaluation.audit.measure import OwnAttack, measure
from typeone.reporting.card.card import Card, make_card


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
        digest, kit = file_sha256(kit), load_kit(kit, sha256=sha256)
    found = measure(network, kit, who=who, count=count, own=own, seed=seed, device=device, say=say)
    tensors = {k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()}
    source = {
        "typeone": typeone.__version__,
        "torch": torch.__version__,
        "network_sha256": hashlib.sha256(save(tensors)).hexdigest(),
        "kit_sha256": digest,
        "seed": seed,
    }
    return make_card(found, network=name, note=kit.note, source=source)
