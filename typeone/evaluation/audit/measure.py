"""Attack a classifier with every attack of a kit, judge the images, and score the detector."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from typeone.attacks import type2, user_attacks
from typeone.attacks.baselines import Baselines
from typeone.attacks.criteria import label_criterion, runner_up
from typeone.attacks.shards import attack_shard, batches_of_shard
from typeone.attacks.svae_settings import SvaeAttackSettings
from typeone.attacks.type2 import Type2Settings
from typeone.data.images import from_uint8, to_uint8
from typeone.detectors.squeezing import scores
from typeone.evaluation.audit.kit import Kit
from typeone.evaluation.audit.network import audited
from typeone.evaluation.intervals import Rate, rate
from typeone.evaluation.judging import NO_LABEL, Classifier, judge
from typeone.evaluation.roc import threshold_at
from typeone.models.predictions import predict
from typeone.runtime.errors import InputError
from typeone.runtime.logs import clock

Rows = dict[str, np.ndarray]
JOINT = ("joint", "l2")
"""The score of the detector: the joint squeezer, with the distance of the paper."""
CHUNK = 64
"""Images attacked at a time."""
MANY_WRONG, TOO_MANY_WRONG = 0.1, 0.5
"""Shares of clean images that a network gets wrong above which a card warns, and is refused."""


@dataclass(frozen=True)
class OwnAttack:
    """A user's own attack of an audit: the function, its arguments and its name in messages.

    `typeone.attacks.user_attacks` describes the function.
    """

    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    module: str

    @classmethod
    def of(cls, function: Callable[..., Any]) -> OwnAttack:
        """Return an attack without arguments, with the function's own name in messages."""
        names = (getattr(function, key, "?") for key in ("__module__", "__qualname__"))
        return cls(function, {}, ":".join(names))


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


def walk(
    kit: Kit,
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    settings: Mapping[str, Any],
    *,
    aim: str = "next",
    target_labels: Tensor | None = None,
) -> Rows:
    """Run Algorithm 2 with the networks of a kit; return its rows.

    Args:
        network: f1, from `audited`.
        settings: of `SvaeAttackSettings`.
        aim: ``next`` or ``runner_up``, the target class where ``target_labels`` is None.
    """
    if target_labels is None and aim == "runner_up":
        target_labels = runner_up(network, images, labels)
    rows, _ = attack_shard(
        kit.svae,
        images,
        labels,
        SvaeAttackSettings(**settings),
        keep=label_criterion(network),
        classes=kit.note["classes"],
        target_labels=target_labels,
        attackers=list(kit.attackers),
        density=kit.attack_density,
        chunk=CHUNK,
    )
    return rows


