"""Read Labeled Faces in the Wild, view 2: 6,000 pairs in ten folds to test a recognizer (IV-B).

Huang et al. (2007): the distance threshold of each fold is chosen on the other nine. The images are
those of the usual archives (``lfw-deepfunneled``, ``lfw_funneled``), with ``pairs.txt`` in the same
folder; LFW is not part of this project.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from typeone.data.celeba import is_number
from typeone.data.image_files import read_rgb
from typeone.data.images import from_uint8
from typeone.data.layouts import LFW_FOLDERS, lfw_images
from typeone.runtime.errors import InputError

SIDE = 250  # pixels, size of LFW's images
SMALL = 64  # pixels, size of faces already cropped to the paper's size
# ASSUME: of the 250 pixels, the middle 160 without resizing, close to FaceNet's training crops; or
# the middle 180 reduced to 64, which contain as much of a face as the crop of CelebA: eyes are
# about 46 pixels apart here and 38 there, where the crop has 148.
CROPS = {160: 160, 64: 180}

_REMEDY = f"needs {', '.join(LFW_FOLDERS)} with one folder a person, and pairs.txt beside it"


class LFW(NamedTuple):
    """Pairs of images in folds.

    Attributes:
        files: paths of all images of the pairs, without repetition.
        first, second: indices in ``files`` of the images of each pair, int64 ``(N,)``.
        same: whether both images are of the same person, bool ``(N,)``.
        fold: fold of each pair, int64 ``(N,)``.
    """

    files: list[Path]
    first: np.ndarray
    second: np.ndarray
    same: np.ndarray
    fold: np.ndarray


def lfw_folder(source: str, path: str | os.PathLike[str] | None, *, key: str = "lfw") -> Path:
    """Return the folder of LFW; with ``sklearn``, scikit-learn downloads missing files.

    Args:
        source: ``folder`` or ``sklearn``.
        path: the folder; for ``sklearn`` its data home, None for its default.
        key: the section of the settings, for messages.

    Raises:
        InputError: scikit-learn is not installed or cannot fetch LFW.
    """
    if source == "folder":
        return Path(str(path)).expanduser()
    try:
        from sklearn.datasets import fetch_lfw_people, get_data_home
    except ImportError as error:
        raise InputError(
            f"`{key}.source` is sklearn, but scikit-learn is not installed here; install it, or "
            f"set `{key}.source: folder` and `{key}.path`"
        ) from error
    home = None if path is None else Path(path).expanduser()
    try:
        # all of LFW is fetched; only the images of the one person with so many are read
        fetch_lfw_people(data_home=home, min_faces_per_person=530)
    except OSError as error:
        raise InputError(
            f"scikit-learn cannot fetch LFW ({' '.join(str(error).split())}); set "
            f"`{key}.source: folder` and `{key}.path`"
        ) from error
    return Path(get_data_home(home)) / "lfw_home"


def read_lfw(folder: Path) -> LFW:
    """Read the pairs in ``folder``/pairs.txt.

    Raises:
        InputError: the folder, the file or an image is missing, or a line is not a pair.
    """
    pairs = folder / "pairs.txt"
    images = lfw_images(folder)
    if images is None or not pairs.is_file():
        raise InputError(f"`lfw.path` {str(folder)!r} does not contain LFW; {_REMEDY}")
    text = pairs.read_text(encoding="utf-8-sig", errors="replace")
    lines = [line.split() for line in text.splitlines() if line.strip()]
    head = lines[0] if lines else []
    if len(head) != 2 or not all(map(is_number, head)):
        raise InputError(
            f"{pairs} does not begin with the number of folds and pairs, as in view 2; fetch it "
            "again"
        )
    folds, half = map(int, head)
    if len(lines) - 1 != 2 * folds * half:
        raise InputError(
            f"{pairs} contains {len(lines) - 1} pairs, but its first line says "
            f"{2 * folds * half}; fetch it again"
        )
    numbers: dict[Path, int] = {}
    rows = []
    for i, words in enumerate(lines[1:]):
        same = i % (2 * half) < half
        if len(words) != (3 if same else 4) or not all(map(is_number, (words[1], words[-1]))):
            raise InputError(
                f"{pairs} line {i + 2} is {' '.join(words)!r}, which does not name a pair; fetch "
                "it again"
            )
        people = (words[0], words[0]) if same else (words[0], words[2])
        files = [
            images / person / f"{person}_{int(number):04d}.jpg"
            for person, number in zip(people, (words[1], words[-1]), strict=True)
        ]
        rows.append([*(numbers.setdefault(f, len(numbers)) for f in files), same, i // (2 * half)])
    absent = [file for file in numbers if not file.is_file()]
    if absent:
        raise InputError(
            f"{len(absent)} of LFW's {len(numbers)} images are absent, the first is {absent[0]}; "
            "unpack the whole archive"
        )
    first, second, same, fold = np.array(rows, dtype=np.int64).T
    return LFW(list(numbers), first, second, same.astype(bool), fold)


def image_side(files: Sequence[Path]) -> int:
    """Return the size of all images of LFW, pixels: `SIDE`, or `SMALL` for cropped faces.

    Raises:
        InputError: an image has another size, or sizes differ.
    """
    sizes = [_size(file) for file in files]
    allowed = [(side, side) for side in (SIDE, SMALL)]
    allowed = [sizes[0]] if sizes[0] in allowed else allowed
    for file, size in zip(files, sizes, strict=True):
        if size not in allowed:
            needed = f"the {SIDE}x{SIDE} of LFW, or {SMALL}x{SMALL}, like all images"
            if len(allowed) == 1:
                needed = f"{allowed[0][0]}x{allowed[0][1]} like the first, {files[0]}"
            raise InputError(
                f"{file} has {size[0]}x{size[1]} pixels; needs {needed}; unpack LFW again"
            )
    return sizes[0][0]


def read_faces(files: list[Path], side: int, device: torch.device | str = "cpu") -> Tensor:
    """Read images, cropped and resized by `CROPS`, as ``(N, 3, side, side)`` in [0, 1].

    Images of that size are not changed.
    """
    found = []
    for file in files:
        image = from_uint8(_pixels(file), device)
        if image.shape[1:] != (side, side):
            margins = [(length - CROPS[side]) // 2 for length in image.shape[1:]]
            top, left = margins
            image = image[:, top : top + CROPS[side], left : left + CROPS[side]]
            image = F.interpolate(
                image[None], (side, side), mode="bilinear", align_corners=False, antialias=True
            )[0]
        found.append(image)
    return torch.stack(found)


def _size(file: Path) -> tuple[int, int]:
    try:
        with Image.open(file) as picture:
            return picture.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{file} is not a readable image ({error}); unpack it again") from error


def _pixels(file: Path) -> np.ndarray:
    try:
        return np.asarray(read_rgb(file.read_bytes())).transpose(2, 0, 1)
    except OSError as error:
        raise InputError(f"{file} is not a readable image ({error}); unpack it again") from error
