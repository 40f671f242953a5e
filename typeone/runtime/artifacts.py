"""Files that pass between rules: Parquet tables and safetensors checkpoints.

Every file is written under a temporary name and renamed, so a reader never sees half of one. Its
stamp contains the format, the rule with its code and params, and a digest of the content. Readers
refuse a file without a stamp or with other content. A stamp contains no time and no path, so the
same job writes the same bytes again.

Images are fixed-size binary columns of row-major uint8, latents fixed-size lists of float32. The
trailing shape of each is in the schema metadata, so a reader gets back the same array.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from typeone.runtime.atomic_files import atomic_path
from typeone.runtime.errors import InputError
from typeone.runtime.stamps import KEY, REMEDY, check_stamp, stamped, unstamped

if TYPE_CHECKING:  # tables and figures read artifacts without importing torch
    import pandas as pd
    import torch


def contents(schema: pa.Schema, rows: int) -> list[Any]:
    """Return what a table's stamp covers; its values have their own checksums, one per page."""
    types = (
        f"{kind.value_type}[{kind.list_size}]" if pa.types.is_fixed_size_list(kind) else str(kind)
        for kind in schema.types  # without the name that Parquet gives the elements of a list
    )
    return [rows, *map(list, zip(schema.names, types, strict=True))]


@dataclass(frozen=True)
class Records:
    """A table in memory: one NumPy array per column, all of one length, and its metadata."""

    columns: dict[str, np.ndarray]
    metadata: dict[str, Any]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def frame(self) -> pd.DataFrame:
        """Return the one-dimensional columns as a data frame (images and latents left out)."""
        import pandas as pd

        return pd.DataFrame({k: v for k, v in self.columns.items() if v.ndim == 1})


def _encode(values: np.ndarray) -> pa.Array:
    values = np.ascontiguousarray(values)
    if values.ndim == 1:
        return pa.array(values)
    width = int(np.prod(values.shape[1:]))
    flat = values.reshape(len(values), width)
    if values.dtype == np.uint8:
        return pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(width), len(flat), [None, pa.py_buffer(flat.tobytes())]
        )
    return pa.FixedSizeListArray.from_arrays(pa.array(flat.reshape(-1)), width)


def _decode(column: pa.ChunkedArray, shape: Sequence[int] | None) -> np.ndarray:
    kind = column.type
    if pa.types.is_fixed_size_binary(kind):
        flat = np.frombuffer(b"".join(column.to_pylist()), dtype=np.uint8)
        return flat.reshape(len(column), *(shape or (kind.byte_width,)))
    if pa.types.is_fixed_size_list(kind):
        flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
        return flat.reshape(len(column), *(shape or (kind.list_size,)))
    return column.to_numpy()


