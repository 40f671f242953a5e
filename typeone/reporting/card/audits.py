"""Audit a network: measure it with a kit and make its card."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

import typeone
from typeone.evaluation.audit.attacks import OwnAttack
from typeone.evaluation.audit.face_kit import FaceKit
from typeone.evaluation.audit.kit import KINDS, Kit, KitModule, file_sha256, read_kit
from typeone.evaluation.audit.measure import measure
from typeone.evaluation.audit.recognizers import measure_recognizer
from typeone.evaluation.audit.watching import Watch, unwatched
from typeone.models.input_checks import check_kind, check_threshold
from typeone.reporting.card.card import Card, make_card
from typeone.reporting.card.faces import FaceCard, make_face_card
from typeone.runtime.devices import usable_device
from typeone.runtime.errors import InputError
from typeone.runtime.ranges import SEED, Allowed, require


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
    kit: KitModule | str | os.PathLike[str],
    *,
    name: str,
    who: str,
    count: int | None,
    own: Mapping[str, OwnAttack],
    seed: int,
    device: torch.device | str,
    say: Callable[[str], None],
    watch: Watch = unwatched,
    sha256: str | None = None,
    threshold: float | None = None,
) -> Card | FaceCard:
    """Return the card of a classifier, or of a recognizer with a ``threshold``.

    Arguments are those of `measure` and `measure_recognizer`, and:

    Args:
        kit: a kit or the path of its file, which must have the digest ``sha256`` if given.
        name: name of the network on the card.

    Raises:
        InputError: the kit or the network cannot be used.
    """
    check_kind("kit", kit, str, os.PathLike, KitModule)
    require("count", count, Allowed(low=1, whole=True, none=True))
    require("seed", seed, SEED)
    device = usable_device(device)
    if threshold is not None:
        check_threshold(threshold)
    wanted = Kit if threshold is None else FaceKit
    digest = None
    if not isinstance(kit, KitModule):
        path, kit = kit, read_kit(kit, wanted, sha256=sha256)
        digest = file_sha256(path)
    if not isinstance(kit, wanted):
        raise InputError(f"`kit` is {KINDS[kit.architecture]}; needs {KINDS[wanted.architecture]}")
    mine = digest_of(network, who=who)  # before the attacks, which take minutes
    source = {
        "typeone": typeone.__version__,
        "torch": torch.__version__,
        "network_sha256": mine,
        "kit_sha256": digest,
        "seed": seed,
    }
    how: dict[str, Any] = {"who": who, "count": count, "seed": seed, "device": device}
    how |= {"say": say, "watch": watch}
    told: dict[str, Any] = {"network": name, "note": kit.note, "source": source}
    if isinstance(kit, FaceKit):
        if own:
            raise InputError(
                f"an attack of your own is given, {next(iter(own))!r}; needs none: a recognizer is "
                "audited with the attacks of its kit"
            )
        assert threshold is not None
        return make_face_card(measure_recognizer(network, kit, threshold=threshold, **how), **told)
    assert isinstance(kit, Kit)
    return make_card(measure(network, kit, own=own, **how), **told)