class _Audit:
    """The attacks of a kit on one network and the same images."""

    def __init__(
        self, network: nn.Module, kit: Kit, images: Tensor, labels: Tensor, *, seed: int
    ) -> None:
        self.network, self.kit, self.seed = network, kit, seed
        self.images, self.labels = images, labels

    def svae(self, settings: Mapping[str, Any], aim: str) -> Rows:
        network = copy.deepcopy(self.network)  # several attacks run at a time
        return walk(self.kit, network, self.images, self.labels, settings, aim=aim)

    def baseline(self, settings: Mapping[str, Any]) -> Rows:
        train = self.kit.images("train", self.images.device)
        baselines = Baselines(
            self.kit.svae, self.network, self.images, self.labels, train, seed=self.seed
        )
        return baselines.rows(**settings)

    def type2(self, settings: Mapping[str, Any]) -> Rows:
        found = type2.attack(
            self.network, self.images, self.labels, Type2Settings(**settings), seed=self.seed
        )
        return {
            "label": self.labels.cpu().numpy(),
            "image": to_uint8(self.images).cpu().numpy(),
            "adversarial_image": to_uint8(found.images).cpu().numpy(),
            "found": found.found.cpu().numpy(),
            "gradient_vanishes": found.vanishing.cpu().numpy(),
        }

    def own(self, attack: OwnAttack) -> Rows:
        mine = user_attacks.UserAttack(
            attack.function,
            self.network,
            attack.arguments,
            module=attack.module,
            key="attack",
            seed=self.seed,
        )
        batches = batches_of_shard(len(self.images), chunk=CHUNK, shard=0, shards=1)
        return user_attacks.attack_batches(self.kit.svae, mine, self.images, self.labels, batches)

    def judged(self, rows: Rows) -> Rows:
        seen = judge(
            rows,
            f1=Classifier(self.network),
            svae=self.kit.svae,
            panel=self.kit.panel,
            members=self.kit.judges,
            clear_confidence=self.kit.note["clear_confidence"],
            clean=self.kit.clean,
            device=self.images.device,
        )
        shown = from_uint8(seen["adversarial_image"], self.images.device)
        return seen | {"score": self.score(shown)}

    def score(self, images: Tensor) -> np.ndarray:
        detector = self.kit.note["detector"]
        found = scores(self.network, images, bits=detector["bits"], median=detector["median"])
        return found[JOINT]


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
) -> Findings:
    """Audit a classifier of the data set of ``kit``.

    The first test images that the network gets right are attacked. On a CPU, walks of Algorithm 2
    run side by side, each on one thread; they use no randomness.

    Args:
        network: images ``(N, 1, 28, 28)`` in [0, 1] → logits; it is left as it is.
        kit: of `load_kit`.
        who: name of the network in messages.
        count: number of attacked images; that of the kit if None.
        own: further attacks by name.
        seed: of random starts.
        say: gets a line after each step.

    Raises:
        InputError: the network cannot be attacked, or gets too few images right.
    """
    if next(kit.parameters()).device != torch.device(device):
        kit = copy.deepcopy(kit).to(device)
    note, own = kit.note, dict(own or {})
    kinds = {attack["name"]: attack["kind"] for attack in note["attacks"]}
    if taken := sorted(own.keys() & kinds.keys()):
        raise InputError(f"an attack is named {taken[0]!r}, as one of the kit; needs another name")
    images, labels = kit.images("test", device)
    mine, warnings = audited(network, images, who=who, classes=note["classes"])
    right = _right(mine, images, labels, who=who)
    error = rate((~right).cpu().numpy())
    count = note["count"] if count is None else count
    if error.value > TOO_MANY_WRONG:
        raise InputError(
            f"{who}, which gets {error.value:.0%} of the clean test images of {note['dataset']} "
            f"wrong; needs at most {TOO_MANY_WRONG:.0%}: a network that is trained on this data "
            "set, with its weights"
        )
    if not 1 <= count < int(right.sum()):
        raise InputError(
            f"`count` is {count}, but of {len(labels)} test images of the kit {who} gets "
            f"{int(right.sum())} right; needs at least 1 and fewer than that, because attacks "
            "start from them, and the others show what the detector rejects"
        )
    if error.value > MANY_WRONG:
        warnings.append(
            f"The network gets {error.value:.0%} of clean test images wrong. Attacks start from "
            "images that it gets right, which are easier ones than usual."
        )
    say(f"clean test images: {error.value:.2%} wrong")
    chosen = torch.nonzero(right).flatten()[:count]
    run = _Audit(mine, kit, images[chosen], labels[chosen], seed=seed)
    kinds |= dict.fromkeys(own, "own")
    given: dict[str, tuple[Any, ...]] = {name: (attack,) for name, attack in own.items()}
    for entry in note["attacks"]:
        aim = (entry["aim"],) if entry["kind"] == "svae" else ()
        given[entry["name"]] = (entry["settings"], *aim)
    methods: dict[str, Callable[..., Rows]] = {
        **{"svae": run.svae, "baseline": run.baseline, "type2": run.type2, "own": run.own}
    }
    found: dict[str, Rows] = {}
    seconds: dict[str, float] = {}

    def attack(name: str) -> None:
        begun = time.monotonic()
        found[name] = methods[kinds[name]](*given[name])
        seconds[name] = time.monotonic() - begun
        say(f"{name}: {count} images attacked in {clock(seconds[name])}")

    walks = [name for name, kind in kinds.items() if kind == "svae"]
    for name in kinds:  # those with random starts use torch's global generator
        if name not in walks:
            attack(name)
    if images.device.type == "cpu":
        _side_by_side(attack, walks)
    else:  # walks share the stream on which CUDA graphs are recorded
        for name in walks:
            attack(name)
    validation = kit.images("validation", device)
    fit = validation[0][_right(mine, *validation, who=who)]
    threshold = threshold_at(run.score(fit), note["detector"]["false_positive_rate"])
    untouched = right.clone()
    untouched[chosen] = False
    rejected = rate(run.score(images[untouched]) >= threshold)
    examples = {name: run.judged(found[name]) for name in kinds}
    for name, rows in examples.items():
        if lost := int((rows["f1_label_after"] == NO_LABEL).sum()):
            warnings.append(
                f"{name}: the network returns NaN or infinity on {lost} of {count} attacked "
                "images, which count as failures of the attack."
            )
        if (blind := int(rows.get("gradient_vanishes", np.zeros(1)).sum())) > 0:
            warnings.append(
                f"{name}: the gradient of the network vanishes at {blind} of {count} images, where "
                "a kept label does not show robustness."
            )
    return Findings(error, examples, kinds, threshold, rejected, seconds, warnings)


def _side_by_side(attack: Callable[[str], None], names: Sequence[str]) -> None:
    """Run attacks in as many threads as torch uses, one thread of torch for each."""
    threads = torch.get_num_threads()
    workers = min(threads, len(names))
    if workers < 2:
        for name in names:
            attack(name)
        return
    try:
        with ThreadPoolExecutor(workers, initializer=lambda: torch.set_num_threads(1)) as pool:
            list(pool.map(attack, names))
    finally:
        torch.set_num_threads(threads)
