"""Sources of faces with identity-disjoint splits (Section IV, CelebA).

Every source yields four splits in parts, so that 200,000 images are never in memory at once:
`train` for the SVAE and the recognizer, `judge` for the face judges only, `validation` for model
selection and thresholds, `test` for attacks and reported results.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, Protocol

import numpy as np
import torch

from typeone.data.celeba import open_celeba
from typeone.data.face_folder import open_folder
from typeone.data.face_tables import SPLITS
from typeone.data.face_traits import draw_identities, draw_views
from typeone.data.faces import FaceTable, FaceWriter
from typeone.data.images import to_uint8
from typeone.data.lfw_faces import open_lfw
from typeone.data.photographs import PART, SHARES, FacePart
from typeone.data.synthetic_faces import render
from typeone.runtime.devices import seeded
from typeone.runtime.errors import InputError
from typeone.runtime.logs import logger

Source = Literal["synthetic", "celeba", "lfw", "folder", "generated"]


class FaceSource(Protocol):
    """A source of faces."""

    def parts(self, split: str, *, limit: int | None) -> Iterator[FacePart]:
        """Yield the first ``limit`` faces of ``split``, or all."""

    def notes(self) -> Mapping[str, Any]:
        """Return metadata for the tables of the faces."""


class SyntheticFaces:
    """Synthetic faces, shuffled: ``images`` of each of ``identities`` people, counts by split.

    The faces of a split depend only on its counts and the seed, and not on a limit.
    """

    def __init__(
        self, *, seed: int, identities: Mapping[str, int], images: Mapping[str, int]
    ) -> None:
        self.seed, self.identities, self.images = seed, identities, images

    def parts(self, split: str, *, limit: int | None) -> Iterator[FacePart]:
        people_count, views_each = self.identities[split], self.images[split]
        before = SPLITS[: SPLITS.index(split)]
        first_identity = sum(self.identities[name] for name in before)
        first_index = sum(self.identities[name] * self.images[name] for name in before)
        seeds = torch.randint(2**31, (len(SPLITS),), generator=seeded(self.seed))
        generator = seeded(int(seeds[SPLITS.index(split)]))
        people, labels = draw_identities(people_count, generator)
        order = torch.randperm(people_count * views_each, generator=generator)
        for rows in order[:limit].split(PART):
            who = rows // views_each
            drawn = render(people.rows(who), draw_views(len(rows), generator))
            yield FacePart(
                (first_index + rows).numpy(),
                torch.cat([to_uint8(faces) for faces in drawn]).numpy(),
                labels[who].numpy(),
                (first_identity + who).numpy(),
            )

    def notes(self) -> dict[str, Any]:
        return {"seed": self.seed}


class GeneratedFaces:
    """Faces from a generator (`typeone.data.generated_faces`), each with its own identity.

    Args:
        table: path of the table of faces.
    """

    def __init__(self, table: str | os.PathLike[str]) -> None:
        self.table = FaceTable(table)

    def parts(self, split: str, *, limit: int | None) -> Iterator[FacePart]:
        table, place = self.table, SPLITS.index(split)
        edges = np.rint(np.cumsum((0, *SHARES)) * len(table)).astype(int)
        rows = np.arange(edges[place], edges[place + 1])[:limit]
        for start in range(0, len(rows), PART):
            at = rows[start : start + PART]
            yield FacePart(
                table.index[at], table.images[at], table.labels[at], table.identities[at]
            )

    def notes(self) -> dict[str, Any]:
        return {k: self.table.metadata[k] for k in ("seed", "drawn", "unsure")}


def open_faces(source: Source, settings: Mapping[str, Any]) -> FaceSource:
    """Open the source of that name with its settings.

    Raises:
        InputError: the name is unknown, or the source cannot be read.
    """
    kinds: dict[str, Callable[..., FaceSource]] = {
        "synthetic": SyntheticFaces,
        "celeba": open_celeba,
        "lfw": open_lfw,
        "folder": open_folder,
        "generated": GeneratedFaces,
    }
    if source not in kinds:
        raise InputError(f"`faces.source` is {source!r}; needs one of {', '.join(kinds)}")
    return kinds[source](**settings)


def write_faces(
    source: FaceSource,
    outputs: Mapping[str, str | os.PathLike[str]],
    *,
    limit: Mapping[str, int | None],
    metadata: Mapping[str, Any],
) -> None:
    """Write every split of ``source`` to the path of its name in ``outputs``, part by part.

    Raises:
        InputError: a split has no face, or none of a gender.
    """
    for split in SPLITS:
        shown: set[int] = set()
        with FaceWriter(outputs[split]) as table:
            for part in source.parts(split, limit=limit[split]):
                shown |= set(part.labels.tolist())
                table.write(*part)
            if not table.count:
                raise InputError(
                    f"`faces.source` {metadata['source']} leaves the split {split} empty; needs "
                    "faces of more people"
                )
            if len(shown) == 1:
                raise InputError(
                    f"`faces.source` {metadata['source']} has only "
                    f"{'female' if shown == {0} else 'male'} faces in the split {split}; needs "
                    "both: attacks go from one to the other"
                )
            table.metadata = {**metadata, "dataset": "faces", "split": split, **source.notes()}
        logger.info("%s: %d faces", split, table.count)
