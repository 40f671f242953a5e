"""Read photographs of faces from image files in a folder or a zip.

The list of faces with identities and splits is read first (`FaceList`, from `typeone.data.celeba`
or `typeone.data.face_folder`); images are read on demand, one after the other. A zip is read
without unpacking it.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from typeone.data.image_files import read_rgb
from typeone.data.images import to_uint8
from typeone.data.shapes import FACE_SHAPE
from typeone.runtime.errors import InputError
from typeone.runtime.logs import logger

SHARES = (0.60, 0.15, 0.10, 0.15)  # of identities by split, for a table without splits
PART = 512  # faces in memory at once
CORRUPT = 0.01  # largest share of unreadable images, rounded to whole images: one of 51 to 150
SMALLEST = 32  # pixels on a side of a crop
MAX_BYTES = 64 << 20  # largest size of one image file


class FacePart(NamedTuple):
    """Some faces of one split, in the order of its table.

    Attributes:
        numbers: numbers of the faces in the source, ``(N,)``.
        images: uint8 ``(N, 3, 64, 64)``.
        labels: 0 female, 1 male, ``(N,)``.
        identities: integer codes, ``(N,)``.
    """

    numbers: np.ndarray
    images: np.ndarray
    labels: np.ndarray
    identities: np.ndarray


@dataclass(frozen=True)
class FaceList:
    """The faces of a source.

    Attributes:
        files: names of the N images.
        labels: 0 female, 1 male, ``(N,)``.
        identities: integer codes, ``(N,)``.
        rows: numbers of the faces by split, in the order of its table.
        left_out: number of faces in no split, because their identity is in another one.
    """

    files: Sequence[str]
    labels: np.ndarray
    identities: np.ndarray
    rows: dict[str, np.ndarray]
    left_out: int = 0


def area_resize(image: Tensor, side: int) -> Tensor:
    """Resize ``(..., H, W)`` to ``(..., side, side)``: each pixel is the mean of its area.

    Pixels covered in part are weighted by that part; torch's "area" and Pillow's box filter round.
    """
    rows, columns = (_area_weights(size, side).to(image) for size in image.shape[-2:])
    return rows @ image @ columns.T


def _area_weights(size: int, side: int) -> Tensor:
    """Weights of `area_resize` along one side, ``(side, size)``; rows sum to 1."""
    edges = torch.arange(side + 1, dtype=torch.float64) * (size / side)
    pixels = torch.arange(size, dtype=torch.float64)
    overlap = torch.minimum(edges[1:, None], pixels + 1) - torch.maximum(edges[:-1, None], pixels)
    return overlap.clamp(min=0) * (side / size)


def decode(data: bytes, box: Callable[[int, int], tuple[int, int, int, int]]) -> np.ndarray:
    """Decode an image file to uint8 ``(3, 64, 64)``: crop to ``box(width, height)``, then resize.

    Raises:
        OSError: the file is damaged or not an image, see `read_rgb`, or has too few pixels.
    """
    picture = read_rgb(data)
    left, top, right, bottom = box(*picture.size)
    if min(right - left, bottom - top) < SMALLEST:
        raise OSError(
            f"the crop has {right - left}x{bottom - top} pixels, of which no face of 64x64 can be "
            f"made; needs at least {SMALLEST}x{SMALLEST}"
        )
    pixels = np.asarray(picture.crop(box(*picture.size))).transpose(2, 0, 1)
    if pixels.shape == FACE_SHAPE:
        return pixels
    reduced = area_resize(torch.from_numpy(pixels.astype(np.float32)), FACE_SHAPE[-1])
    return to_uint8(reduced / 255).numpy()


class FaceFiles:
    """Image files in a folder or in a zip, read one at a time.

    Args:
        folder: folder of the images, or the zip.

    Raises:
        InputError: the zip is damaged or contains a symbolic link or a path outside the archive.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self._zip = folder, None
        self._members: dict[str, str] = {}
        if not folder.is_dir():
            self._zip = _checked_zip(folder)
            names = (i.filename for i in self._zip.infolist() if not i.is_dir())
            self._members = {PurePosixPath(name).name: name for name in names}

    def missing(self, files: Sequence[str]) -> list[str]:
        """List the missing ones of ``files``."""
        if self._zip:
            return [name for name in files if name not in self._members]
        return [name for name in files if not os.path.isfile(os.path.join(self.folder, name))]

    def read(self, name: str) -> bytes:
        """Read the bytes of one file.

        Raises:
            OSError: the file is damaged or too large.
        """
        if self._zip is None:
            return (self.folder / name).read_bytes()
        try:
            with self._zip.open(self._members[name]) as file:
                data = file.read(MAX_BYTES + 1)
        except (zipfile.BadZipFile, EOFError, zlib.error, RuntimeError) as error:  # or encrypted
            raise OSError(str(error)) from error
        if len(data) > MAX_BYTES:
            raise OSError(f"more than {MAX_BYTES} bytes")
        return data


def _checked_zip(path: Path) -> zipfile.ZipFile:
    try:
        package = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise InputError(f"{path} is not a readable zip file ({error}); fetch it again") from error
    for member in package.infolist():
        name = member.filename.replace("\\", "/")
        outside = name.startswith("/") or ".." in name.split("/") or ":" in name.split("/")[0]
        if outside or stat.S_ISLNK(member.external_attr >> 16):
            what = "a path outside the archive" if outside else "a symbolic link"
            raise InputError(
                f"{path} contains {what}, {member.filename!r}; CelebA's zip file has none: fetch "
                "it again"
            )
    return package


class PhotographedFaces:
    """Faces from image files, read in parts; unreadable files are skipped and counted.

    Args:
        faces: list of the faces.
        files: image files of the faces.
        box: crop of an image, see `decode`.

    Attributes:
        skipped: names of files that could not be read.
    """

    def __init__(
        self,
        faces: FaceList,
        files: FaceFiles,
        box: Callable[[int, int], tuple[int, int, int, int]],
    ) -> None:
        self.faces, self.files, self.box = faces, files, box
        self.skipped: list[str] = []
        self._asked = 0  # faces of the splits that were read

    def parts(self, split: str, *, limit: int | None) -> Iterator[FacePart]:
        """Yield the readable faces among the first ``limit`` of ``split``, or among all.

        Raises:
            InputError: more than 1 % of the faces are unreadable.
        """
        rows = self.faces.rows[split][:limit]
        self._asked += len(rows)
        for start in range(0, len(rows), PART):
            kept, images = [], []
            for row in rows[start : start + PART]:
                try:
                    images.append(decode(self.files.read(self.faces.files[row]), self.box))
                    kept.append(row)
                except OSError as error:
                    self._skip(self.faces.files[row], error)
            if kept:
                at = np.array(kept)
                labels, identities = self.faces.labels[at], self.faces.identities[at]
                yield FacePart(at, np.stack(images), labels, identities)

    def _skip(self, name: str, error: OSError) -> None:
        reason = " ".join(str(error).split())
        logger.warning("%s cannot be read (%s): skipped", name, reason)
        self.skipped.append(name)
        if len(self.skipped) > round(CORRUPT * self._asked):
            raise InputError(
                f"{len(self.skipped)} of {self._asked} images cannot be read, the last one {name} "
                f"({reason}); at most {CORRUPT:.0%} may be damaged: fetch them "
                "again, or save them again"
            )

    def notes(self) -> dict[str, object]:
        """Return the numbers of skipped and left-out faces, for the metadata of the tables."""
        return {
            "skipped": len(self.skipped),
            "first_skipped": self.skipped[0] if self.skipped else None,
            "left_out": self.faces.left_out,
        }
