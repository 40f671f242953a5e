"""List the runs: each is an attack on a classifier of a data set, with a seed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from typeone.workflow.labels import ATTACK_LABELS
from typeone.workflow.settings.attacks import Algorithm2

PAPER = "mnist"
"""The data set of small images for which the paper has numbers."""


@dataclass(frozen=True)
class Run:
    """An attack on a classifier of a data set, with a seed."""

    dataset: str
    attack: str
    target: str
    seed: int

    def path(self, pattern: str) -> str:
        """Return ``pattern`` with the wildcards of this run filled in."""
        return pattern.format(**asdict(self))


class Test(NamedTuple):
    """Examples of an attack on one network, on which another network is tested.

    ``what`` is the kind of attack as named in tables, ``when`` is old or fresh.
    """

    network: str
    what: str
    when: str
    attack: str
    made_against: str


FACES = "faces"
"""The data set of faces; its attacked networks are recognizers."""

TABLE_TARGET = "mlp"
"""The classifier of IV-A and Table I, which is used in the figures."""

RIVALS = {
    "real_target": "real digit",
    "level_set": "level set",
    "invariance_linf": "Linf ball",
    "invariance_l0": "few pixels",
}
"""Attacks that know a real image of the target class, and their heads in the figure of variants."""

OLD = {"type1": "paper_lenet", "fgsm": "fgsm", "pgd": "pgd"}
FRESH = {"type1": "paper_afresh", "fgsm": "fgsm", "pgd": "pgd", "pgd_restarts": "pgd_restarts"}
"""The attacks that strengthened classifiers are tested with, by their names in tables."""


def paths(pattern: str, runs: Iterable[Run]) -> list[str]:
    """Return the path of each run, made from ``pattern``."""
    return [run.path(pattern) for run in runs]


def keys(runs: Iterable[Run]) -> list[tuple[str, str, int]]:
    """Return (attack, target, seed) of each run, the form used in params."""
    return [(run.attack, run.target, run.seed) for run in runs]


class Plan:
    """The runs on small images, derived from the settings of a run of the workflow.

    Args:
        settings: all settings, expanded.
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
        """Return the data set whose tables and figures are at ``place`` in results/."""
        return place.rstrip("/") or PAPER

    def shown(self, place: str, attack: str) -> Run:
        """Return the run of an attack that tables and figures at ``place`` show."""
        return Run(self.dataset_at(place), attack, TABLE_TARGET, self.seeds[0])

    def caption(self, place: str, attack: str) -> str:
        """Return the caption of a figure: attack, target, seed, preset and choice of examples."""
        return (
            f"{place.rstrip('/').capitalize()}{': v' if place else 'V'}ariant {attack}, target "
            f"{TABLE_TARGET}, seed {self.seeds[0]}, preset {self.settings['preset']}: the first "
            "example of each class."
        )

    def of_kind(self, kind: str) -> list[str]:
        """Return the names of the attacks of one kind."""
        return [name for name, attack in self.attacks.items() if attack["kind"] == kind]

    def row_kind(self, attack: str) -> str:
        """Return an attack's kind in tables: type1 (or baseline), type2, or transition (no f1)."""
        settings = self.attacks[attack]
        if settings["kind"] == "svae" and not settings["keep"]:
            return "transition"
        return "type2" if settings["kind"] == "type2" else "type1"

    def built_from(self, target: str) -> Mapping[str, Any]:
        """Return the entry of `classifiers` for a target, or for the base it was strengthened from.

        The result is empty for recognizers.
        """
        strengthened = self.strengthened.get(target)
        return self.classifiers.get(strengthened["base"] if strengthened else target, {})

    def given_weights(self) -> list[str]:
        """Return the classifiers with weights supplied by the user; others are trained here."""
        return [name for name, network in self.classifiers.items() if "weights" in network]

    def exists(self, dataset: str, target: str) -> bool:
        """Return whether a data set has a classifier; supplied weights belong to one data set."""
        return self.built_from(target).get("dataset", dataset) == dataset

    def networks(self, dataset: str) -> list[str]:
        """Return the classifiers of a data set that are not strengthened."""
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
            attacks: names of attacks, in order; all by default.
            rows: kinds of attack, as `row_kind` returns them.
            seeds: the seeds; all by default.
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
        """Return the runs whose images should look like another class, including controls."""
        return self.runs(dataset, rows=("type1", "transition"))

    def compared(self, place: str) -> list[Run]:
        """Return the Type I attacks on plain classifiers, by target, for the table at ``place``."""
        dataset = self.dataset_at(place)
        runs = self.runs(dataset, rows=("type1",))
        return [run for target in self.networks(dataset) for run in runs if run.target == target]

    def control(self, dataset: str) -> list[Run]:
        """Return the runs that encode and decode without an attack, for the first target."""
        runs = self.runs(dataset, attacks=["reconstruction"])
        return [run for run in runs if run.target == runs[0].target]

    def first(self, attack: str, place: str) -> list[Run]:
        """Return the runs of an attack with the first seed, for figures at ``place``."""
        return self.runs(self.dataset_at(place), attacks=[attack], seeds=self.seeds[:1])

    def rivals(self, place: str) -> list[Run]:
        """Return the runs of the rivals in the figure of variants at ``place``."""
        runs = self.runs(self.dataset_at(place), attacks=RIVALS, seeds=self.seeds[:1])
        return [run for run in runs if run.target == TABLE_TARGET]

    def kinds(self, place: str) -> list[tuple[str, str, str, int]]:
        """Return (attack, kind of row, target, seed) of each run, for the table at ``place``."""
        runs = self.runs(self.dataset_at(place))
        return [(run.attack, self.row_kind(run.attack), run.target, run.seed) for run in runs]

    def further_networks(self, place: str) -> list[tuple[str, str, int]]:
        """Return (data set, target, seed) of plain networks other than the one of Table I."""
        dataset = self.dataset_at(place)
        names = [name for name in self.networks(dataset) if name != TABLE_TARGET]
        return [(dataset, name, seed) for name in names for seed in self.seeds]

    def scored(self, dataset: str) -> list[tuple[str, int]]:
        """Return (target, seed) of each attacked network whose images the detector scores.

        Strengthened networks are left out: where an attack on them fails, its image is the
        unchanged original.
        """
        attacked = {target for attack in self.attacks.values() for target in attack["targets"]}
        networks = self.networks(dataset)
        return [(t, s) for t in sorted(attacked) if t in networks for s in self.seeds]

    def strengthened_from(self, base: str) -> list[str]:
        """Return the networks that were strengthened from one classifier."""
        return [name for name, network in self.strengthened.items() if network["base"] == base]

    def ablated(self, place: str) -> list[Run]:
        """Return the runs that the ablations vary, for tables and figures at ``place``."""
        settings, dataset = self.settings["ablations"], self.dataset_at(place)
        return [Run(dataset, a, settings["target"], self.seeds[0]) for a in settings["attacks"]]

    def learnt(self, target: str) -> dict[str, Any]:
        """Return the attack that a strengthened network is trained on, and its target.

        The list of attacks is empty for methods that train on none.
        """
        network = self.strengthened[target]
        retrained = network["method"] == "retraining"
        attack = [network["settings"]["attack"]] if retrained else []
        return {"attack": attack, "target": network["base"]}

    def strengthening_tests(self, base: str) -> list[Test]:
        """Return the tests of ``base`` and of the networks strengthened from it."""
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
        return [*tests, Test(base, "type1", "fresh", OLD["type1"], base)]  # old for other networks

    def attackers(self, attack: str, *, ablated: bool = False) -> list[str]:
        """Return the image-space attackers of an attack; none if it uses only latents.

        With ``ablated``, include those of its ablations.
        """
        used = self.uses(attack, "image_weight", ablated=ablated)
        return list(self.settings["attackers"]["members"]) if used else []

    def uses(self, attack: str, weight: str, *, ablated: bool) -> bool:
        """Return whether the ``weight`` of an attack, or of one of its ablations, is not 0."""
        weights = [self.attacks[attack][weight]]
        if ablated:
            changes = self.settings["ablations"]["attacks"][attack].values()
            weights += [change.get(weight) for change in changes]
        return any(weights)

    def algorithm2(self, attack: str) -> dict[str, Any]:
        """Return the settings of Algorithm 2 of an attack."""
        return {name: self.attacks[attack][name] for name in Algorithm2.model_fields}

    def clear_confidence(self, dataset: str) -> float:
        """Return the confidence at which the judges of a data set count as sure."""
        judges = self.settings["face_judges" if dataset == FACES else "oracle"]
        return float(judges["clear_confidence"])

    def batch(self, dataset: str) -> int:
        """Return how many images of a data set judges classify in one call."""
        return int(self.settings["face_attacks"]["chunk"]) if dataset == FACES else 1000

    def boundary_attacks(self) -> list[str]:
        """Return the attacks that stop at f1's decision boundary: those without a margin."""
        methods = ("deepfool", "cw_l2", "ead")
        return [
            name
            for name, attack in self.attacks.items()
            if attack["kind"] == "type2"
            and attack["settings"]["method"] in methods
            and not attack["settings"].get("confidence")
        ]

    def squeezers(self, attack: str) -> dict[str, Any] | None:
        """Return the detector's squeezers if the attack evades them, else None."""
        evades = self.attacks[attack]["evade_squeezing"]
        return self.detector() if evades else None

    def detector(self) -> dict[str, Any]:
        """Return the squeezers of the detector."""
        return {name: self.settings["detection"][name] for name in ("bits", "median")}

    def kit(self) -> dict[str, Any]:
        """Return the description of a kit without its networks, see `typeone.evaluation.audit`."""
        audit = self.settings["audit"]
        attacks = [
            {
                "name": name,
                "kind": self.attacks[name]["kind"],
                "label": ATTACK_LABELS.get(name, name),
                "aim": self.attacks[name].get("aim"),
                "settings": self.algorithm2(name)
                if self.attacks[name]["kind"] == "svae"
                else self.attacks[name]["settings"],
            }
            for name in audit["attacks"]
        ]
        rate = self.settings["detection"]["false_positive_rates"][0]
        return {
            "preset": self.settings["preset"],
            "clear_confidence": self.settings["oracle"]["clear_confidence"],
            "attacks": attacks,
            "detector": self.detector() | {"false_positive_rate": rate},
            "count": audit["count"],
        }
