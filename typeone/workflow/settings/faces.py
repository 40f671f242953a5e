"""Settings of faces, their judges and their SVAE (III-A, III-B, IV-B to IV-D)."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from typeone.workflow.settings.model import (
    Count,
    Entries,
    Model,
    Pair,
    Positive,
    Seed,
    Seeds,
    Share,
    Training,
    Weight,
    Wrong,
    check_warmup,
    one_cycle,
    setting,
)

# ------------------------------------------------------------------------------ sources


class People(Model):
    """Number of people in each split, women and men in turn."""

    train: Pair = setting("In the training split of SVAE, f2 and recognizer.", 800)
    judge: Pair = setting("In the training split of the judges.", 300)
    validation: Pair = setting("In the split for tuning and thresholds.", 100)
    test: Pair = setting("In the test split, which is attacked and reported.", 100)


class Views(Model):
    """Number of faces per person."""

    train: Pair = setting("In the training split of SVAE, f2 and recognizer.", 12)
    judge: Pair = setting("In the training split of the judges.", 10)
    validation: Pair = setting("In the split for tuning and thresholds.", 10)
    test: Pair = setting("In the test split, which is attacked and reported.", 10)


class Synthetic(Model):
    """Procedurally drawn faces, typeone/data/synthetic_faces.py."""

    seed: Seed = setting("Seed of people and views; not used for tuning.", 5400)
    identities: People = People()
    images: Views = Views()


class Celeba(Model):
    """CelebA, as in the paper."""

    path: str | None = setting(
        "Folder with CelebA's official files: img_align_celeba/ (or .zip) and three lists.", None
    )


class LfwFaces(Model):
    """Labeled Faces in the Wild; a published network tells the gender of its people."""

    source: Literal["sklearn", "folder"] = setting(
        "scikit-learn's fetcher, which downloads 200 MB, or a folder.", "sklearn"
    )
    path: str | None = setting(
        "Folder with lfw-deepfunneled/ or lfw/, or the data home of scikit-learn.", None
    )
    sure: Annotated[float, Field(ge=0.5, lt=1)] = setting(
        "Minimum mean probability of a person's gender; other people are left out.", 0.8
    )
    seed: Seed = setting("Seed of the split and of the order of images.", 5100)

    @model_validator(mode="after")
    def path_is_given(self) -> Self:
        """Refuse the source `folder` without a path."""
        if self.source == "folder" and self.path is None:
            raise Wrong(
                "`.path` is null; with `.source: folder` it needs a folder with "
                "lfw-deepfunneled/ or lfw/"
            )
        return self


class Folder(Model):
    """Your own faces."""

    path: str | None = setting("Folder of images.", None)
    csv: str | None = setting(
        "Table with columns file, label (female or male), identity and optionally split.", None
    )
    seed: Seed = setting(
        "Seed of the order of rows, and of the split if the table has no column split.", 5200
    )


class Generated(Model):
    """Faces of a pretrained generator, with gender labels by a pretrained judge."""

    count: Annotated[int, Field(ge=10)] = setting("Faces drawn from the generator.", 10000)
    seed: Seed = setting("Seed of their draw.", 5300)
    batch: Count = setting("Faces per batch; at 1024 pixels each needs much memory.", 8)
    sure: Annotated[float, Field(ge=0.5, lt=1)] = setting(
        "Minimum probability of a gender by the judge; other faces are left out.", 0.9
    )


class FaceLimit(Model):
    """Number of faces per split; null takes all."""

    train: Count | None = setting("Training faces.", None)
    judge: Count | None = setting("Training faces of the judges.", None)
    validation: Count | None = setting("Validation faces.", None)
    test: Count | None = setting("Test faces.", None)


class Faces(Model):
    """The source of the faces (CelebA in the paper), and the attacked recognizer."""

    source: Literal["synthetic", "celeba", "lfw", "folder", "generated"] = setting(
        "Source of the faces; celeba in the paper.",
        "synthetic",
    )
    seeds: Seeds = setting(
        "One SVAE and one small recognizer are trained per seed; not used for tuning.",
        [1, 2, 3, 4, 5],
    )
    recognizer: Literal["auto", "small", "facenet"] = setting(
        "The attacked recognizer, f1; auto: small on synthetic faces, else facenet.", "auto"
    )
    synthetic: Synthetic = Synthetic()
    celeba: Celeba = Celeba()
    lfw: LfwFaces = LfwFaces()
    folder: Folder = Folder()
    generated: Generated = Generated()
    limit: FaceLimit = FaceLimit()

    @model_validator(mode="after")
    def files_are_given(self) -> Self:
        """Refuse a source without paths to its files."""
        needed = {
            "celeba.path": ("the folder with CelebA's official files", self.celeba.path),
            "folder.path": ("the folder of the images", self.folder.path),
            "folder.csv": (
                "the table with columns file, label, identity and optionally split",
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
    mixed: Annotated[float, Field(ge=0, le=0.8)] = setting(
        "Share of the training faces that get the coarse part of another face, so that shading "
        "alone does not decide; a quarter as many are blurred.",
        0.0,
    )
    training: Training = setting("How it is trained.", Training())


class FaceAttackers(Model):
    """Networks that read the face inside an attack with ``image_weight``; none is a judge."""

    seed: Seed = setting("First seed of the attackers.", 6300)
    members: Annotated[Entries[FaceJudge], Field(min_length=1)] = setting(
        "Attackers by name, built like judges; they are trained only on the split `train`.",
        {
            f"{name}_{draw}": {
                "architecture": name,
                "mixed": 0.6,
                "training": one_cycle(epochs=10, lr=lr, weight_decay=0.01).model_dump(),
            }
            for draw in ("a", "b")
            for name, lr in (("plain", 0.01), ("wide", 0.003))
        },
    )


class AgeGender(Model):
    """A published network: a judge of all faces but drawn ones; labels those of lfw, generated."""

    source: Literal["npm", "path", "none"] = setting(
        "Source of its weights; none: it is not used.", "npm"
    )
    path: str | None = setting("Its package file, or a folder with its two weight files.", None)

    @model_validator(mode="after")
    def path_is_given(self) -> Self:
        """Refuse the source `path` without one."""
        if self.source == "path" and self.path is None:
            raise Wrong(
                "`.path` is null; with `.source: path` it needs the package @vladmandic/face-api, "
                "or a folder with its two weight files"
            )
        return self


class FaceJudges(Model):
    """Judges of gender and of whether an image is a face; not used in attacks or tuning."""

    seed: Seed = setting("First seed of the judges; must not overlap `faces.seeds`.", 6200)
    clear_confidence: Share = setting(
        "A face is clear if all judges agree on the gender, and on it being a face, with at least "
        "this confidence.",
        0.8,
    )
    quantile: Annotated[float, Field(ge=0.5, lt=1)] = setting(
        "Share of the clean validation faces of each gender within the limit of noise, and within "
        "that of blur.",
        0.95,
    )
    members: Annotated[Entries[FaceJudge], Field(min_length=1)] = setting(
        "Judges by name; they are trained only on the split `judge`.",
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
                "`.members` contains the name 'age_gender', which is that of the published "
                "network; needs another name"
            )
        return self


# ------------------------------------------------------------------------------ the SVAE of faces


class FaceStage1(Model):
    """Training of encoder, decoder and f2."""

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
        "Weight of half the sum of squared weights of encoder, decoder and f2; from the authors' "
        "code, not in the paper's loss.",
        0.0001,
    )
    mirror: bool = setting(
        "Whether training faces are mirrored with probability 1/2; not in the paper.", False
    )
    training: Training = setting("How they are trained.", Training())

    @model_validator(mode="after")
    def warm_up_ends(self) -> Self:
        """Refuse a warm-up beyond the training."""
        check_warmup("kl_warmup", self.kl_warmup, self.training)
        return self


class FaceStage2(Model):
    """Training of the latent discriminator."""

    training: Training = setting("How it is trained.", Training())


class FaceSvae(Model):
    """The SVAE of 64x64 faces, whose f2 classifies gender (III-A, III-B)."""

    shown: Count = setting("Faces of each gender in Fig. 5b.", 3)
    latent_dim: Count = setting("Dimensions of z; authors' script.", 1024)
    width: Annotated[float, Field(gt=0, le=4)] = setting(
        "Factor on the channels and units of every layer; 1 is the authors' network.", 1.0
    )
    stage1: FaceStage1 = FaceStage1()
    stage2: FaceStage2 = FaceStage2()
