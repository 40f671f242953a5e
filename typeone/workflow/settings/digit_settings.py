"""The sections on a run and on digits, and the checks between them."""

from typing import Any, Literal, Self

from pydantic import model_validator

from typeone.workflow.settings.ablations import Ablations
from typeone.workflow.settings.attacks import ATTACKS, Attack, SvaeAttack
from typeone.workflow.settings.digits import (
    CLASSIFIERS,
    STRENGTHENED,
    Attackers,
    Classifier,
    DataSet,
    Limit,
    Oracle,
    Retraining,
    StrengthenedClassifier,
    Svae,
)
from typeone.workflow.settings.experiments import (
    Batching,
    Density,
    Detection,
    Diffusion,
    Examples,
    Realism,
    Roc,
    Sphere,
    Toy,
    Trace,
)
from typeone.workflow.settings.face_attacks import FaceSvaeAttack
from typeone.workflow.settings.generators import Generator, Latent
from typeone.workflow.settings.model import (
    Entries,
    Model,
    Seeds,
    Wrong,
    check_k,
    check_named,
    setting,
)
from typeone.workflow.settings.own import OwnWeights
from typeone.workflow.settings.rivals import Type2Attack
from typeone.workflow.settings.study import Annotations, LabelledSet, Study

TAKEN = (
    *("benchmarks", "data", "faces", "figures", "logs", "report", "sphere", "study", "tables"),
    *("toy", "all"),
)
"""Names of folders of results/ and of targets, which no data set may have."""

VERBS = (
    *("attack_", "calibrate_", "check_", "describe_", "evaluate_", "generate_", "judge_", "label_"),
    *("make_", "plot_", "prepare_", "render_", "sample_", "score_", "strengthen_", "tabulate_"),
    "train_",
)
"""Beginnings of the names of rules; the name of a data set is that of a rule too."""


