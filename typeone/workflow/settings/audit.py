"""Kits, with which `typeone audit` measures a classifier."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from typeone.workflow.settings.model import (
    Count,
    Model,
    Name,
    Seed,
    Some,
    Wrong,
    setting,
)


class KitImages(Model):
    """Numbers of clean images in a kit, drawn at random."""

    test: Count = setting(
        "Test images; attacks start from those that the network gets right.", 2000
    )
    validation: Annotated[int, Field(ge=100)] = setting(
        "Validation images, on which the detector's threshold is fitted.", 2000
    )
    train: Count = setting("Training images, among which rivals choose a real one.", 3000)


class FaceAudit(Model):
    """Kits for recognizers."""

    attacks: Some[Name] = setting(
        "Attacks of a kit, of `face_attacks.attacks`, the first of kind svae is the headline; "
        "their counts are not used.",
        ["ours", "paper", "fgsm", "pgd"],
    )
    count: Count = setting("Number of attacked faces, if an audit names no other.", 20)
    images: Annotated[int, Field(ge=20)] = setting(
        "Maximum number of test faces, the first; plain pairs are drawn from them.", 400
    )

    @model_validator(mode="after")
    def faces_suffice(self) -> Self:
        """Refuse more attacked faces than there are in a kit."""
        if self.count > self.images:
            raise Wrong(f"`.count` is {self.count}; needs at most `.images`, {self.images}")
        return self


class Audit(Model):
    """Kits of `typeone audit`: the attacks and images with which it measures any classifier."""

    attacks: Some[Name] = setting(
        "Attacks of a kit, of `attacks`, the first of kind svae is the headline; their targets and "
        "counts are not used.",
        ["ours_runner_up", "paper", "real_target", "fgsm", "pgd"],
    )
    count: Count = setting("Number of attacked images, if an audit names no other.", 50)
    seed: Seed = setting("Seed of the draw of clean images.", 60)
    images: KitImages = KitImages()
    faces: FaceAudit = FaceAudit()

    @model_validator(mode="after")
    def images_suffice(self) -> Self:
        """Refuse more attacked images than test images."""
        if self.count > self.images.test:
            raise Wrong(
                f"`.count` is {self.count}; needs at most `.images.test`, {self.images.test}"
            )
        return self
