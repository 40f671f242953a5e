"""Measure a classifier with a kit: attack it, judge the images, and score the detector."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from typeone.data.images import from_uint8
from typeone.detectors.squeezing import scores
from typeone.evaluation.audit.attacks import Attacks, OwnAttack, Rows
from typeone.evaluation.audit.kit import Kit
from typeone.evaluation.audit.network import audited
from typeone.evaluation.audit.watching import Watch, unwatched
from typeone.evaluation.intervals import Rate, rate
from typeone.evaluation.judging import Classifier, judge
from typeone.evaluation.roc import threshold_at
from typeone.models.network_checks import TOO_MANY_WRONG
from typeone.models.predictions import NO_LABEL, predict
from typeone.runtime.errors import InputError

JOINT = ("joint", "l2")
"""The score of the detector: the joint squeezer, with the distance of the paper."""
MANY_WRONG = 0.1
"""Share of clean images that a network gets wrong above which a card warns."""


@dataclass(frozen=True)
class Findings:
    """What an audit measured.

    Attributes:
        error: share of clean test images that the network gets wrong.
        examples: judged rows of each attack, see `judge`, with ``score``, that of the detector.
        kinds: kind of each attack: svae, baseline, type2 or own.
        threshold: that of the detector.
        rejected: share of clean test images that the detector rejects.
        seconds: wall time of each attack.
        warnings: sentences about the network and the audit.
    """

    error: Rate
    examples: dict[str, Rows]
    kinds: dict[str, str]
    threshold: float
    rejected: Rate
    seconds: dict[str, float]
    warnings: list[str]


def _right(network: nn.Module, images: Tensor, labels: Tensor, *, who: str) -> Tensor:
    outputs = predict(network, images)
    lost = ~outputs.isfinite().all(dim=1)
    if lost.any():
        raise InputError(
            f"{who}, which returns NaN or infinity on {int(lost.sum())} of {len(lost)} clean "
            "images; needs finite numbers"
        )
    return outputs.argmax(dim=1) == labels


@torch.inference_mode(False)
@torch.enable_grad()
@torch.random.fork_rng(devices=[])
def measure(
    network: nn.Module,
    kit: Kit,
    *,
    who: str,
    count: int | None = None,
    own: Mapping[str, OwnAttack] | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    say: Callable[[str], None] = lambda line: None,
    watch: Watch = unwatched,
) -> Findings:
    """Audit a classifier of the data set of ``kit``.

    The first test images that the network gets right are attacked, see `Attacks.run`.

    Args:
        network: images ``(N, 1, 28, 28)`` in [0, 1] → logits; it is left as it is.
        kit: of `load_kit`.
        who: name of the network in messages.
        count: number of attacked images; that of the kit if None.
        own: further attacks by name.
        seed: of random starts.
        say: gets a line after each step.
        watch: see `Watch`; called from several threads.

    Raises:
        InputError: the network cannot be attacked, or gets too few images right.
    """
    if next(kit.parameters()).device != torch.device(device):
        kit = copy.deepcopy(kit).to(device)
    note = kit.note
    images, labels = kit.images("test", device)
    mine, warnings = audited(network, images, who=who, classes=note["classes"])
    right = _right(mine, images, labels, who=who)
    error = rate((~right).cpu().numpy())
    count = note["count"] if count is None else count
    warnings += _check_clean(error, int(right.sum()), count, who=who, dataset=note["dataset"])
    say(f"clean test images: {error.value:.2%} wrong")
    chosen = torch.nonzero(right).flatten()[:count]
    attacks = Attacks(mine, kit, images[chosen], labels[chosen], own=own or {}, seed=seed)
    found, seconds = attacks.run(say, watch)
    validation = kit.images("validation", device)
    fit = validation[0][_right(mine, *validation, who=who)]
    limit = note["detector"]["false_positive_rate"]
    threshold = threshold_at(_score(mine, kit, fit), limit)
    untouched = right.clone()
    untouched[chosen] = False
    rejected = rate(_score(mine, kit, images[untouched]) >= threshold)
    examples = {name: _judged(mine, kit, found[name], device) for name in attacks.kinds}
    for name, rows in examples.items():
        warnings += _warnings(name, rows)
    return Findings(error, examples, attacks.kinds, threshold, rejected, seconds, warnings)


def _check_clean(error: Rate, right: int, count: int, *, who: str, dataset: str) -> list[str]:
    """Return warnings about the clean test images, of which a network gets ``right`` right.

    Raises:
        InputError: it gets too many wrong, or ``count`` cannot be attacked.
    """
    if error.value > TOO_MANY_WRONG:
        raise InputError(
            f"{who}, which gets {error.value:.0%} of the clean test images of {dataset} "
            f"wrong; needs at most {TOO_MANY_WRONG:.0%}: a network that is trained on this data "
            "set, with its weights"
        )
    if not 1 <= count < right:
        raise InputError(
            f"`count` is {count}, but of {error.n} test images of the kit {who} gets "
            f"{right} right; needs at least 1 and fewer than that, because attacks "
            "start from them, and the others show what the detector rejects"
        )
    if error.value > MANY_WRONG:
        return [
            f"The network gets {error.value:.0%} of clean test images wrong. Attacks start from "
            "images that it gets right, which are easier ones than usual."
        ]
    return []


def _score(network: nn.Module, kit: Kit, images: Tensor) -> np.ndarray:
    detector = kit.note["detector"]
    return scores(network, images, bits=detector["bits"], median=detector["median"])[JOINT]


def _judged(network: nn.Module, kit: Kit, rows: Rows, device: torch.device | str) -> Rows:
    seen = judge(
        rows,
        f1=Classifier(network),
        svae=kit.svae,
        panel=kit.panel,
        members=kit.judges,
        clear_confidence=kit.note["clear_confidence"],
        clean=kit.clean,
        device=device,
    )
    shown = from_uint8(seen["adversarial_image"], device)
    return seen | {"score": _score(network, kit, shown)}


def _warnings(name: str, rows: Rows) -> list[str]:
    """Return sentences about images of one attack where the network gave nothing to measure."""
    found = []
    if lost := int((rows["f1_label_after"] == NO_LABEL).sum()):
        found.append(
            f"{name}: the network returns NaN or infinity on {lost} of {len(rows['label'])} "
            "attacked images, which count as failures of the attack."
        )
    if blind := int(rows.get("gradient_vanishes", np.zeros(1)).sum()):
        found.append(
            f"{name}: the gradient of the network vanishes at {blind} of {len(rows['label'])} "
            "images, where a kept label does not show robustness."
        )
    return found
