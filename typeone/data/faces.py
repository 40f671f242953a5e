"""Tables of faces, written in parts and read on demand (Section IV, CelebA).

CelebA has 200,000 faces: its table is written in parts and read through a memory-mapped scratch
file, so that all images are never in memory at once.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from typeone.data.images import from_uint8
from typeone.data.shapes import FACE_SHAPE
from typeone.runtime.artifacts import contents, open_table
from typeone.runtime.atomic_files import atomic_path
from typeone.runtime.errors import InputError, needs_room
from typeone.runtime.stamps import KEY, stamped

_GROUP = 1024  # faces read at once
_SCHEMA = pa.schema(
    [
        ("index", pa.int32()),
        ("image", pa.binary(int(np.prod(FACE_SHAPE)))),
        ("label", pa.int64()),
        ("identity", pa.int32()),
    ]
)


class FaceWriter:
    """Write a table of faces in parts; the file appears when the block ends without an error.

    Args:
        path: path of the table.

    Attributes:
        metadata: metadata of the file (JSON); set it at any time before the end.
        count: number of faces written so far.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.metadata: dict[str, Any] = {}
        self.count = 0
        self._path = path
        self._open = ExitStack()

    def __enter__(self) -> FaceWriter:
        with ExitStack() as opened:
            temporary = opened.enter_context(atomic_path(self._path))
            self._file = opened.enter_context(
                pq.ParquetWriter(temporary, _SCHEMA, compression="zstd", write_page_checksum=True)
            )
            self._open = opened.pop_all()
        return self

    def write(
        self, index: np.ndarray, images: np.ndarray, labels: np.ndarray, identities: np.ndarray
    ) -> None:
        """Add faces: ``images`` uint8 ``(N, 3, 64, 64)``, the others ``(N,)``."""
        width = int(np.prod(FACE_SHAPE))
        flat = np.ascontiguousarray(images.reshape(len(images), width))
        stored = pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(width), len(flat), [None, pa.py_buffer(flat.tobytes())]
        )
        columns = [
            pa.array(np.asarray(index, np.int32)),
            stored,
            pa.array(np.asarray(labels, np.int64)),
            pa.array(np.asarray(identities, np.int32)),
        ]
        self._file.write_table(pa.Table.from_arrays(columns, schema=_SCHEMA), row_group_size=_GROUP)
        self.count += len(flat)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            note = {**self.metadata, "shapes": {"image": FACE_SHAPE}}
            text = stamped(note, kind="table", content=contents(_SCHEMA, self.count))
            self._file.add_key_value_metadata({KEY: text})
        self._open.__exit__(kind, error, trace)


def _bytes_of(images: pa.FixedSizeBinaryArray) -> memoryview:
    """Return the bytes of a column without a copy."""
    width = images.type.byte_width
    return memoryview(images.buffers()[1])[images.offset * width :][: len(images) * width]


class FaceTable:
    """A table of N faces whose images are in a scratch file on disk.

    Attributes:
        images: memory-mapped uint8 ``(N, 3, 64, 64)``.
        index: number in the source, int32 ``(N,)``.
        labels: `FEMALE` or `MALE`, int64 ``(N,)``.
        identities: int32 ``(N,)``.
        metadata: metadata of the file.

    Raises:
        InputError: the file is missing, damaged, empty or not a table of faces.
    """

    def __init__(self, path: str | os.PathLike[str], *, limit: int | None = None) -> None:
        """Read the table at ``path``, or its first ``limit`` faces."""
        with open_table(path) as (file, self.metadata):
            found = file.schema_arrow
            if not found.equals(_SCHEMA):
                raise InputError(
                    f"{path} is not a table of faces (its columns are {', '.join(found.names)}); "
                    "delete it, it was made by other code"
                )
            total = file.metadata.num_rows
            count = total if limit is None else min(limit, total)
            if not count:
                raise InputError(f"{path} contains no faces; choose a source with faces")
            columns: dict[str, list[np.ndarray]] = {k: [] for k in ("index", "label", "identity")}
            # the memory map keeps the scratch file alive
            with needs_room(tempfile.gettempdir()), tempfile.TemporaryFile() as scratch:
                left = count
                for group in range(file.num_row_groups):  # iter_batches would keep all in memory
                    part = file.read_row_group(group).slice(0, left).combine_chunks()
                    scratch.write(_bytes_of(part.column("image").combine_chunks()))
                    for name, values in columns.items():
                        values.append(np.array(part.column(name)))
                    left -= len(part)
                    if not left:
                        break
                scratch.flush()
                self.images = np.memmap(scratch, np.uint8, mode="r", shape=(count, *FACE_SHAPE))
        self.index, self.labels, self.identities = (np.concatenate(v) for v in columns.values())

    def __len__(self) -> int:
        return len(self.images)

    def faces(
        self, rows: Tensor | np.ndarray | slice, device: torch.device | str = "cpu"
    ) -> Tensor:
        """Return the images of ``rows`` ``(M,)`` as float32 ``(M, 3, 64, 64)`` in [0, 1]."""
        rows = rows.cpu().numpy() if isinstance(rows, Tensor) else rows
        return from_uint8(self.images[rows], device)


def first_faces(path: str | os.PathLike[str], count: int) -> FaceTable:
    """Read the first ``count`` faces of the table at ``path``.

    Raises:
        InputError: the table has fewer faces.
    """
    faces = FaceTable(path, limit=count)
    if len(faces) < count:
        raise InputError(
            f"{count} faces are requested, but {path} contains only {len(faces)}; lower the "
            "`count` in `face_attacks.attacks` and `face_detection`, or give a source (`faces`) "
            "with more"
        )
    return faces