def batches(count: int, chunk: int) -> int:
    """Return how many batches of ``chunk`` there are."""
    return -(-count // chunk)


def check_shards(shards: int, most: int, what: str) -> None:
    """Refuse more shards than there are batches."""
    if shards > most:
        raise Wrong(f"`.batching.shards` is {shards}; needs at most {most}, the batches {what}")


def attacks_f1(attack: Any) -> bool:
    """Return whether an attack is Algorithm 2 with f1."""
    return isinstance(attack, SvaeAttack | FaceSvaeAttack) and attack.keep


class DigitSettings(Model):
    """The settings of the run and of digits."""

    preset: Literal["smoke", "quick", "full", "paper"] = setting("Name shown in tables.", "paper")
    seeds: Seeds = setting("One f1 and one SVAE are trained per seed.", [1, 2, 3, 4, 5])
    gpu: bool = setting(
        "Whether rules that benefit from a GPU request one (resource gpu=1).", False
    )
    datasets: Entries[DataSet] = setting(
        "Data sets of small images by name; each has its own networks, attacks, tables and figures "
        "under results/NAME/.",
        {"mnist": {"format": "mnist"}},
    )
    limit: Limit = Limit()
    annotations: Annotations = setting(
        "Files with people's labels, CSV or Parquet, by path or pattern; docs/study.md.", []
    )
    people: Entries[LabelledSet] = setting(
        "Sets of digits that people labelled before, by name: the judges' agreement with them.", {}
    )
    study: Study = Study()
    classifiers: Entries[Classifier] = setting(
        "Attacked classifiers (f1) by name, ours or your own: f1 of IV-A and IV-D, and cnn, a "
        "strong target beyond the paper.",
        CLASSIFIERS,
    )
    strengthened: Entries[StrengthenedClassifier] = setting(
        "IV-D: strengthened versions of one of `classifiers`, by name; also targets.",
        STRENGTHENED,
    )
    oracle: Oracle = Oracle()
    density: Density = Density()
    attackers: Attackers = Attackers()
    diffusion: Diffusion = Diffusion()
    svae: Svae = Svae()
    examples: Examples = Examples()
    attacks: Entries[Attack] = setting("Attacks by name; a variant is another entry.", ATTACKS)
    ablations: Ablations = Ablations()
    realism: Realism = Realism()
    batching: Batching = Batching()
    trace: Trace = Trace()
    detection: Detection = Detection()
    toy: Toy = Toy()
    roc: Roc = Roc()
    sphere: Sphere = Sphere()
    generator: Generator = Generator()
    latent: Latent = Latent()

    def targets(self) -> list[str]:
        """Return the names of all classifiers, the strengthened last."""
        return [*self.classifiers, *self.strengthened]

    @model_validator(mode="after")
    def datasets_have_places(self) -> Self:
        """Refuse another MNIST, and names of other folders under results/."""
        for name, entry in self.datasets.items():
            if (name == "mnist") != (entry.format == "mnist"):
                needed = "mnist" if name == "mnist" else "idx"
                raise Wrong(
                    f"`.datasets.{name}.format` is {entry.format!r}; needs {needed}, because the "
                    "name `mnist` is reserved for MNIST"
                )
            if name in TAKEN or name.startswith(VERBS):
                raise Wrong(
                    f"`.datasets` contains the name {name!r}, which is that of another folder in "
                    "results/, or begins like that of a rule; needs another name"
                )
        for name, network in self.classifiers.items():
            if isinstance(network, OwnWeights):
                check_named(
                    f"`.classifiers.{name}.dataset` is",
                    *(network.dataset, list(self.datasets), "one of `.datasets`"),
                )
        ablated = self.classifiers.get(self.ablations.target)
        if isinstance(ablated, OwnWeights) and len(self.datasets) > 1:
            raise Wrong(
                f"`.ablations.target` is {self.ablations.target!r}, whose weights belong to the "
                f"data set {ablated.dataset}; with several `.datasets` it needs a classifier that "
                "is trained on each"
            )
        return self

    @model_validator(mode="after")
    def test_images_suffice(self) -> Self:
        """Refuse more test images than the limit, or MNIST, has."""
        known = "`.limit.test`" if self.limit.test else "the size of MNIST's test set"
        there = self.limit.test or 10_000
        for key, wanted, most in (
            ("examples.count", self.examples.count, there),
            ("realism.clean", self.realism.clean, there - 2),  # the others are the reference
        ):
            if wanted > most:
                fewer = "" if most == there else " less 2"
                raise Wrong(f"`.{key}` is {wanted}; needs at most {most}, {known}{fewer}")
        return self

    @model_validator(mode="after")
    def attacks_fit(self) -> Self:
        """Refuse attacks with targets, examples or batches that do not exist."""
        reserved = {
            "clean": "clean digits",
            "original": "the attacked digits before the attack",
            "svae": "the published ids of `paper`",
        }
        for name in reserved.keys() & self.attacks.keys():
            raise Wrong(
                f"`.attacks` contains the name {name!r}, which is reserved for {reserved[name]}; "
                "needs another name"
            )
        for name, attack in self.attacks.items():
            for target in attack.targets:
                check_named(
                    f"`.attacks.{name}.targets` names",
                    *(target, self.targets(), "classifiers that exist"),
                )
            if name in ("paper", "ours", "transition") and "mlp" not in attack.targets:
                raise Wrong(
                    f"`.attacks.{name}.targets` is {attack.targets}; needs mlp, which is shown in "
                    "the figures"
                )
            if attack.count > self.examples.count:
                raise Wrong(
                    f"`.attacks.{name}.count` is {attack.count}; needs at most `.examples.count`, "
                    f"{self.examples.count}"
                )
            if attack.kind in ("svae", "own"):
                check_shards(
                    self.batching.shards,
                    batches(attack.count, self.batching.chunk),
                    f"of attack `{name}` (its `count` over `.batching.chunk`)",
                )
        return self

    @model_validator(mode="after")
    def ablations_fit(self) -> Self:
        """Refuse ablations of targets, examples or attacks that do not exist."""
        ablations = self.ablations
        check_named(
            "`.ablations.target` is",
            *(ablations.target, self.targets(), "a classifier that exists"),
        )
        if ablations.count > self.examples.count:
            raise Wrong(
                f"`.ablations.count` is {ablations.count}; needs at most `.examples.count`, "
                f"{self.examples.count}"
            )
        check_shards(
            self.batching.shards,
            batches(ablations.count, ablations.chunk),
            "of the ablations (`.ablations.count` over `.ablations.chunk`)",
        )
        for name, variants in ablations.attacks.items():
            attack = self.attacks.get(name)
            if not isinstance(attack, SvaeAttack) or not attack.keep:
                raise Wrong(
                    f"`.ablations.attacks` names {name!r}; needs one of `.attacks` with `kind: "
                    "svae` and `keep: true`"
                )
            for variant, changes in variants.items():
                changed = attack.model_copy(update=changes)
                where = f"`.ablations.attacks.{name}.{variant}`"
                check_k(changed.k_start, changed.k_max, where)
        return self

    @model_validator(mode="after")
    def curves_can_be_drawn(self) -> Self:
        """Refuse attacks that Fig. 1 cannot show."""
        for key, names, needed in (
            ("type1", self.roc.type1, "`kind: svae`, `keep: true`"),
            ("type2", self.roc.type2, "`kind: type2`"),
        ):
            for name in names:
                attack = self.attacks.get(name)
                fits = isinstance(attack, Type2Attack) if key == "type2" else attacks_f1(attack)
                if attack is None or not fits or "mlp" not in attack.targets:
                    raise Wrong(
                        f"`.roc.{key}` names {name!r}; needs one of `.attacks` with {needed} and "
                        "mlp among its `targets`"
                    )
        return self

    @model_validator(mode="after")
    def strengthening_fits(self) -> Self:
        """Refuse strengthened networks whose base or training examples do not exist."""
        published = self.strengthened["lenet_alp"]
        if (published.method, published.base) != ("logit_pairing", "lenet"):
            raise Wrong(
                f"`.strengthened.lenet_alp` has `method` {published.method!r} and `base` "
                f"{published.base!r}; needs logit_pairing and lenet, for which the paper reports "
                "accuracies"
            )
        for name, network in self.strengthened.items():
            if name in self.classifiers:
                raise Wrong(
                    f"`.strengthened` contains the name {name!r}, also one of `.classifiers`; "
                    "needs another name"
                )
            check_named(
                f"`.strengthened.{name}.base` is",
                *(network.base, list(self.classifiers), "one of `.classifiers`"),
            )
            if isinstance(network, Retraining):
                self.check_learnt(name, network)
        for name in ("paper_lenet", "fgsm", "pgd"):
            targets = self.attacks[name].targets
            if "lenet" not in targets:
                raise Wrong(
                    f"`.attacks.{name}.targets` is {targets}; needs lenet, the base on whose old "
                    "examples strengthened networks are tested"
                )
        return self

    def check_learnt(self, name: str, network: Retraining) -> None:
        """Refuse training examples that are not made."""
        used = network.settings.attack
        attack, where = self.attacks.get(used), f"`.strengthened.{name}.settings.attack`"
        if attack is None or not attacks_f1(attack):
            raise Wrong(
                f"{where} is {used!r}; needs one of `.attacks` with `kind: svae` and `keep: true`"
            )
        if network.base not in attack.targets:
            raise Wrong(
                f"{where} is {used!r}, whose targets are {attack.targets}; needs an attack on the "
                f"base, {network.base}"
            )

    @model_validator(mode="after")
    def generator_is_apart(self) -> Self:
        """Refuse a target that does not exist, and a generator with a seed of the judges."""
        check_named(
            "`.latent.target` is",
            *(self.latent.target, list(self.classifiers), "a classifier that exists"),
        )
        seed = self.generator.seed
        for section, who in ((self.oracle, "judges"), (self.attackers, "attackers")):
            name = "oracle" if section is self.oracle else "attackers"
            if section.seed <= seed < section.seed + len(section.members):
                raise Wrong(
                    f"`.generator.seed` is {seed}, also a seed of the {who}, which use "
                    f"`.{name}.seed` {section.seed} and up; needs another seed"
                )
        return self
