"""Photographs of faces from files: CelebA in its official layout, or a folder with a table.

Which faces there are, whose and in which split is read first (`FaceList`), the images one after
the other when they are asked for. A zip is read where it lies, nothing of it is unpacked.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor

from typeone.errors import InputError
from typeone.faces import FACE_SHAPE, FEMALE, MALE
from typeone.images import to_uint8
from typeone.logs import logger

SPLITS = ("train", "judge", "validation", "test")
SHARES = (0.60, 0.15, 0.10, 0.15)  # of the identities of a table without splits
PART = 512  # faces in memory at once
LABELS = {"0": FEMALE, "1": MALE, "female": FEMALE, "male": MALE}
CELEBA_SIZE = (178, 218)  # width and height of the aligned images
CELEBA_CROP = (15, 40, 163, 188)  # left, top, right, bottom; columns 15-163, rows 40-188
CORRUPT = 0.01  # share of unreadable images from which on the source is not trusted
MAX_BYTES = 64 << 20  # of one image file
_ATTRIBUTES, _PARTITIONS, _IDENTITIES = (
    *("list_attr_celeba.txt", "list_eval_partition.txt", "identity_CelebA.txt"),
)
_CELEBA = (
    f"it needs CelebA's official files: img_align_celeba/ or img_align_celeba.zip, {_ATTRIBUTES}, "
    f"{_PARTITIONS}, {_IDENTITIES} (from the project page of its authors, «CelebA, Large-scale "
    "CelebFaces Attributes»)"
)


class FacePart(NamedTuple):
    """Some faces of one split, in the order of its table.

    Attributes:
        index: number in the source, ``(N,)``.
        images: uint8 ``(N, 3, 64, 64)``.
        labels: 0 female, 1 male, ``(N,)``.
        identities: codes, ``(N,)``.
    """

    index: np.ndarray
    images: np.ndarray
    labels: np.ndarray
    identities: np.ndarray


@dataclass(frozen=True)
class FaceList:
    """Which faces a source has.

    Attributes:
        files: names of the images, N of them.
        labels: 0 female, 1 male, ``(N,)``.
        identities: codes, ``(N,)``.
        rows: by split, the numbers of its faces in the order of its table.
        left_out: faces that no split has, since their identity is in another.
    """

    files: Sequence[str]
    labels: np.ndarray
    identities: np.ndarray
    rows: dict[str, np.ndarray]
    left_out: int = 0


def area_resize(image: Tensor, side: int) -> Tensor:
    """``(..., H, W)`` as ``(..., side, side)``: each pixel the mean of the area that it covers.

    Parts of pixels count by their part, which torch's «area» and Pillow's box filter round.
    """
    rows, columns = (_area_weights(size, side).to(image) for size in image.shape[-2:])
    return rows @ image @ columns.T


def _area_weights(size: int, side: int) -> Tensor:
    """What each of ``size`` pixels gives to each of ``side``; rows sum to 1."""
    edges = torch.arange(side + 1, dtype=torch.float64) * (size / side)
    pixels = torch.arange(size, dtype=torch.float64)
    overlap = torch.minimum(edges[1:, None], pixels + 1) - torch.maximum(edges[:-1, None], pixels)
    return overlap.clamp(min=0) * (side / size)


def decode(data: bytes, box: Callable[[int, int], tuple[int, int, int, int]]) -> np.ndarray:
    """An image file as uint8 ``(3, 64, 64)``: cut to ``box(width, height)``, reduced by area.

    Raises:
        OSError: the file is damaged or no image.
    """
    try:
        with Image.open(io.BytesIO(data)) as file:
            picture = file.convert("RGB")
    except (SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise OSError(str(error)) from error
    pixels = np.asarray(picture.crop(box(*picture.size))).transpose(2, 0, 1)
    if pixels.shape == FACE_SHAPE:
        return pixels
    reduced = area_resize(torch.from_numpy(pixels.astype(np.float32)), FACE_SHAPE[-1])
    return to_uint8(reduced / 255).numpy()


def middle_square(width: int, height: int) -> tuple[int, int, int, int]:
    """The largest square in the middle."""
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def celeba_square(width: int, height: int) -> tuple[int, int, int, int]:
    """Rows 40-188 and columns 15-163 of an aligned image, as the authors' script cuts them."""
    if (width, height) != CELEBA_SIZE:
        raise InputError(
            f"an image of `faces.celeba.path` has {width}x{height} pixels; the aligned images of "
            f"CelebA have {CELEBA_SIZE[0]}x{CELEBA_SIZE[1]}: take img_align_celeba, or give other "
            "images as `faces.source: folder`"
        )
    return CELEBA_CROP


