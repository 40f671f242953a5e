"""Labeled Faces in the Wild, view 2: 6,000 pairs in ten folds that test a recognizer (IV-B).

Huang et al. (2007): on each fold, the distance below which two images show one person is chosen on
the other nine. The images are those of the usual archives (``lfw-deepfunneled``, ``lfw_funneled``),
with ``pairs.txt`` beside them; nothing of LFW comes with this project.
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

from typeone.data.image_files import read_rgb
from typeone.data.images import from_uint8
from typeone.data.layouts import LFW_FOLDERS, lfw_images
from typeone.runtime.errors import InputError

SIDE = 250  # pixels, of LFW's images
SMALL = 64  # pixels, of faces that were cut to the paper's size already
# ASSUME: of the 250 pixels, the middle 160 as they are, near the crops that FaceNet was trained on;
# and the middle 180 reduced to 64, which show as much of a face as the crop of CelebA does: eyes
# stand about 46 pixels apart here and 38 there, where the crop has 148.
CROPS = {160: 160, 64: 180}

_REMEDY = f"needs {', '.join(LFW_FOLDERS)} with one folder a person, and pairs.txt beside it"


class LFW(NamedTuple):
    """Pairs of images in folds.

    Attributes:
        files: every image that a pair names, once.
        first, second: which of them a pair compares, ``(N,)`` int64.
        same: whether both show one person, bool ``(N,)``.
        fold: int64 ``(N,)``.
    """

    files: list[Path]
    first: np.ndarray
    second: np.ndarray
    same: np.ndarray
    fold: np.ndarray


def lfw_folder(source: str, path: str | os.PathLike[str] | None) -> Path:
    """Where LFW lies; with ``sklearn`` its fetcher is asked, which downloads what is missing.

    Args:
        source: ``folder`` or ``sklearn``.
        path: the folder; for ``sklearn`` its data home, None for its own choice.

    Raises:
        InputError: scikit-learn is not installed or gets nothing.
    """
    if source == "folder":
        return Path(str(path)).expanduser()
    try:
        from sklearn.datasets import fetch_lfw_people, get_data_home
    except ImportError as error:
        raise InputError(
            "`lfw.source` is sklearn, but scikit-learn is not installed here; install it, or set "
            "`lfw.source: folder` and `lfw.path`"
        ) from error
    home = None if path is None else Path(path).expanduser()
    try:
        # all of LFW is fetched; one man has that many images, and only his are read
        fetch_lfw_people(data_home=home, min_faces_per_person=530)
    except OSError as error:
        raise InputError(
            f"scikit-learn cannot fetch LFW ({' '.join(str(error).split())}); set "
            "`lfw.source: folder` and `lfw.path`"
        ) from error
    return Path(get_data_home(home)) / "lfw_home"


def read_lfw(folder: Path) -> LFW:
    """The pairs that ``folder``/pairs.txt names.

    Raises:
        InputError: no such folder or file, a line that names no pair, or an image that is absent.
    """
    pairs = folder / "pairs.txt"
    images = lfw_images(folder)
    if images is None or not pairs.is_file():
        raise InputError(f"`lfw.path` {str(folder)!r} holds no LFW; {_REMEDY}")
    text = pairs.read_text(encoding="utf-8-sig", errors="replace")
    lines = [line.split() for line in text.splitlines() if line.strip()]
    head = lines[0] if lines else []
    if len(head) != 2 or not all(word.isdigit() for word in head):
        raise InputError(
            f"{pairs} does not begin with the number of folds and pairs, as view 2; fetch it again"
        )
    folds, half = map(int, head)
    if len(lines) - 1 != 2 * folds * half:
        raise InputError(
            f"{pairs} holds {len(lines) - 1} pairs, its first line says {2 * folds * half}; fetch "
            "it again"
        )
    numbers: dict[Path, int] = {}
    rows = []
    for i, words in enumerate(lines[1:]):
        same = i % (2 * half) < half
        if len(words) != (3 if same else 4) or not (words[1] + words[-1]).isdigit():
            raise InputError(
                f"{pairs} line {i + 2} is {' '.join(words)!r}, which names no pair; fetch it again"
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
    """Pixels on a side of each image of LFW: `SIDE`, or `SMALL` for faces cut already.

    Raises:
        InputError: an image has another size, or another than the first.
    """
    sizes = [_size(file) for file in files]
    allowed = [(side, side) for side in (SIDE, SMALL)]
    allowed = [sizes[0]] if sizes[0] in allowed else allowed
    for file, size in zip(files, sizes, strict=True):
        if size not in allowed:
            needed = f"the {SIDE}x{SIDE} of LFW, or {SMALL}x{SMALL}, as all images"
            if len(allowed) == 1:
                needed = f"{allowed[0][0]}x{allowed[0][1]} as the first, {files[0]}"
            raise InputError(
                f"{file} has {size[0]}x{size[1]} pixels; needs {needed}; unpack LFW again"
            )
    return sizes[0][0]


def read_faces(files: list[Path], side: int, device: torch.device | str = "cpu") -> Tensor:
    """Middle parts of images at ``side`` pixels, see `CROPS`, ``(N, 3, side, side)`` in [0, 1].

    Images of that size are taken as they are.
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
