"""Attacks on classifiers of digits."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, model_validator

from typeone.workflow.settings.model import (
    TEXT_OR_NUMBER,
    Count,
    Decay,
    Model,
    Name,
    Positive,
    Seed,
    Some,
    Weight,
    Whole,
    Wrong,
    by,
    check_k,
    setting,
)
from typeone.workflow.settings.own import AttackModule, check_arguments
from typeone.workflow.settings.rivals import Baseline, Type2Attack
from typeone.workflow.settings.variants import resolved

Beta = Annotated[Literal["ratio"] | Weight, TEXT_OR_NUMBER]


class Walk(Model):
    """The optimisation of Algorithm 2 and of its variants, for digits and faces."""

    steps: Whole = setting("Updates of z (Algorithm 2); authors' code.", 20000)
    lr: Positive = setting("Adam's learning rate on z; authors' code.", 0.005)
    beta2: Decay = setting("Adam's second decay; few steps need a shorter memory.", 0.999)
    alpha: Weight = setting("Weight of the discriminator (Eq. 8).", 0.01)
    gamma: Weight = setting("Weight of the norm of z (Eq. 8).", 0.0001)
    eta: Weight = setting("Step of k in Eq. 10.", 0.0001)
    beta: Beta = setting("A constant, or `ratio` for Eq. 11.", "ratio")
    target_loss: Weight = setting("J1 hat of Eq. 10, nats.", 0.01)
    k_start: Weight = setting("k before the first step.", 0.0)
    k_max: Weight = setting("Largest k; 0.001 in III-C, while Algorithm 2 prints 0.005.", 0.001)
    manifold: Literal["probability", "log"] = setting(
        "What the discriminator adds: 1 - f_dis(z), or -log f_dis(z).", "probability"
    )
    patience: Count | None = setting(
        "Successful steps after which an example is finished; null disables early stopping.", None
    )
    image_weight: Weight = setting(
        "Weight of the attackers' cross-entropy on the image; 0 is the paper.", 0.0
    )
    reencode_weight: Weight = setting(
        "Weight of f2's cross-entropy on the re-encoded image; 0 is the paper.", 0.0
    )
    image_target_loss: Weight = setting(
        "Largest value of either cross-entropy on a converged image, nats.", 0.0
    )
    attackers_in_turn: bool = setting(
        "Whether one attacker is asked at a step, in turn, instead of all.", False
    )
    jitter: Annotated[int, Field(ge=0, le=4)] = setting(
        "Maximum shift of the attackers' view in each step, pixels.", 0
    )
    offset_lr: Weight = setting(
        "Adam's learning rate on an offset of the decoder's pixel logits; 0 (paper): no offset.",
        0.0,
    )
    offset_weight: Weight = setting("Weight of the offset's mean square.", 0.0)


class Algorithm2(Walk):
    """Settings of Algorithm 2 on digits."""

    density_weight: Weight = setting(
        "Weight of the image's -ELBO under the attackers' density model, per nat; 0 is the paper.",
        0.0,
    )


class Aimed(Model):
    """The targets and examples of an attack with Algorithm 2."""

    kind: Literal["svae"] = setting("Algorithm 2.")
    targets: Some[str] = setting("Attacked classifiers.")
    count: Count = setting("Number of attacked examples, the first of `examples`.", 500)
    keep: bool = setting("false leaves f1 out: the image transition of III-B.", True)
    aim: Literal["next", "runner_up"] = setting(
        "Target class: the next one (III-B), or the one that f1 finds most likely after the label.",
        "next",
    )
    original: Literal["grey", "binarised"] = setting("The image that is attacked.", "grey")


class SvaeAttack(Algorithm2, Aimed):
    """An attack with Algorithm 2."""

    evade_squeezing: bool = setting(
        "Whether f1 must keep the label on squeezed images as well.", False
    )

    @model_validator(mode="after")
    def goes_together(self) -> Self:
        """Refuse k above its maximum, and squeezed images without f1."""
        check_k(self.k_start, self.k_max)
        if self.evade_squeezing and not self.keep:
            raise Wrong(
                "`.evade_squeezing` is true with `keep: false`; needs `keep: true`, so that f1 "
                "keeps its label on squeezed images"
            )
        if self.aim == "runner_up" and not self.keep:
            raise Wrong(
                "`.aim` is 'runner_up' with `keep: false`; needs `keep: true`, because f1 chooses "
                "the target class"
            )
        return self


class OwnAttack(Model):
    """An attack of your own."""

    kind: Literal["own"] = setting("An attack of your own.")
    module: AttackModule = setting(
        "Function that attacks, `path/to/file.py:function`; the file is run."
    )
    targets: Some[str] = setting("Attacked classifiers.")
    count: Count = setting("Number of attacked examples, the first of `examples`.", 500)
    seed: Seed = setting("Seed of its generator; the run's seed is added.", 42)
    arguments: dict[Name, JsonValue] = setting("Keyword arguments of the function.", {})

    @model_validator(mode="after")
    def arguments_fit(self) -> Self:
        """Refuse arguments that the function does not take."""
        check_arguments(self.module, self.arguments)
        return self


Attack = Annotated[
    SvaeAttack | Type2Attack | Baseline | OwnAttack,
    by("kind", "svae", "type2", "baseline", "own"),
]
PLAIN = ["mlp", "lenet", "cnn"]
PAIRED = ["lenet_alp", "lenet_alp_mosbach"]
STANDARD = ["mlp", "lenet", *PAIRED, "lenet_type1"]


def attack(kind: str, targets: list[str], **settings: Any) -> dict[str, Any]:
    """Return the entry of a Type II attack or a baseline."""
    return {"kind": kind, "targets": targets, "settings": settings}


def cw_l2(**settings: Any) -> dict[str, Any]:
    """Return the settings of Carlini and Wagner's attack with its usual search."""
    return {"method": "cw_l2", "searches": 9, "steps": 1000, "step_size": 0.01, **settings}