class FaceFiles:
    """Image files in a folder, or in a zip beside it, read one at a time.

    Args:
        folder: of the images.
        zipped: read there if there is no ``folder``.

    Raises:
        InputError: neither is there, or the zip is damaged or names files outside of itself.
    """

    def __init__(self, folder: Path, zipped: Path | None = None) -> None:
        self.folder, self._zip = folder, None
        self._members: dict[str, str] = {}
        if zipped is not None and not folder.is_dir():
            self._zip = _checked_zip(zipped)
            names = (i.filename for i in self._zip.infolist() if not i.is_dir())
            self._members = {PurePosixPath(name).name: name for name in names}

    def missing(self, files: Sequence[str]) -> list[str]:
        """Those of ``files`` that are not there."""
        if self._zip:
            return [name for name in files if name not in self._members]
        there = {Path(at, name) for at, _, names in os.walk(self.folder) for name in names}
        return [name for name in files if self.folder / name not in there]

    def read(self, name: str) -> bytes:
        """The bytes of one file; `OSError` when it is damaged."""
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
        raise InputError(f"{path} is no readable zip file ({error}); fetch it again") from error
    for member in package.infolist():
        name = member.filename.replace("\\", "/")
        outside = name.startswith("/") or ".." in name.split("/") or ":" in name.split("/")[0]
        if outside or stat.S_ISLNK(member.external_attr >> 16):
            what = "a path outside of itself" if outside else "a symbolic link"
            raise InputError(
                f"{path} holds {what}, {member.filename!r}; CelebA's zip has none: fetch it again"
            )
    return package


class PhotographedFaces:
    """Faces from image files, part by part; those that cannot be read are skipped and counted.

    Args:
        faces: which there are.
        files: where they lie.
        box: the part of an image that is kept, see `decode`.

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

    def parts(self, split: str, *, limit: int | None) -> Iterator[FacePart]:
        """The readable ones of the first ``limit`` faces of ``split``, or of all.

        Raises:
            InputError: more than 1 % of the faces are unreadable.
        """
        rows = self.faces.rows[split][:limit]
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
        if not self.skipped:
            logger.warning("%s cannot be read (%s): skipped", name, reason)
        self.skipped.append(name)
        if len(self.skipped) > CORRUPT * len(self.faces.files):
            raise InputError(
                f"{len(self.skipped)} of {len(self.faces.files)} images cannot be read, the first "
                f"{self.skipped[0]}; at most {CORRUPT:.0%} may be damaged: fetch them again"
            )

    def notes(self) -> dict[str, object]:
        """What the tables tell of skipped and left out faces."""
        return {
            "skipped": len(self.skipped),
            "first_skipped": self.skipped[0] if self.skipped else None,
            "left_out": self.faces.left_out,
        }


def open_celeba(*, path: str | os.PathLike[str]) -> PhotographedFaces:
    """CelebA's aligned faces in the folder ``path``.

    Raises:
        InputError: the folder or a file of the layout is missing, or a list is damaged.
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise InputError(f"`faces.celeba.path` is {str(path)!r}, which is no folder; {_CELEBA}")
    images, zipped = folder / "img_align_celeba", folder / "img_align_celeba.zip"
    lacking = [n for n in (_ATTRIBUTES, _PARTITIONS, _IDENTITIES) if not (folder / n).is_file()]
    if not images.is_dir() and not zipped.is_file():
        lacking.insert(0, "img_align_celeba/ or img_align_celeba.zip")
    if lacking:
        raise InputError(f"`faces.celeba.path` {folder} lacks {', '.join(lacking)}; {_CELEBA}")
    faces = read_celeba_lists(folder)
    files = FaceFiles(images, zipped)
    if missing := files.missing(faces.files):
        raise InputError(
            f"`faces.celeba.path` {folder} lacks {len(missing)} of {len(faces.files)} images, the "
            f"first {missing[0]}; fetch them again"
        )
    return PhotographedFaces(faces, files, celeba_square)


