"""The attacks of an audit, those of a kit and a user's own, on one classifier."""

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
from typeone.data.images import to_uint8
from typeone.evaluation.audit.kit import Kit
from typeone.evaluation.audit.watching import Watch, of_walk
from typeone.runtime.errors import InputError
from typeone.runtime.logs import clock

Rows = dict[str, np.ndarray]
Seconds = dict[str, float]
CHUNK = 64
"""Images attacked at a time."""


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


def walk(
    kit: Kit,
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    settings: Mapping[str, Any],
    *,
    aim: str = "next",
    target_labels: Tensor | None = None,
    watch: Callable[[float], None] = lambda share: None,
) -> Rows:
    """Run Algorithm 2 with the networks of a kit; return its rows.

    Args:
        network: f1, from `audited`.
        settings: of `SvaeAttackSettings`.
        aim: ``next`` or ``runner_up``, the target class where ``target_labels`` is None.
        watch: called with the share of the steps that are done, in [0, 1].
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
        watch=watch,
    )
    return rows


class Attacks:
    """The attacks of a kit, and further ones, on one network and the same images.

    Args:
        network: f1, from `audited`.
        images, labels: what is attacked, ``(N, 1, 28, 28)`` in [0, 1] and int64 ``(N,)``.
        own: further attacks by name.
        seed: of random starts.

    Attributes:
        kinds: kind of each attack by name: svae, baseline, type2 or own.

    Raises:
        InputError: an attack of ``own`` has the name of one of the kit.
    """

    def __init__(
        self,
        network: nn.Module,
        kit: Kit,
        images: Tensor,
        labels: Tensor,
        *,
        own: Mapping[str, OwnAttack],
        seed: int,
    ) -> None:
        self.network, self.kit, self.seed = network, kit, seed
        self.images, self.labels = images, labels
        self.entries = {entry["name"]: entry for entry in kit.note["attacks"]}
        if taken := sorted(own.keys() & self.entries.keys()):
            raise InputError(
                f"an attack is named {taken[0]!r}, as one of the kit; needs another name"
            )
        self.mine = own
        kinds = {name: entry["kind"] for name, entry in self.entries.items()}
        self.kinds: dict[str, str] = kinds | dict.fromkeys(own, "own")

    def run(self, say: Callable[[str], None], watch: Watch) -> tuple[dict[str, Rows], Seconds]:
        """Run all attacks; return the rows and the wall time of each.

        On a CPU, walks of Algorithm 2 run side by side, each on one thread; they use no randomness.
        """
        found: dict[str, Rows] = {}
        seconds: Seconds = {}

        def attack(name: str) -> None:
            begun = time.monotonic()
            watch(name, 0.0)
            found[name] = self.rows(name, of_walk(watch, name))
            watch(name, 1.0)
            seconds[name] = time.monotonic() - begun
            say(f"{name}: {len(self.labels)} images attacked in {clock(seconds[name])}")

        walks = [name for name, kind in self.kinds.items() if kind == "svae"]
        # one after another, because those with random starts use torch's global generator; a
        # mistake in an attack of the user comes out first
        others = (name for name in self.kinds if name not in walks)
        for name in sorted(others, key=lambda name: name not in self.mine):
            attack(name)
        if self.images.device.type == "cpu":
            _side_by_side(attack, walks)
        else:  # walks share the stream on which CUDA graphs are recorded
            for name in walks:
                attack(name)
        return found, seconds

    def rows(self, name: str, watch: Callable[[float], None]) -> Rows:
        """Run one attack; return its rows."""
        if name in self.mine:
            return self.own(self.mine[name])
        entry = self.entries[name]
        if entry["kind"] == "svae":
            return self.svae(entry["settings"], entry["aim"], watch)
        return {"baseline": self.baseline, "type2": self.type2}[entry["kind"]](entry["settings"])

    def svae(self, settings: Mapping[str, Any], aim: str, watch: Callable[[float], None]) -> Rows:
        network = copy.deepcopy(self.network)  # several attacks run at a time
        return walk(self.kit, network, self.images, self.labels, settings, aim=aim, watch=watch)

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