def write_parquet(
    path: str | os.PathLike[str],
    columns: Mapping[str, np.ndarray | Sequence[Any]],
    *,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write ``columns`` (each ``(N,)`` or ``(N, ...)``) as one Parquet table.

    Arrays of more than one axis must be uint8 (images) or floating (latents, logits). ``metadata``
    must be JSON. The same columns and metadata give the same bytes.
    """
    arrays = {name: np.asarray(values) for name, values in columns.items()}
    shapes = {name: list(a.shape[1:]) for name, a in arrays.items() if a.ndim > 1}
    table = pa.table({name: _encode(a) for name, a in arrays.items()})
    note = {**(metadata or {}), "shapes": shapes}
    text = stamped(note, kind="table", content=contents(table.schema, len(table)))
    with atomic_path(path) as temporary:
        pq.write_table(
            table.replace_schema_metadata({KEY: text}),
            temporary,
            compression="zstd",
            write_page_checksum=True,
        )


def write_rows(
    path: str | os.PathLike[str], rows: Sequence[Mapping[str, Any]] | pd.DataFrame
) -> None:
    """Write ``rows``, one mapping per row or a data frame, as a table; missing values are NaN."""
    import pandas as pd

    frame = pd.DataFrame(rows)
    write_parquet(path, {name: frame[name].to_numpy() for name in frame})


@contextmanager
def open_table(path: str | os.PathLike[str]) -> Iterator[tuple[pq.ParquetFile, dict[str, Any]]]:
    """Open a table written by this module, with its metadata; values are checked when read.

    Raises:
        InputError: the file is missing, foreign, or cannot be read, here or in the block.
    """
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
        text = (file.metadata.metadata or {}).get(KEY.encode())
        note, stamp = unstamped(path, text, kind="table")
        groups = range(file.metadata.num_row_groups)
        rows = sum(file.metadata.row_group(i).num_rows for i in groups)
        for count in {rows, file.metadata.num_rows}:
            check_stamp(path, note, stamp, contents(file.schema_arrow, count))
        yield file, note
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; run the rule that makes it") from error
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} is not a readable Parquet file ({reason}); {REMEDY}") from error


def read_parquet(
    path: str | os.PathLike[str],
    *,
    columns: Sequence[str] | Mapping[str, type[np.generic]] | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
) -> Records:
    """Read a table written by `write_parquet`.

    ``columns`` are those wanted (all when None), optionally with the required type of their values,
    for instance ``{"image": np.uint8, "label": np.integer}``. ``shapes`` are the required trailing
    shapes, for instance ``{"image": (1, 28, 28)}``.

    Raises:
        InputError: the file is missing, damaged, foreign or not a Parquet file, lacks a column, or
            has a column of another type or shape than required.
    """
    with open_table(path) as (file, note):
        table = file.read()
    if missing := [name for name in columns or () if name not in table.column_names]:
        raise InputError(
            f"{path} has no column {', '.join(missing)} (it has {', '.join(table.column_names)}); "
            "delete it, it was made by other code"
        )
    stored = note.get("shapes", {})
    if not (isinstance(stored, dict) and all(isinstance(v, list) for v in stored.values())):
        raise InputError(f"{path} records invalid shapes ({stored!r}); {REMEDY}")
    for name, shape in (shapes or {}).items():
        if name in table.column_names and list(stored.get(name, [])) != list(shape):
            raise InputError(
                f"{path}: column {name} contains arrays of shape {tuple(stored.get(name, []))}, "
                f"needs {tuple(shape)}; delete the file or give data of that shape"
            )
    wanted = columns or table.column_names
    try:
        found = {name: _decode(table[name], stored.get(name)) for name in wanted}
    except (TypeError, ValueError, pa.ArrowException) as error:
        raise InputError(
            f"{path} does not contain arrays of the recorded shapes ({error}); {REMEDY}"
        ) from error
    for name, kind in columns.items() if isinstance(columns, Mapping) else ():
        if not np.issubdtype(found[name].dtype, kind):
            raise InputError(
                f"{path}: column {name} contains values of type {table[name].type}, needs "
                f"{kind.__name__}; {REMEDY}"
            )
    return Records(found, note)


def read_frame(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Return the one-dimensional columns of a table, see `read_parquet`."""
    return read_parquet(path).frame()


def save_model(
    path: str | os.PathLike[str], model: torch.nn.Module, *, metadata: Mapping[str, Any]
) -> None:
    """Write a model's tensors, and ``metadata`` (JSON) with its architecture, into one file."""
    tensors = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    # one metadata entry: the order of several would change from run to run
    text = stamped(metadata, kind="checkpoint", content=_digest_of(tensors))
    write_tensors(path, tensors, {KEY: text})


def write_tensors(
    path: str | os.PathLike[str], tensors: Mapping[str, torch.Tensor], note: Mapping[str, str]
) -> None:
    """Write contiguous ``tensors`` of the CPU and ``note`` as a safetensors file."""
    from safetensors.torch import save

    with atomic_path(path) as temporary:  # save_file would raise a SafetensorError on a full disk
        temporary.write_bytes(save(dict(tensors), dict(note)))


def _digest_of(tensors: Mapping[str, torch.Tensor]) -> str:
    """Return the SHA-256 of names, types, shapes and values, independent of their order."""
    import torch

    total = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()


def read_model_metadata(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the metadata of a checkpoint written by `save_model`, without reading its tensors."""
    return _read_note(path)[0]


def _read_note(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the note and the stamp of a checkpoint without reading its tensors."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get(KEY)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; run the rule that makes it") from error
    except SafetensorError as error:
        raise InputError(f"{path} is not a safetensors checkpoint ({error}); {REMEDY}") from error
    return unstamped(path, text, kind="checkpoint")


def _read_checkpoint(
    path: str | os.PathLike[str],
) -> tuple[dict[str, Any], dict[str, Any], dict[str, torch.Tensor]]:
    """Return the note, the stamp and the tensors of a checkpoint, checked against the stamp."""
    from safetensors.torch import load_file

    note, stamp = _read_note(path)
    tensors = load_file(path)
    check_stamp(path, note, stamp, _digest_of(tensors))
    return note, stamp, tensors


def load_model(path: str | os.PathLike[str], model: torch.nn.Module) -> dict[str, Any]:
    """Fill ``model`` from a checkpoint, put it in eval mode, return the checkpoint's metadata.

    Raises:
        InputError: the file is not a checkpoint of ours, is damaged, or has another architecture.
    """
    metadata, _, tensors = _read_checkpoint(path)
    architecture = metadata.get("architecture", "unnamed")
    fill_model(model, tensors, name=str(path), architecture=architecture)
    return metadata


def fill_model(
    model: torch.nn.Module,
    tensors: Mapping[str, torch.Tensor],
    *,
    name: str,
    architecture: str,
    remedy: str = "delete it or name the right architecture",
) -> None:
    """Load ``tensors`` into ``model`` and put it in eval mode; errors call them ``name``.

    Raises:
        InputError: they are those of another architecture.
    """
    wanted = {k: tuple(v.shape) for k, v in model.state_dict().items()}
    found = {k: tuple(v.shape) for k, v in tensors.items()}
    if wanted != found:
        odd = sorted(k for k in wanted.keys() | found.keys() if wanted.get(k) != found.get(k))
        first = odd[0]
        raise InputError(
            f"{name} contains another architecture ({architecture}) than {type(model).__name__}: "
            f"{first} is {found.get(first, 'absent')}, needs "
            f"{wanted.get(first, 'absent')} ({len(odd)} tensors differ); {remedy}"
        )
    model.load_state_dict(tensors)
    model.eval()


def inspect(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the stamp of a table (.parquet) or checkpoint (.safetensors) after reading all of it.

    It contains ``rule`` and ``digest`` if the file was written within `made_by`.

    Raises:
        InputError: the file is missing, damaged or foreign.
    """
    if Path(path).suffix == ".safetensors":
        return _read_checkpoint(path)[1]
    with open_table(path) as (file, _):
        file.read()
        return unstamped(path, file.metadata.metadata[KEY.encode()], kind="table")[1]
