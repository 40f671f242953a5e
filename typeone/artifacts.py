"""Files that cross a rule: Parquet tables and safetensors checkpoints.

Every file is written under a temporary name and renamed, so a reader never sees half of one.
Images are fixed-size binary columns of row-major uint8, latents fixed-size lists of float32; the
trailing shape of each stands in the schema metadata, so that a reader gets back the same array.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from typeone.errors import InputError

if TYPE_CHECKING:  # tables and figures read artifacts without paying for torch
    import pandas as pd
    import torch

_KEY = b"typeone"


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary name beside ``path``; rename it to ``path`` if the block succeeds."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@dataclass(frozen=True)
class Records:
    """A table in memory: one NumPy array a column, all of one length, and what was said of them."""

    columns: dict[str, np.ndarray]
    metadata: dict[str, Any]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def frame(self) -> pd.DataFrame:
        """The one-dimensional columns as a data frame (images and latents left out)."""
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

    Arrays of more than one axis must be uint8 (images) or floating (latents, logits).
    ``metadata`` must be JSON; the same columns and metadata give the same bytes.
    """
    arrays = {name: np.asarray(values) for name, values in columns.items()}
    shapes = {name: list(a.shape[1:]) for name, a in arrays.items() if a.ndim > 1}
    note = json.dumps({**(metadata or {}), "shapes": shapes}, sort_keys=True)
    table = pa.table({name: _encode(a) for name, a in arrays.items()})
    with atomic_path(path) as temporary:
        pq.write_table(
            table.replace_schema_metadata({_KEY: note.encode()}),
            temporary,
            compression="zstd",
            write_page_checksum=True,
        )


def write_rows(
    path: str | os.PathLike[str], rows: Sequence[Mapping[str, Any]] | pd.DataFrame
) -> None:
    """Write ``rows``, one mapping a row or a data frame, as a table; what a row lacks is NaN."""
    import pandas as pd

    frame = pd.DataFrame(rows)
    write_parquet(path, {name: frame[name].to_numpy() for name in frame})


def read_parquet(
    path: str | os.PathLike[str],
    *,
    columns: Sequence[str] | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
) -> Records:
    """Read a table written by `write_parquet`.

    ``columns`` are those wanted (all when None); ``shapes`` are the trailing shapes that must hold,
    for instance ``{"image": (1, 28, 28)}``.

    Raises:
        InputError: the file is missing or no Parquet file, lacks a column, or an array has
            another shape than the caller can use.
    """
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
        table = file.read()
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; run the rule that makes it") from error
    except (pa.ArrowInvalid, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} is no readable Parquet file ({reason}); delete it") from error
    missing = [name for name in columns or () if name not in table.column_names]
    if missing:
        raise InputError(
            f"{path} has no column {', '.join(missing)} (it has {', '.join(table.column_names)}); "
            "delete it, it was made by other code"
        )
    note = json.loads((file.metadata.metadata or {}).get(_KEY, b"{}"))
    stored = note.get("shapes", {})
    for name, shape in (shapes or {}).items():
        if name in table.column_names and list(stored.get(name, [])) != list(shape):
            raise InputError(
                f"{path}: column {name} holds arrays of shape {tuple(stored.get(name, []))}, "
                f"needs {tuple(shape)}; delete the file or give data of that shape"
            )
    wanted = columns or table.column_names
    return Records({name: _decode(table[name], stored.get(name)) for name in wanted}, note)


def save_model(
    path: str | os.PathLike[str], model: torch.nn.Module, *, metadata: Mapping[str, Any]
) -> None:
    """Write a model's tensors, and ``metadata`` (JSON) with its architecture, into one file."""
    from safetensors.torch import save_file

    tensors = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, {"typeone": json.dumps(dict(metadata), sort_keys=True)})


def read_model_metadata(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What `save_model` was told about a checkpoint, without reading its tensors."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return json.loads((file.metadata() or {}).get("typeone", "{}"))
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; run the rule that makes it") from error
    except (SafetensorError, json.JSONDecodeError) as error:
        raise InputError(f"{path} is no safetensors checkpoint ({error}); delete it") from error


def load_model(path: str | os.PathLike[str], model: torch.nn.Module) -> dict[str, Any]:
    """Fill ``model`` from a checkpoint, put it in eval mode, return the checkpoint's metadata.

    Raises:
        InputError: no checkpoint, or one of another architecture.
    """
    from safetensors.torch import load_file

    metadata = read_model_metadata(path)
    architecture = metadata.get("architecture", "unnamed")
    fill_model(model, load_file(path), name=str(path), architecture=architecture)
    return metadata


def fill_model(
    model: torch.nn.Module,
    tensors: Mapping[str, torch.Tensor],
    *,
    name: str,
    architecture: str,
    remedy: str = "delete it or name the right architecture",
) -> None:
    """Give ``model`` the ``tensors`` and put it in eval mode; an error calls them ``name``.

    Raises:
        InputError: they are those of another architecture.
    """
    wanted = {k: tuple(v.shape) for k, v in model.state_dict().items()}
    found = {k: tuple(v.shape) for k, v in tensors.items()}
    if wanted != found:
        odd = sorted(k for k in wanted.keys() | found.keys() if wanted.get(k) != found.get(k))
        first = odd[0]
        raise InputError(
            f"{name} holds another architecture ({architecture}) than "
            f"{type(model).__name__}: {first} is {found.get(first, 'absent')}, needs "
            f"{wanted.get(first, 'absent')} ({len(odd)} tensors differ); {remedy}"
        )
    model.load_state_dict(tensors)
    model.eval()


def digest(*values: Any, files: Sequence[str | os.PathLike[str]] = ()) -> str:
    """SHA-256 of JSON ``values`` and of the bytes of ``files``."""
    total = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for path in files:
        with open(path, "rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()