ATTACKS = resolved(
    {
        # Algorithm 2 as in the text, 20,000 steps
        "paper": {"kind": "svae", "targets": ["mlp"]},
        # IV-D: the examples for training and testing strengthened classifiers
        "paper_lenet": {"from": "paper", "targets": ["lenet"]},
        # the same attack on strengthened classifiers
        "paper_afresh": {"from": "paper", "targets": [*PAIRED, "lenet_type1"]},
        # as in the authors' code
        "sm": {"from": "paper", "original": "binarised", "beta": 0.001, "manifold": "log"},
        # the attackers must accept the image; chosen on validation digits, docs/attack.md
        "ours": {
            "from": "paper",
            "targets": PLAIN,
            **{"steps": 600, "lr": 0.05, "beta2": 0.95},
            **{"alpha": 0.1, "gamma": 0.02, "eta": 0.005, "target_loss": 0.04},
            **{"k_start": 0.2, "k_max": 5.0, "manifold": "log", "patience": 40},
            **{"image_weight": 8.0, "attackers_in_turn": True, "density_weight": 0.03},
            **{"reencode_weight": 1.0, "image_target_loss": 0.05},
            **{"jitter": 1, "offset_lr": 0.05, "offset_weight": 0.5},
        },
        # ours with the target class that is nearest to f1
        "ours_runner_up": {"from": "ours", "aim": "runner_up"},
        # ours, adapted to the squeezing detector
        "ours_adaptive": {"from": "ours", "targets": ["mlp", "cnn"], "evade_squeezing": True},
        # III-B, Fig. 5a: no f1
        "transition": {
            "from": "paper",
            "keep": False,
            **{"gamma": 0.0005, "eta": 0.0, "beta": 0.0, "target_loss": 0.0, "k_max": 0.0},
        },
        # control: f_dec(mu(x)), nothing attacked
        "reconstruction": {
            "from": "paper",
            "targets": PLAIN,
            "keep": False,
            **{"steps": 0, "lr": 0.02, "beta2": 0.98},  # lr and beta2 are unused
        },
        "nearest": attack("baseline", ["mlp"], method="nearest"),
        "interpolation": attack("baseline", ["mlp"], method="interpolation", steps=100),
        "random_latent": attack("baseline", ["mlp"], method="random_latent", draws=10000, seed=40),
        # rivals that know a real image of the target class
        "real_target": attack(
            "baseline",
            PLAIN,
            method="real_target",
            start="nearest",
            noise=cw_l2(confidence=3.0),
        ),
        "real_target_random": {
            "from": "real_target",
            **{"targets": ["mlp"], "settings": {"start": "random"}},
        },
        "real_target_pgd": attack(
            "baseline",
            ["mlp"],
            method="real_target",
            start="nearest",
            noise={"method": "pgd", "epsilon": 0.3, "steps": 40, "step_size": 0.02},
        ),
        "level_set": attack("baseline", PLAIN, method="level_set"),
        "invariance_linf": attack("baseline", PLAIN, method="invariance_linf"),
        "invariance_l0": attack("baseline", PLAIN, method="invariance_l0"),
        "fgsm": attack("type2", STANDARD, method="fgsm", epsilon=0.3),
        "pgd": attack("type2", STANDARD, method="pgd", epsilon=0.3, steps=40, step_size=0.02),
        "pgd_restarts": {
            "from": "pgd",
            **{"targets": PAIRED, "count": 250, "settings": {"steps": 100, "restarts": 10}},
        },
        "deepfool": attack("type2", ["mlp"], method="deepfool", steps=50, overshoot=0.02),
        "cw_l2": attack("type2", ["mlp"], **cw_l2(confidence=0.0)),
        "ead": attack(
            "type2",
            ["mlp"],
            method="ead",
            searches=9,
            steps=1000,
            step_size=0.01,
            confidence=0.0,
            l1_weight=0.01,
        ),
    },
    "attacks",
)
