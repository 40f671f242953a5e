"""The sheet that asks people what they see, and how their answers are read."""

from glob import glob
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from typeone.workflow.settings.model import SHA256, Distinct, Model, Share, Whole, Wrong, setting


def are_there(patterns: list[str]) -> list[str]:
    """Refuse a pattern without a file."""
    for path in patterns:
        if not any(Path(file).is_file() for file in glob(path)):
            raise Wrong(
                f"`.` names {path!r}, which is not a file; needs CSV or Parquet files, by a path "
                "or pattern (annotations/*.csv) from the folder that Snakemake runs in, or none: []"
            )
    return patterns


Annotations = Annotated[Distinct[str], AfterValidator(are_there)]


class LabelledSet(Model):
    """Digits that people labelled before, for instance those of Tramèr et al. (ICML 2020)."""

    path: str = setting(
        ".npz file with image, uint8 (N, 28, 28), people, the label that people gave, and "
        "test_index, the number of the original in MNIST's test set."
    )
    sha256: SHA256 | None = setting("SHA-256 of the file at `path`; null takes any.", None)


class Shown(Model):
    """Items of one kind, of one draw for everybody."""

    attacks: Distinct[str] = setting(
        "Attacks of Type I, on each of their targets; of pairs, some of those of the faces.",
        ["paper", "ours"],
    )
    count: Whole = setting("Items of each attack and target.")
    clean: Whole = setting(
        "Items that nothing attacked, whose answer is known; of pairs, as many of one person as of "
        "two."
    )
    reconstruction: Whole = setting("Items that the SVAE made without an attack.")
    repeats: Whole = setting("Items that come back, at most a third; others for each person.")


class Careless(Model):
    """Shares below which a person is reported."""

    accuracy: Share = setting("Of clean images.", 0.8)
    consistency: Share = setting("Of images that came back.", 0.7)


class Study(Model):
    """The sheet results/study/index.html, about ten minutes of a person; docs/study.md."""

    seed: Whole = setting("Seed of the draw and, with a person's name, of the order.", 110)
    digits: Shown = setting(
        "Which digit is this? Attacks are of `attacks`.",
        Shown(count=24, clean=16, reconstruction=16, repeats=12),
    )
    faces: Shown = setting(
        "Whose face is this? Attacks are of `face_attacks.attacks`.",
        Shown(count=20, clean=10, reconstruction=8, repeats=6),
    )
    pairs: Shown = setting(
        "Is the right one the same person as the left one?",
        Shown(count=8, clean=4, reconstruction=4, repeats=3),
    )
    draws: Annotated[int, Field(ge=100)] = setting(
        "Samples of images and people behind an interval.", 2000
    )
    careless: Careless = Careless()
