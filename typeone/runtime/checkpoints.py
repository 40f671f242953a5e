"""Sidecar files with the progress of a job, so that a kill costs it half a minute.

A sidecar is one safetensors file (no pickle), written under a temporary name and renamed. It is
ignored if its digest of settings, code and data differs, or if a byte of it is damaged. A job that
has written its results marks its folder as finished, and the workflow removes the folder after a
successful run. A job resumed from a sidecar writes the same bytes as an undisturbed one, on the
same device and thread count.
"""

from __future__ import annotations

import json
import logging
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from typeone.runtime.artifacts import write_tensors

logger = logging.getLogger(__name__)

Item = TypeVar("Item")

FINISHED = "finished"  # the empty file that marks a folder; workflow/sidecars.py looks for it


class Resumable(Protocol):
    """State of a loop that can be saved and resumed."""

    def pack(self) -> dict[str, Tensor]:
        """Return all of the state, by name."""
        ...

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore the state that `pack` returned."""
        ...


class Checkpoint:
    """One sidecar of a job.

    Args:
        folder: folder of the file; created when first needed.
        digest: of everything that decides the result; a file with another digest is ignored.
        name: of the file, apart from its suffix.
        interval: minimum number of seconds between saves.
    """

    def __init__(
        self,
        folder: str | Path,
        digest: str,
        *,
        name: str = "checkpoint",
        interval: float = 30.0,
    ) -> None:
        self.path = Path(folder) / f"{name}.safetensors"
        self.digest, self.interval = digest, interval
        self.saved = time.monotonic()

    def part(self, name: str) -> Checkpoint:
        """Return the sidecar of a part of the job, in the same folder, kept until the job ends."""
        return Checkpoint(
            self.path.parent, self.digest, name=f"{self.path.stem}.{name}", interval=self.interval
        )

    def due(self) -> bool:
        return time.monotonic() - self.saved >= self.interval

    def save(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Save ``tensors`` and a JSON ``state`` in place of the previous ones."""
        stored = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
        text = json.dumps(state)
        note = {"digest": self.digest, "state": text, "check": _check(stored, text)}
        self.path.with_name(FINISHED).unlink(missing_ok=True)
        write_tensors(self.path, stored, note)
        self.saved = time.monotonic()
        logger.debug("saved %s", self.path)

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return the saved tensors, on the CPU, and state.

        None if no file of this digest can be read.
        """
        try:
            with safe_open(self.path, framework="pt") as file:
                note = file.metadata() or {}
                if note.get("digest") != self.digest:
                    logger.info("%s belongs to other settings, code or data: ignored", self.path)
                    return None
                tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
        except FileNotFoundError:
            return None
        except SafetensorError as error:
            logger.info("%s is unreadable (%s): ignored", self.path, error)
            return None
        text = note.get("state", "")
        if note.get("check") != _check(tensors, text):
            logger.info("%s is damaged: ignored", self.path)
            return None
        return tensors, json.loads(text)

    def finish(self) -> None:
        """Mark the folder, if there is one, as that of a job that has written its results.

        The sidecars stay. A job that is killed after this, but before the workflow has recorded its
        results, runs again and resumes from them.
        """
        if self.path.parent.is_dir():
            self.path.with_name(FINISHED).touch()


def _check(tensors: Mapping[str, Tensor], text: str) -> str:
    """Return the CRC-32 of all values and of ``text``: a power cut may lose what was written."""
    total = zlib.crc32(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        total = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), total)
        total = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, total)
    return f"{total:08x}"


def restored(stored: Tensor, whole: Tensor) -> Tensor:
    """Return ``stored``, some rows of ``whole``, on its device and with its memory layout.

    The layout decides which kernels run, and these round differently.
    """
    return torch.empty_like(whole[: len(stored)]).copy_(stored)


def each(
    checkpoint: Checkpoint | None,
    items: Iterable[Item],
    compute: Callable[[Item], dict[str, Tensor]],
) -> Iterator[dict[str, Tensor]]:
    """Yield the result of ``compute`` for each item, in order; results of a killed run are read.

    Results are saved together when the checkpoint is due, each once, in a part of its own.

    Args:
        items: the same ones, in the same order, in every run of the job.
        compute: called for an item after the caller has taken the previous result.
    """
    if checkpoint is None:
        yield from map(compute, items)
        return
    items, numbers, read = iter(items), count(), 0
    for number in numbers:
        part = checkpoint.part(str(number))
        found = part.load()
        if not found:
            break
        tensors, state = found
        if state["start"] != read:  # older than a part that was damaged and computed again
            break
        for i, names in enumerate(state["items"]):
            next(items)
            yield {name: tensors[f"{i}.{name}"] for name in names}
        read += len(state["items"])
    if read:
        logger.info("resumed after %d finished parts", read)
    fresh: list[dict[str, Tensor]] = []

    def save() -> None:
        tensors = {f"{i}.{name}": v for i, one in enumerate(fresh) for name, v in one.items()}
        part.save(tensors, {"start": read, "items": [list(one) for one in fresh]})

    for item in items:
        result = compute(item)
        fresh.append(result)
        if part.due():
            save()
            read += len(fresh)
            fresh.clear()
            part = checkpoint.part(str(next(numbers)))
        yield result
    if fresh:
        save()
