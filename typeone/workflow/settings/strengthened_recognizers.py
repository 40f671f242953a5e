"""Settings of strengthened recognizers and their tests (IV-D, Table III)."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from typeone.workflow.settings.face_attacks import FGSM, PGD, FaceNoise
from typeone.workflow.settings.model import (
    Count,
    Model,
    Positive,
    Seed,
    Training,
    Weight,
    Whole,
    Wrong,
    by,
    check_warmup,
    check_weights,
    setting,
)

AtLeast4 = Annotated[int, Field(ge=4)]


class Learning(Model):
    """Training of a strengthened recognizer; authors' code: 100 epochs of 1000 batches of 90."""

    faces: Annotated[int, Field(ge=2)] = setting(
        "Number of training faces, the first ones of people with at least two.", 20000
    )
    copies: Count = setting(
        "Copies of each face of the attacked half, and of its attacked version."
    )
    scale: Positive = setting("Factor that turns cosines into logits.", 16.0)
    steps: Count = setting("Steps per epoch.", 1000)
    training: Training = setting(
        "How it is trained.", Training(epochs=100, batch_size=90, lr=0.0001, beta1=0.9)
    )


class FaceRetraining(Model):
    """A recognizer strengthened by plain training, with each attacked face as another person."""

    method: Literal["retraining"] = setting("Plain training on Type I examples.")
    small: Learning = setting("If the small recognizer is attacked.", Learning(copies=10))
    facenet: Learning = setting("If FaceNet is attacked.", Learning(copies=4))


class PairNoise(FaceNoise):
    """The attack on the embedding that finds pairs."""

    steps: Whole = setting("Steps of gradient ascent; 0 leaves the random start.")


class FacePairing(Model):
    """The settings of logit pairing; all weights are those of the authors' code."""

    pairs: PairNoise = setting("The attack on the embedding that finds pairs.")
    epsilon_warmup: Weight = setting("Epochs over which the radius grows to epsilon.", 0.5)
    clean_weight: Weight = setting("Weight of the cross-entropy on faces.", 1.0)
    adversarial_weight: Weight = setting("Weight of the cross-entropy on adversarial images.", 1.0)
    pairing_weight: Weight = setting("Weight of the squared distance between the prelogits.", 1.0)


class FaceLogitPairing(Model):
    """A recognizer strengthened by adversarial logit pairing."""

    method: Literal["logit_pairing"] = setting("Adversarial logit pairing.")
    small: Learning = setting("If the small recognizer is attacked.", Learning(copies=10))
    facenet: Learning = setting("If FaceNet is attacked.", Learning(copies=4))
    settings: FacePairing

    @model_validator(mode="after")
    def learns(self) -> Self:
        """Refuse a warm-up beyond the training, and a loss that is 0."""
        how = self.settings
        for name in ("small", "facenet"):
            training, where = getattr(self, name).training, f"`.{name}.training`"
            check_warmup("settings.epsilon_warmup", how.epsilon_warmup, training, where)
        weights = (how.clean_weight, how.adversarial_weight, how.pairing_weight)
        check_weights("`.settings`", *weights)
        return self


StrengthenedRecognizer = Annotated[
    FaceLogitPairing | FaceRetraining, by("method", "logit_pairing", "retraining")
]


def pairing(**pairs: Any) -> dict[str, Any]:
    """Return the entry of a recognizer strengthened against noise."""
    return {"method": "logit_pairing", "settings": {"pairs": pairs}}


STRENGTHENED_RECOGNIZERS = {
    "by_svae": {"method": "retraining", "small": {"copies": 40, "scale": 10.0}},
    "by_fgsm": pairing(**FGSM),
    "by_pgd": pairing(**PGD),
    # called PGD in the authors' training code, but only its random start
    "by_noise": pairing(**PGD | {"steps": 0}),
}


class Old(Model):
    """The columns of Table III, each one of `face_attacks.attacks`."""

    svae: str = setting("An attack with Algorithm 2.", "paper")
    fgsm: str = setting("A Type II attack.", "fgsm")
    pgd: str = setting("Another Type II attack.", "pgd")


class Fresh(Model):
    """Number of test faces attacked afresh, the first ones."""

    svae: AtLeast4 = setting("By Algorithm 2.", 1000)
    type2: AtLeast4 = setting("By FGSM and PGD.", 1000)


class Table3(Model):
    """Tests of strengthened recognizers (IV-D, Table III)."""

    old: Old = Old()
    count: AtLeast4 = setting(
        "Number of test faces, the first ones, attacked by all of these; half of their people are "
        "used for training.",
        1000,
    )
    half_seed: Seed = setting("Seed of the choice of that half.", 60)
    fresh: Fresh = Fresh()
    faces: AtLeast4 = setting(
        "Number of validation faces (threshold) and test faces from which pairs are drawn.", 5000
    )
    pairs: Count = setting("Maximum number of pairs of one person, and of two people.", 10000)
    lfw_pairs: Annotated[int, Field(ge=20, le=6000)] = setting(
        "Number of LFW pairs, evenly from its folds; used if FaceNet is attacked and `lfw` has a "
        "source.",
        6000,
    )

    @model_validator(mode="after")
    def fresh_faces_are_old(self) -> Self:
        """Refuse more faces attacked afresh than `count`."""
        for kind, count in self.fresh.model_dump().items():
            if count > self.count:
                raise Wrong(f"`.fresh.{kind}` is {count}; needs at most `.count`, {self.count}")
        return self
