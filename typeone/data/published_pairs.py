"""Read the attacked pairs of faces that the authors published with their supplementary material.

A JPEG file of 128 x 64 pixels is a pair: left the original, right the attacked face. Its name says
the genders, 0 female and 1 male, and the distance that their FaceNet measured:
``[NUMBER]FROM_to_TO_attack_dist[DISTANCE].jpg``. The pairs carry no licence and are not part of
this project.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from typeone.data.image_files import read_rgb
from typeone.data.shapes import FACE_SHAPE
from typeone.runtime.errors import InputError

SIDE = FACE_SHAPE[-1]
KEY = "published_pairs.path"
ASKED, PUBLISHED = 1000, 979
"""Images that the authors attacked (IV-B), and pairs that they published."""

_NAME = re.compile(r"\[(\d+)\]([01])_to_([01])_attack_dist\[(\d+(?:\.\d+)?(?:e-\d+)?)\]\.jpg", re.A)
_WANTED = "[NUMBER]0_to_1_attack_dist[DISTANCE].jpg"
_FARTHEST = 2.0
"""Largest distance of unit embeddings."""


class PublishedPairs(NamedTuple):
    """The pairs in the order of their numbers.

    Attributes:
        number: their numbers, int64 ``(N,)``.
        label: gender of the original, 0 female or 1 male, int64 ``(N,)``; the attack aims at the
            other.
        distance: in [0, 2], as in the file's name, float64 ``(N,)``.
        originals, attacked: uint8 ``(N, 3, 64, 64)``.
    """

    number: np.ndarray
    label: np.ndarray
    distance: np.ndarray
    originals: np.ndarray
    attacked: np.ndarray


def pair_files(folder: Path) -> list[Path]:
    """Return the JPEG files in ``folder``, in the order of their names."""
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in (".jpg", ".jpeg"))


def read_published_pairs(path: str | os.PathLike[str]) -> PublishedPairs:
    """Read all pairs in the folder ``path``.

    Raises:
        InputError: there is no pair, or a file has another name, number or size, or is damaged.
    """
    folder = Path(path).expanduser()
    files = pair_files(folder) if folder.is_dir() else []
    if not files:
        raise InputError(
            f"`{KEY}` is {str(path)!r}, which contains no pair; needs the folder with the authors' "
            f"files {_WANTED}"
        )
    seen: dict[int, Path] = {}
    rows = []
    for file in files:
        number, label, distance = _parse_name(file)
        if number in seen:
            raise InputError(
                f"{file} has the number of {seen[number].name}; needs one file per number"
            )
        seen[number] = file
        rows.append((number, label, distance, _pixels(file)))
    rows.sort(key=lambda row: row[0])
    number, label, distance, pixels = zip(*rows, strict=True)
    halves = np.stack(pixels).transpose(0, 3, 1, 2)
    return PublishedPairs(
        np.array(number),
        np.array(label),
        np.array(distance),
        np.ascontiguousarray(halves[..., :SIDE]),
        np.ascontiguousarray(halves[..., SIDE:]),
    )


def _parse_name(file: Path) -> tuple[int, int, float]:
    """Return the number, the label of the original and the distance in the name of a file."""
    name = _NAME.fullmatch(file.name)
    if not name or name[2] == name[3] or float(name[4]) > _FARTHEST:
        raise InputError(
            f"{file} is not named like a pair; needs {_WANTED} or 1_to_0, with a distance of at "
            f"most {_FARTHEST:g}; remove other files"
        )
    return int(name[1]), int(name[2]), float(name[4])


def _pixels(file: Path) -> np.ndarray:
    try:
        picture = read_rgb(file.read_bytes())
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error}; fetch it again") from error
    if picture.size != (2 * SIDE, SIDE):
        wide, high = picture.size
        raise InputError(
            f"{file} has {wide}x{high} pixels; needs {2 * SIDE}x{SIDE}: the original and beside it "
            "the attacked face"
        )
    return np.asarray(picture)
