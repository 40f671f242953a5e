"""Strengthened recognizers and their tests (IV-D, Table III)."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from typeone.workflow.settings.face_attacks import FGSM, PGD, FaceNoise
from typeone.workflow.settings.model import (
    Count,
    Model,
    Positive,
    Training,
    Weight,
    Whole,
    Wrong,
    by,
    setting,
)

AtLeast4 = Annotated[int, Field(ge=4)]


class Learning(Model):
    """How a recognizer is strengthened; authors' code: 100 epochs of 1000 steps of 90."""

    faces: Annotated[int, Field(ge=2)] = setting(
        "First training faces that are learnt, of people with two or more.", 20000
    )
    copies: Count = setting(
        "Copies of each face of the attacked half, and of its attacked version."
    )
    scale: Positive = setting("Factor on cosines, which makes them logits.", 16.0)
    steps: Count = setting("Steps of an epoch.", 1000)
    training: Training = setting(
        "How it is trained.", Training(epochs=100, batch_size=90, lr=0.0001, beta1=0.9)
    )


class FaceRetraining(Model):
    """A recognizer strengthened by plain training: what was made of a person is another person."""

    method: Literal["retraining"] = setting("Plain training on Type I examples.")
    small: Learning = setting("When the small recognizer is attacked.", Learning(copies=10))
    facenet: Learning = setting("When FaceNet is.", Learning(copies=4))


class PairNoise(FaceNoise):
    """The attack on the embedding that finds pairs."""

    steps: Whole = setting("Steps of gradient ascent; 0 leaves the random start.")


class FacePairing(Model):
    """The settings of logit pairing; all weights are those of the authors' code."""

    pairs: PairNoise = setting("The attack on the embedding that finds pairs.")
    epsilon_warmup: Weight = setting("Epochs over which the ball grows to epsilon.", 0.5)
    clean_weight: Weight = setting("Weight of the cross-entropy on faces.", 1.0)
    adversarial_weight: Weight = setting("Weight of the cross-entropy on images found nearby.", 1.0)
    pairing_weight: Weight = setting("Weight of the squared distance of both prelogits.", 1.0)


class FaceLogitPairing(Model):
    """A recognizer strengthened by adversarial logit pairing."""

    method: Literal["logit_pairing"] = setting("Adversarial logit pairing.")
    small: Learning = setting("When the small recognizer is attacked.", Learning(copies=10))
    facenet: Learning = setting("When FaceNet is.", Learning(copies=4))
    settings: FacePairing


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
    # what the authors' code calls PGD in training: its random start
    "by_noise": pairing(**PGD | {"steps": 0}),
}


class Old(Model):
    """The columns of Table III, each one of `face_attacks.attacks`."""

    svae: str = setting("By Algorithm 2.", "paper")
    fgsm: str = setting("Of Type II.", "fgsm")
    pgd: str = setting("Another of Type II.", "pgd")


class Fresh(Model):
    """First test faces that are attacked afresh."""

    svae: AtLeast4 = setting("By Algorithm 2.", 1000)
    type2: AtLeast4 = setting("By FGSM and PGD.", 1000)


class Table3(Model):
    """Tests of strengthened recognizers (IV-D, Table III)."""

    old: Old = Old()
    count: AtLeast4 = setting(
        "First test faces, attacked by all of these; half of their people are learnt.", 1000
    )
    half_seed: Whole = setting("Seed of the half.", 60)
    fresh: Fresh = Fresh()
    faces: AtLeast4 = setting(
        "First faces of validation (threshold) and of test, from which pairs are drawn.", 5000
    )
    pairs: Count = setting("At most so many pairs of one person, and of two.", 10000)
    lfw_pairs: Annotated[int, Field(ge=20, le=6000)] = setting(
        "Pairs of LFW, evenly from its folds; used when FaceNet is attacked and `lfw` names a "
        "source.",
        6000,
    )

    @model_validator(mode="after")
    def fresh_faces_are_old(self) -> Self:
        """Refuse more faces attacked afresh than there are."""
        for kind, count in self.fresh.model_dump().items():
            if count > self.count:
                raise Wrong(f"`.fresh.{kind}` is {count}; needs at most `.count`, {self.count}")
        return self
