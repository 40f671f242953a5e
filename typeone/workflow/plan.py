"""Which runs there are: an attack on a classifier of a data set, with a seed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from typeone.workflow.settings.attacks import Algorithm2

PAPER = "mnist"
"""The data set of small images that the paper has numbers for."""


@dataclass(frozen=True)
class Run:
    """An attack on a classifier of a data set, with a seed."""

    dataset: str
    attack: str
    target: str
    seed: int

    def path(self, pattern: str) -> str:
        """Return ``pattern`` with the names of this run."""
        return pattern.format(**asdict(self))


class Test(NamedTuple):
    """Examples of an attack, made against one network, that another is shown.

    ``what`` is the kind of attack as tables call it, ``when`` old or fresh.
    """

    network: str
    what: str
    when: str
    attack: str
    made_against: str


FACES = "faces"
"""The data set of faces, whose attacked networks are recognizers."""

TABLE_TARGET = "mlp"
"""The classifier of IV-A and Table I, which figures show."""

OLD = {"type1": "paper_lenet", "fgsm": "fgsm", "pgd": "pgd"}
FRESH = {"type1": "paper_afresh", "fgsm": "fgsm", "pgd": "pgd", "pgd_restarts": "pgd_restarts"}
"""The attacks that strengthened classifiers are tested with, by what tables call them."""


def paths(pattern: str, runs: Iterable[Run]) -> list[str]:
    """Return the path of each run by ``pattern``."""
    return [run.path(pattern) for run in runs]


def keys(runs: Iterable[Run]) -> list[tuple[str, str, int]]:
    """Return (attack, target, seed) of each run, as params hold them."""
    return [(run.attack, run.target, run.seed) for run in runs]


class Plan:
    """The runs of small images, by the settings of a run of the workflow.

    Args:
        settings: all of them, expanded.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings
        self.attacks: Mapping[str, Any] = settings["attacks"]
        self.classifiers: Mapping[str, Any] = settings["classifiers"]
        self.strengthened: Mapping[str, Any] = settings["strengthened"]
        self.datasets = list(settings["datasets"])
        self.places = ["" if name == PAPER else f"{name}/" for name in self.datasets]
        self.seeds: list[int] = settings["seeds"]
        recognizers = ["small", "facenet", *settings["strengthened_recognizers"]]
        self.targets = [*self.classifiers, *self.strengthened, *recognizers]

    def dataset_at(self, place: str) -> str:
        """Return the data set whose tables and figures lie at ``place`` of results/."""
        return place.rstrip("/") or PAPER

    def shown(self, place: str, attack: str) -> Run:
        """Return the run of an attack that tables and figures at ``place`` show."""
        return Run(self.dataset_at(place), attack, TABLE_TARGET, self.seeds[0])

    def caption(self, place: str, attack: str) -> str:
        """Return what stands under a figure: whose examples, how many, which seed, which preset."""
        return (
            f"{place.rstrip('/').capitalize()}{': v' if place else 'V'}ariant {attack}, target "
            f"{TABLE_TARGET}, seed {self.seeds[0]}, preset {self.settings['preset']}: the first "
            "example of each class."
        )

    def of_kind(self, kind: str) -> list[str]:
        """Return the names of the attacks of one kind."""
        return [name for name, attack in self.attacks.items() if attack["kind"] == kind]

    def row_kind(self, attack: str) -> str:
        """Return what tables say of an attack: as Type I (baselines too), Type II, without f1."""
        settings = self.attacks[attack]
        if settings["kind"] == "svae" and not settings["keep"]:
            return "transition"
        return "type2" if settings["kind"] == "type2" else "type1"

    def built_from(self, target: str) -> Mapping[str, Any]:
        """Return the entry of `classifiers` that one is, or was strengthened from.

        Nothing for recognizers.
        """
        strengthened = self.strengthened.get(target)
        return self.classifiers.get(strengthened["base"] if strengthened else target, {})

    def given_weights(self) -> list[str]:
        """Return the classifiers whose weights are the reader's too; others are trained here."""
        return [name for name, network in self.classifiers.items() if "weights" in network]

    def exists(self, dataset: str, target: str) -> bool:
        """Return whether a data set has a classifier; given weights are of one data set."""
        return self.built_from(target).get("dataset", dataset) == dataset

    def networks(self, dataset: str) -> list[str]:
        """Return the classifiers of a data set that nothing strengthened."""
        return [name for name in self.classifiers if self.exists(dataset, name)]

    def aimed_at(self, target: str) -> list[str]:
        """Return the attacks on one classifier."""
        return [name for name, attack in self.attacks.items() if target in attack["targets"]]

    def runs(
        self,
        dataset: str,
        *,
        attacks: Collection[str] | None = None,
        rows: Collection[str] = ("type1", "transition", "type2"),
        seeds: Collection[int] | None = None,
    ) -> list[Run]:
        """Return the runs of a data set, in the order of attacks, targets and seeds.

        Args:
            dataset: one of `datasets`.
            attacks: names of them, in order; all by default.
            rows: kinds of attack by `row_kind`.
            seeds: all by default.
        """
        return [
            Run(dataset, attack, target, seed)
            for attack in (self.attacks if attacks is None else attacks)
            if self.row_kind(attack) in rows
            for target in self.attacks[attack]["targets"]
            if self.exists(dataset, target)
            for seed in (self.seeds if seeds is None else seeds)
        ]

    def type1(self, dataset: str) -> list[Run]:
        """Return the runs whose images are to look like another class, controls among them."""
        return self.runs(dataset, rows=("type1", "transition"))

    def control(self, dataset: str) -> list[Run]:
        """Return the runs that encode and decode without an attack, on their first target."""
        runs = self.runs(dataset, attacks=["reconstruction"])
        return [run for run in runs if run.target == runs[0].target]

    def first(self, attack: str, place: str) -> list[Run]:
        """Return the runs of an attack with the first seed, for figures at ``place``."""
        return self.runs(self.dataset_at(place), attacks=[attack], seeds=self.seeds[:1])

    def kinds(self, place: str) -> list[tuple[str, str, str, int]]:
        """Return (attack, kind of row, target, seed) of each run, for the table at ``place``."""
        runs = self.runs(self.dataset_at(place))
        return [(run.attack, self.row_kind(run.attack), run.target, run.seed) for run in runs]

    def further_networks(self, place: str) -> list[tuple[str, str, int]]:
        """Return (data set, target, seed) of networks that nothing strengthened, but Table I's."""
        dataset = self.dataset_at(place)
        names = [name for name in self.networks(dataset) if name != TABLE_TARGET]
        return [(dataset, name, seed) for name in names for seed in self.seeds]

    def scored(self, dataset: str) -> list[tuple[str, int]]:
        """Return (target, seed) of each attacked network whose images the detector looks at.

        Strengthened networks are left out: what their attacks do not find are the images
        themselves.
        """
        attacked = {target for attack in self.attacks.values() for target in attack["targets"]}
        networks = self.networks(dataset)
        return [(t, s) for t in sorted(attacked) if t in networks for s in self.seeds]

    def strengthened_from(self, base: str) -> list[str]:
        """Return the networks that one classifier was strengthened to."""
        return [name for name, network in self.strengthened.items() if network["base"] == base]

    def ablated(self, place: str) -> list[Run]:
        """Return the runs whose variants the ablations try, for tables and figures at ``place``."""
        settings, dataset = self.settings["ablations"], self.dataset_at(place)
        return [Run(dataset, a, settings["target"], self.seeds[0]) for a in settings["attacks"]]

    def learnt(self, target: str) -> dict[str, Any]:
        """Return the attack that a strengthened network learns from and whom it was aimed at.

        No attack for methods that learn from none.
        """
        network = self.strengthened[target]
        retrained = network["method"] == "retraining"
        attack = [network["settings"]["attack"]] if retrained else []
        return {"attack": attack, "target": network["base"]}

    def strengthening_tests(self, base: str) -> list[Test]:
        """Return what ``base`` and the networks strengthened from it are shown."""
        networks = [base, *self.strengthened_from(base)]
        tests = [
            Test(n, what, "old", attack, base) for n in networks for what, attack in OLD.items()
        ]
        tests += [
            Test(n, what, "fresh", attack, n)
            for n in networks
            for what, attack in FRESH.items()
            if n in self.attacks.get(attack, {"targets": []})["targets"]
        ]
        return [*tests, Test(base, "type1", "fresh", OLD["type1"], base)]  # what is old to others

    def attackers(self, attack: str, *, ablated: bool = False) -> list[str]:
        """Return the image-space attackers of an attack, none if it looks at latents alone.

        With ``ablated``, of its variants too.
        """
        weights = [self.attacks[attack]["image_weight"]]
        if ablated:
            changes = self.settings["ablations"]["attacks"][attack].values()
            weights += [change.get("image_weight") for change in changes]
        return list(self.settings["attackers"]["members"]) if any(weights) else []

    def algorithm2(self, attack: str) -> dict[str, Any]:
        """Return the settings of Algorithm 2 of an attack."""
        return {name: self.attacks[attack][name] for name in Algorithm2.model_fields}

    def clear_confidence(self, dataset: str) -> float:
        """Return the confidence from which the judges of a data set count as sure."""
        judges = self.settings["face_judges" if dataset == FACES else "oracle"]
        return float(judges["clear_confidence"])

    def batch(self, dataset: str) -> int:
        """Return how many images of a data set judges look at in one call."""
        return int(self.settings["face_attacks"]["chunk"]) if dataset == FACES else 1000

    def squeezers(self, attack: str) -> dict[str, Any] | None:
        """Return what an attack knows of the detector: its squeezers, or nothing."""
        evades = self.attacks[attack]["evade_squeezing"]
        return self.detector() if evades else None

    def detector(self) -> dict[str, Any]:
        """Return the squeezers of the detector."""
        return {name: self.settings["detection"][name] for name in ("bits", "median")}