def read_celeba_lists(folder: Path) -> FaceList:
    """Names, gender, identities and splits of CelebA from its three lists."""
    files, labels = _genders(folder / _ATTRIBUTES)
    partitions = _second_column(folder / _PARTITIONS, files, "0, 1 or 2", {"0", "1", "2"})
    people = _second_column(folder / _IDENTITIES, files, "a whole number", None)
    identities = np.array([int(people[name]) for name in files])
    partition = np.array([int(partitions[name]) for name in files])
    # ASSUME: the paper attacks "the first 1000 images of the validation set" and its supplement
    # tests there: the official validation partition (1) is our test split, the official test
    # partition (2) is left for validation. A fifth of the people of the official train partition
    # (0) teaches the judges, who must not know what f2 knows.
    taught = np.array([_drawn_share(identity) < 0.2 for identity in identities])
    splits = {
        "train": (partition == 0) & ~taught,
        "judge": (partition == 0) & taught,
        "validation": partition == 2,
        "test": partition == 1,
    }
    # no person is in two splits; what is attacked keeps all of its faces
    kept = {}
    known = np.zeros(0, identities.dtype)
    for name in ("test", "validation", "train", "judge"):
        kept[name] = np.flatnonzero(splits[name] & ~np.isin(identities, known))
        known = np.union1d(known, identities[kept[name]])
    left_out = len(files) - sum(map(len, kept.values()))
    if left_out:
        logger.info("%d faces left out: their identity is in another partition", left_out)
    return FaceList(files, labels, identities, {name: kept[name] for name in SPLITS}, left_out)


def _drawn_share(identity: object) -> float:
    """A number in [0, 1) that an identity always gets."""
    return int.from_bytes(hashlib.sha256(str(identity).encode()).digest()[:4]) / 2**32


def _genders(path: Path) -> tuple[list[str], np.ndarray]:
    """File names and labels by the column Male of the attribute list."""
    with path.open(encoding="utf-8") as file:
        first, names = file.readline().strip(), file.readline().split()
        if not first.isdecimal() or "Male" not in names:
            raise InputError(
                f"{path} does not start as CelebA's list of attributes: needs a line with the "
                "number of images, then a line of names with Male among them; fetch it again"
            )
        column = names.index("Male") + 1
        files, labels = [], []
        for number, line in enumerate(file, start=3):
            cells = line.split()
            if not cells:
                continue
            if len(cells) != len(names) + 1 or cells[column] not in ("-1", "1"):
                raise InputError(
                    f"{path}, line {number} is {line.strip()[:40]!r}; needs a file name and "
                    f"{len(names)} values, -1 or 1; fetch it again"
                )
            files.append(cells[0])
            labels.append(MALE if cells[column] == "1" else FEMALE)
    if len(files) != int(first):
        raise InputError(
            f"{path} says {first} images and has rows for {len(files)}; fetch it again"
        )
    return files, np.array(labels)


