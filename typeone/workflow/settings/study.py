"""Settings of the study sheet for people, and of the evaluation of their answers."""

from glob import glob
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from typeone.workflow.settings.model import (
    SHA256,
    Distinct,
    Model,
    Seed,
    Share,
    Whole,
    Wrong,
    setting,
)


def are_there(patterns: list[str]) -> list[str]:
    """Refuse a pattern that matches no file."""
    for path in patterns:
        if not any(Path(file).is_file() for file in glob(path)):
            raise Wrong(
                f"`.` names {path!r}, which is not a file; needs CSV or Parquet files, by path or "
                "pattern (annotations/*.csv) relative to the folder in which Snakemake runs, or []"
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
    """Items of one kind, from one draw for all people."""

    attacks: Distinct[str] = setting(
        "Type I attacks, on each of their targets; for pairs, a subset of those for faces.",
        ["paper", "ours"],
    )
    count: Whole = setting("Items per attack and target.")
    clean: Whole = setting(
        "Clean items, whose answer is known; for pairs, half show one person and half show two."
    )
    reconstruction: Whole = setting("Items reconstructed by the SVAE without an attack.")
    repeats: Whole = setting("Repeated items, at most a third; different for each person.")


class Careless(Model):
    """Shares below which a person is reported."""

    accuracy: Share = setting("Share of clean images with the right answer.", 0.8)
    consistency: Share = setting("Share of repeated images with the same answer.", 0.7)


class Study(Model):
    """The sheet results/study/index.html, about ten minutes per person; docs/study.md."""

    seed: Seed = setting("Seed of the draw and, with a person's name, of the order.", 110)
    digits: Shown = setting(
        "Which digit is this? Attacks are from `attacks`.",
        Shown(count=24, clean=16, reconstruction=16, repeats=12),
    )
    faces: Shown = setting(
        "Whose face is this? Attacks are from `face_attacks.attacks`.",
        Shown(count=20, clean=10, reconstruction=8, repeats=6),
    )
    pairs: Shown = setting(
        "Is the right one the same person as the left one?",
        Shown(count=8, clean=4, reconstruction=4, repeats=3),
    )
    draws: Annotated[int, Field(ge=100)] = setting(
        "Bootstrap samples of images and people for an interval.", 2000
    )
    careless: Careless = Careless()
