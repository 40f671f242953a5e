"""Faces, their judges and their SVAE (III-A, III-B, IV-B to IV-D)."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from typeone.workflow.settings.model import (
    Count,
    Entries,
    Model,
    Pair,
    Positive,
    Seeds,
    Share,
    Training,
    Weight,
    Whole,
    Wrong,
    one_cycle,
    setting,
)

# ------------------------------------------------------------------------------ sources


class People(Model):
    """People of each split, women and men in turn."""

    train: Pair = setting("In the split that SVAE, f2 and recognizer learn from.", 800)
    judge: Pair = setting("In the split that the judges learn from.", 300)
    validation: Pair = setting("In the split of tuning and thresholds.", 100)
    test: Pair = setting("In the split that is attacked and reported.", 100)


class Views(Model):
    """Faces of each person."""

    train: Pair = setting("In the split that SVAE, f2 and recognizer learn from.", 12)
    judge: Pair = setting("In the split that the judges learn from.", 10)
    validation: Pair = setting("In the split of tuning and thresholds.", 10)
    test: Pair = setting("In the split that is attacked and reported.", 10)


class Synthetic(Model):
    """Faces drawn by a procedure, typeone/data/synthetic_faces.py."""

    seed: Whole = setting("Seed of people and views; none that anything was tuned with.", 5400)
    identities: People = People()
    images: Views = Views()


class Celeba(Model):
    """CelebA, as in the paper."""

    path: str | None = setting(
        "Folder with CelebA's official files: img_align_celeba/ (or .zip) and three lists.", None
    )


class Folder(Model):
    """Your own faces."""

    path: str | None = setting("Folder of images.", None)
    csv: str | None = setting(
        "Table with columns file, label (female or male), identity and perhaps split.", None
    )
    seed: Whole = setting(
        "Seed of the order of rows, and of the split when the table has none.", 5200
    )


class Generated(Model):
    """Faces of a pretrained generator, their gender by a pretrained judge."""

    count: Annotated[int, Field(ge=10)] = setting("Faces drawn from the generator.", 10000)
    seed: Whole = setting("Seed of their draw.", 5300)
    batch: Count = setting("Faces drawn at once; at 1024 pixels each takes much memory.", 8)
    sure: Annotated[float, Field(ge=0.5, lt=1)] = setting(
        "Least probability of a gender by the judge that a face needs to be taken.", 0.9
    )


class FaceLimit(Model):
    """Faces taken of each split; null takes all."""

    train: Count | None = setting("Of the training faces.", None)
    judge: Count | None = setting("Of the faces of the judges.", None)
    validation: Count | None = setting("Of the validation faces.", None)
    test: Count | None = setting("Of the test faces.", None)


class Faces(Model):
    """Where faces come from, and the recognizer that is attacked; CelebA in the paper."""

    source: Literal["synthetic", "celeba", "folder", "generated"] = setting(
        "Where the faces come from; celeba in the paper.",
        "synthetic",
    )
    seeds: Seeds = setting(
        "One SVAE and one trained recognizer for each; none that was tuned with.", [1, 2, 3, 4, 5]
    )
    recognizer: Literal["auto", "small", "facenet"] = setting(
        "The attacked recognizer, f1; auto: small on synthetic faces, else facenet.", "auto"
    )
    synthetic: Synthetic = Synthetic()
    celeba: Celeba = Celeba()
    folder: Folder = Folder()
    generated: Generated = Generated()
    limit: FaceLimit = FaceLimit()

    @model_validator(mode="after")
    def files_are_given(self) -> Self:
        """Refuse a source whose files are not named."""
        needed = {
            "celeba.path": ("the folder with CelebA's official files", self.celeba.path),
            "folder.path": ("the folder of the images", self.folder.path),
            "folder.csv": (
                "the table with columns file, label, identity and perhaps split",
                self.folder.csv,
            ),
        }
        for key, (what, value) in needed.items():
            if key.startswith(f"{self.source}.") and value is None:
                raise Wrong(f"`.{key}` is null; with `.source: {self.source}` it needs {what}")
        return self


# ------------------------------------------------------------------------------ judges


class FaceJudge(Model):
    """A judge of faces and its training."""

    architecture: Literal["plain", "wide"] = setting("A network of typeone.models.face_judges.")
    training: Training = setting("How it is trained.", Training())


class AgeGender(Model):
    """A published network that joins the judges when the faces are photographs."""

    source: Literal["npm", "path", "none"] = setting(
        "Where it comes from; none: it does not join.", "npm"
    )
    path: str | None = setting(
        "Its package as a file, or a folder with its two files of weights.", None
    )

    @model_validator(mode="after")
    def path_is_given(self) -> Self:
        """Refuse the source `path` without one."""
        if self.source == "path" and self.path is None:
            raise Wrong(
                "`.path` is null; with `.source: path` it needs the package @vladmandic/face-api, "
                "or a folder with its two files of weights"
            )
        return self


class FaceJudges(Model):
    """Judges of gender, and of what is a face; no attack and no tuning sees them."""

    seed: Whole = setting("First seed of the judges; apart from `faces.seeds`.", 6200)
    clear_confidence: Share = setting(
        "A face is clear when all judges agree and are this sure, also that it is one.", 0.8
    )
    members: Annotated[Entries[FaceJudge], Field(min_length=1)] = setting(
        "Judges by name; they learn from the split `judge` alone.",
        {
            name: {
                "architecture": name,
                "training": one_cycle(epochs=20, lr=lr, weight_decay=0.01).model_dump(),
            }
            for name, lr in (("plain", 0.01), ("wide", 0.003))
        },
    )
    age_gender: AgeGender = AgeGender()

    @model_validator(mode="after")
    def names_are_free(self) -> Self:
        """Refuse a judge with the name of the published network."""
        if "age_gender" in self.members:
            raise Wrong(
                "`.members` holds the name 'age_gender', that of the published network; needs "
                "another"
            )
        return self


# ------------------------------------------------------------------------------ the SVAE of faces


class FaceStage1(Model):
    """Encoder, decoder and f2."""

    recon_weight: Positive = setting(
        "Weight of J_dec, the squared error summed over the face; 1 is the paper's loss.", 1.0
    )
    f2_weight: Weight = setting(
        "Weight of J_2, the cross-entropy of f2; 1 is the paper's loss.", 1.0
    )
    kl_warmup: Weight = setting(
        "Epochs over which the weight of J_KL rises to 1; 0 is the paper's loss.", 0.0
    )
    l2: Weight = setting(
        "Weight of half the squared weights of encoder, decoder and f2: authors' code; the paper's "
        "loss has none.",
        0.0001,
    )
    training: Training = setting("How they are trained.", Training())


class FaceStage2(Model):
    """The discriminator of latents."""

    training: Training = setting("How it is trained.", Training())


class FaceSvae(Model):
    """The SVAE of 64x64 faces, whose f2 tells the gender (III-A, III-B)."""

    shown: Count = setting("Followed faces of each gender in Fig. 5b.", 3)
    latent_dim: Count = setting("Dimensions of z; authors' script.", 1024)
    width: Annotated[float, Field(gt=0, le=4)] = setting(
        "Factor on the channels and units of every layer; 1 is the authors' network.", 1.0
    )
    stage1: FaceStage1 = FaceStage1()
    stage2: FaceStage2 = FaceStage2()
