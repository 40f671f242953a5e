"""Labeled Faces in the Wild as a source of faces: photographs for those who have no CelebA.

LFW names the person of each image, but not the gender. A published network predicts the gender
(`typeone.models.age_gender`): a person has the gender of the mean probability over the person's
images, and people of whom the network is unsure are left out. Splits share no person.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from torch import nn

from typeone.data.face_folder import face_list
from typeone.data.face_tables import FaceRow
from typeone.data.images import from_uint8
from typeone.data.layouts import LFW_FOLDERS, lfw_images
from typeone.data.lfw import CROPS, SIDE, SMALL, lfw_folder
from typeone.data.photographs import FaceFiles, FaceList, PhotographedFaces
from typeone.data.shapes import MALE
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.errors import InputError
from typeone.runtime.logs import Progress, logger

KEY = "faces.lfw"
WHOLE = "all"
"""Name of the one split of all images, which are labelled together."""


def lfw_square(width: int, height: int) -> tuple[int, int, int, int]:
    """Return the crop of an image of LFW: of 250 pixels the middle 180, of 64 all.

    Raises:
        InputError: the image has another size.
    """
    if (width, height) not in ((SIDE, SIDE), (SMALL, SMALL)):
        raise InputError(
            f"an image of `{KEY}` has {width}x{height} pixels; needs the {SIDE}x{SIDE} of LFW, or "
            f"{SMALL}x{SMALL}: give other images as `faces.source: folder`"
        )
    margin = (width - CROPS[SMALL]) // 2 if width == SIDE else 0
    return margin, margin, width - margin, width - margin


def lfw_root(source: str, path: str | os.PathLike[str] | None) -> Path:
    """Return the folder of LFW's images, one folder a person inside.

    Raises:
        InputError: it does not exist or cannot be fetched.
    """
    folder = lfw_folder(source, path, key=KEY)
    images = lfw_images(folder)
    if images is None:
        raise InputError(
            f"`{KEY}.path` {str(folder)!r} does not contain LFW; needs {', '.join(LFW_FOLDERS)} "
            "with one folder a person"
        )
    return images


def lfw_files(images: Path) -> list[str]:
    """Return the images, person/file, in the order of their names.

    Raises:
        InputError: there is none.
    """
    files = sorted(file.relative_to(images).as_posix() for file in images.glob("*/*.jpg"))
    if not files:
        raise InputError(f"{images} contains no image; unpack LFW again")
    return files


@torch.no_grad()
def gender_of_people(
    judge: nn.Module, images: Path, *, device: torch.device | str
) -> dict[str, np.ndarray]:
    """Return columns with a row per readable image: file, identity and male.

    ``male`` is the mean, over the person's images, of the probability that ``judge`` gives to male.

    Args:
        judge: images ``(N, 3, 64, 64)`` in [0, 1] to logits; the first two are female and male.
        images: of `lfw_root`.

    Raises:
        InputError: more than 1 % of the images are unreadable.
    """
    files = lfw_files(images)
    names = np.array([Path(file).parent.name for file in files])
    people, identities = np.unique(names, return_inverse=True)
    nothing = np.zeros(len(files), np.int64)
    every = FaceList(files, nothing, identities, {WHOLE: np.arange(len(files))})
    source = PhotographedFaces(every, FaceFiles(images), lfw_square)
    progress, chances, rows = Progress("genders of LFW", len(files)), [], []
    for part in source.parts(WHOLE, limit=None):
        logits = judge(from_uint8(part.images, device))[:, :2]
        chances.append(logits.softmax(dim=1)[:, MALE].cpu().numpy())
        rows.append(part.numbers)
        progress(int(part.numbers[-1]) + 1)
    kept = np.concatenate(rows)
    who = identities[kept]
    images_each = np.bincount(who, minlength=len(people)).clip(1)  # none if all are unreadable
    mean = np.bincount(who, np.concatenate(chances), len(people)) / images_each
    return {"file": np.array(files)[kept], "identity": names[kept], "male": mean[who]}


class LfwFaces(PhotographedFaces):
    """Photographs of LFW, of people whose gender is sure.

    Attributes:
        unsure: number of people who were left out.
    """

    unsure = 0

    def notes(self) -> dict[str, object]:
        return super().notes() | {"unsure": self.unsure}


def open_lfw(
    *,
    source: str,
    path: str | os.PathLike[str] | None,
    sure: float,
    seed: int,
    table: str | os.PathLike[str],
) -> LfwFaces:
    """Open LFW's faces with the genders of ``table``, see `gender_of_people`.

    Args:
        source, path: see `typeone.data.lfw.lfw_folder`.
        sure: the least mean probability of a gender for a person to be kept.
        seed: of the splits and of the order of images.

    Raises:
        InputError: LFW or an image is missing, or nobody is sure.
    """
    images = lfw_root(source, path)
    labelled = read_parquet(table, columns=["file", "identity", "male"])
    male = labelled["male"]
    clear = np.maximum(male, 1 - male) >= sure
    rows = [
        FaceRow(str(table), str(file), "male" if p > 0.5 else "female", str(name), None)
        for file, name, p in zip(
            labelled["file"][clear], labelled["identity"][clear], male[clear], strict=True
        )
    ]
    if not rows:
        raise InputError(
            f"`{KEY}.sure` is {sure:g}, and no person's gender has that probability; lower it"
        )
    files = FaceFiles(images)
    if missing := files.missing([row.file for row in rows]):
        raise InputError(f"{images} lacks {len(missing)} images, the first {missing[0]}")
    faces = LfwFaces(face_list(rows, [row.file for row in rows], seed=seed), files, lfw_square)
    people, left = set(labelled["identity"]), {row.identity for row in rows}
    faces.unsure = len(people) - len(left)
    logger.info("%d people, %d of unsure gender left out", len(left), faces.unsure)
    return faces
