"""Attack a recognizer of faces with every attack of a kit, and judge the images."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from typeone.attacks import embedding
from typeone.attacks.criteria import identity_criterion
from typeone.attacks.embedding import EmbeddingAttackSettings
from typeone.attacks.shards import attack_shard
from typeone.attacks.svae_settings import SvaeAttackSettings
from typeone.data.images import to_uint8
from typeone.evaluation.audit.face_kit import FaceKit
from typeone.evaluation.audit.network import audited
from typeone.evaluation.audit.watching import Watch, of_walk, unwatched
from typeone.evaluation.intervals import Rate, rate
from typeone.evaluation.judging import Recognizer, judge
from typeone.evaluation.verification import Kind, draw_pairs, has_same_pairs
from typeone.models.input_checks import check_threshold
from typeone.models.predictions import predict
from typeone.runtime.devices import seeded
from typeone.runtime.errors import InputError
from typeone.runtime.logs import clock

Rows = dict[str, np.ndarray]
CHUNK = 32
"""Faces attacked at a time."""
PAIRS = 5000
"""Maximum number of plain pairs of each kind."""
LAX = 0.05
"""Share of pairs of different people, accepted at the threshold, above which a card warns."""


@dataclass(frozen=True)
class FaceFindings:
    """What an audit of a recognizer measured.

    Attributes:
        threshold: the largest distance at which the recognizer takes two faces for one person.
        accepted: share of plain pairs that it accepts, by kind: same, different, opposite. ``same``
            is absent if nobody has two faces.
        examples: judged rows of each attack, see `judge`, with ``kept``: one person.
        kinds: kind of each attack: svae or type2.
        seconds: wall time of each attack.
        warnings: sentences about the network and the audit.
    """

    threshold: float
    accepted: dict[str, Rate]
    examples: dict[str, Rows]
    kinds: dict[str, str]
    seconds: dict[str, float]
    warnings: list[str]


def plain_pairs(
    embeddings: Tensor, kit: FaceKit, threshold: float, *, seed: int
) -> dict[str, Rate]:
    """Return the share of plain pairs that are accepted, by kind.

    Raises:
        InputError: the faces contain no pair of a kind.
    """
    people, labels = kit.identities.cpu().numpy(), kit.labels.cpu().numpy()
    kinds: list[Kind] = ["different", "opposite"]
    if has_same_pairs(people):
        kinds.insert(0, "same")
    return {
        kind: rate(
            draw_pairs(people, labels, kind=kind, count=PAIRS, generator=seeded(seed)).distances(
                embeddings.cpu()
            )
            <= threshold
        )
        for kind in kinds
    }


def attacked(
    entry: Mapping[str, Any],
    kit: FaceKit,
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    threshold: float,
    seed: int,
    watch: Callable[[float], None],
) -> Rows:
    """Run one attack of a kit; return its rows.

    ASSUME: J1 hat of Eq. 10, a distance, is scaled with the threshold: the settings of the kit are
    for its own.
    """
    if entry["kind"] == "svae":
        settings = dict(entry["settings"])
        settings["target_loss"] *= threshold / kit.note["threshold"]
        rows, _ = attack_shard(
            kit.svae,
            images,
            labels,
            SvaeAttackSettings(**settings),
            keep=identity_criterion(network, threshold),
            classes=2,
            attackers=list(kit.attackers),
            chunk=CHUNK,
            watch=watch,
        )
        return rows
    noise = EmbeddingAttackSettings(**entry["settings"])
    found = embedding.attack(network, images, noise, generator=seeded(seed), chunk=CHUNK)
    return {
        "label": labels.cpu().numpy(),
        "image": to_uint8(images).cpu().numpy(),
        "adversarial_image": to_uint8(found.images).cpu().numpy(),
        "gradient_vanishes": found.vanishing.cpu().numpy(),
    }


@torch.inference_mode(False)
@torch.enable_grad()
def measure_recognizer(
    network: nn.Module,
    kit: FaceKit,
    *,
    threshold: float,
    who: str,
    count: int | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    say: Callable[[str], None] = lambda line: None,
    watch: Watch = unwatched,
) -> FaceFindings:
    """Audit a recognizer of faces: the first faces of ``kit`` are attacked.

    Args:
        network: images ``(N, 3, 64, 64)`` in [0, 1] → embeddings ``(N, D)``; it is left as it is.
        threshold: the largest Euclidean distance at which it takes two faces for one person.
        who: name of the network in messages.
        count: number of attacked faces; that of the kit if None.
        seed: of random starts and of the draw of plain pairs.
        say: gets a line after each step.
        watch: see `Watch`.

    Raises:
        InputError: the network cannot be attacked, or threshold or count cannot be used.
    """
    check_threshold(threshold)
    if next(kit.parameters()).device != torch.device(device):
        kit = copy.deepcopy(kit).to(device)
    note, clean = kit.note, kit.clean
    count = note["count"] if count is None else count
    images, labels = kit.faces(device)
    if not 1 <= count <= len(labels):
        raise InputError(
            f"`count` is {count}, but the kit has {len(labels)} faces; needs 1 to {len(labels)}"
        )
    mine, warnings = audited(network, images, who=who, gives="embeddings")
    embeddings = predict(mine, images, batch=CHUNK)
    if not embeddings.isfinite().all():
        raise InputError(f"{who}, which returns NaN or infinity on clean faces; needs finite ones")
    lengths = embeddings.norm(dim=1)
    if (lengths - 1).abs().max() > 1e-3:
        warnings.append(
            f"Embeddings have lengths of {lengths.min():.3g} to {lengths.max():.3g}, not 1; the "
            "threshold is compared with their Euclidean distance."
        )
    accepted = plain_pairs(embeddings, kit, threshold, seed=seed)
    for kind, value in accepted.items():
        say(f"plain pairs, {kind}: {value.value:.1%} of {value.n} are one person")
    if accepted["different"].value > LAX:
        warnings.append(
            f"At this threshold {accepted['different'].value:.0%} of plain pairs of different "
            "people are one person to the network; a smaller one makes attacks harder."
        )
    examples, seconds = {}, {}
    f1 = Recognizer(mine, batch=CHUNK)
    chosen = images[:count], labels[:count]
    how: dict[str, Any] = {"threshold": threshold, "seed": seed}
    for entry in note["attacks"]:
        name, begun = entry["name"], time.monotonic()
        watch(name, 0.0)
        rows = attacked(entry, kit, mine, *chosen, **how, watch=of_walk(watch, name))
        watch(name, 1.0)
        seconds[name] = time.monotonic() - begun
        say(f"{name}: {count} faces attacked in {clock(seconds[name])}")
        seen = judge(
            rows,
            f1=f1,
            svae=kit.svae,
            panel=kit.panel,
            members=kit.judges,
            clear_confidence=note["clear_confidence"],
            clean=clean,
            device=device,
        )
        lost = ~np.isfinite(seen["distance"])
        if lost.any():
            warnings.append(
                f"{name}: the network returns NaN or infinity on {lost.sum()} of {count} attacked "
                "faces, which count as failures of the attack."
            )
        examples[name] = seen | {"lost": lost, "kept": seen["distance"] <= threshold}
        if blind := int(rows["gradient_vanishes"].sum()):
            warnings.append(
                f"{name}: the gradient of the network vanishes at {blind} of {count} faces, where "
                "an attack that fails does not show robustness."
            )
    kinds = {entry["name"]: entry["kind"] for entry in note["attacks"]}
    return FaceFindings(threshold, accepted, examples, kinds, seconds, warnings)