def _second_column(
    path: Path, files: Sequence[str], needed: str, allowed: set[str] | None
) -> dict[str, str]:
    """The value beside each of ``files`` in a list of two columns."""
    values = {}
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            cells = line.split()
            if not cells:
                continue
            fits = len(cells) == 2
            fits = fits and (cells[1] in allowed if allowed else cells[1].isdecimal())
            if not fits:
                raise InputError(
                    f"{path}, line {number} is {line.strip()[:40]!r}; needs a file name and "
                    f"{needed}; fetch it again"
                )
            values[cells[0]] = cells[1]
    if missing := [name for name in files if name not in values]:
        raise InputError(
            f"{path} lacks {len(missing)} of {len(files)} images, the first {missing[0]}; fetch it "
            "again"
        )
    return values


def open_folder(
    *, path: str | os.PathLike[str], csv: str | os.PathLike[str], seed: int
) -> PhotographedFaces:
    """The faces of a table: columns file (in the folder ``path``), label, identity, perhaps split.

    Raises:
        InputError: the folder, the table, a column or an image is missing, or a row is not usable.
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise InputError(
            f"`faces.folder.path` is {str(path)!r}, which is no folder; needs one with the images "
            "that `faces.folder.csv` names"
        )
    faces = read_face_table(csv, seed=seed)
    files = FaceFiles(folder)
    if missing := files.missing(faces.files):
        raise InputError(
            f"`faces.folder.path` {folder} lacks {len(missing)} of {len(faces.files)} images, the "
            f"first {missing[0]}; give them, or take their rows out of `faces.folder.csv`"
        )
    return PhotographedFaces(faces, files, middle_square)


def read_face_table(path: str | os.PathLike[str], *, seed: int) -> FaceList:
    """A table of faces: rows in a random order by ``seed``, people parted by it if need be.

    Without a column split, 60 % of the identities are for train, 15 % for the judges, 10 % for
    validation and 15 % for the test.
    """
    where = f"`faces.folder.csv` {path}"
    try:
        table = pd.read_csv(Path(path).expanduser(), dtype=str, keep_default_na=False)
    except FileNotFoundError as error:
        raise InputError(
            f"{where} does not exist; needs a table with columns file, label (female or male), "
            "identity and perhaps split"
        ) from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"{where} is no readable CSV ({' '.join(str(error).split())})") from error
    if lacking := [c for c in ("file", "label", "identity") if c not in table]:
        raise InputError(
            f"{where} lacks {', '.join(lacking)} (it has {', '.join(table)}); needs columns file, "
            "label (female or male), identity and perhaps split"
        )
    for column, allowed in (("label", LABELS), ("split", SPLITS)):
        if column in table and not table[column].isin(list(allowed)).all():
            odd = table.index[~table[column].isin(list(allowed))][0]
            raise InputError(
                f"{where}, line {odd + 2}: {column} is {table[column][odd]!r}; needs one of "
                f"{', '.join(allowed)}"
            )
    for line, name in enumerate(table["file"], start=2):
        parts = PurePosixPath(name.replace("\\", "/"))
        if not name or parts.is_absolute() or ".." in parts.parts:
            raise InputError(
                f"{where}, line {line}: file is {name!r}; needs a name within `faces.folder.path`"
            )
    names, identities = np.unique(table["identity"].to_numpy(str), return_inverse=True)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(table))
    if "split" in table:
        crossing = table.groupby("identity")["split"].nunique()
        if (crossing > 1).any():
            who = crossing.index[crossing > 1][0]
            found = sorted(set(table["split"][table["identity"] == who]), key=SPLITS.index)
            raise InputError(
                f"{where}: identity {who!r} is in {' and '.join(found)}; needs each in one split"
            )
        split = table["split"].map(SPLITS.index).to_numpy()
    else:
        # ASSUME: the paper names no shares beside CelebA's official partition
        place = rng.permutation(len(names)) + 0.5
        bounds = np.cumsum(SHARES)[:-1] * len(names)
        split = np.searchsorted(bounds, place)[identities]
    rows = {name: order[split[order] == i] for i, name in enumerate(SPLITS)}
    labels = table["label"].map(LABELS).to_numpy(np.int64)
    return FaceList(table["file"].tolist(), labels, identities, rows)
