"""Where do the faces come from, who is on them, and who may learn from whom? (Section IV, CelebA.)

Every source gives four splits that share no identity, part by part, so that 200,000 images are
never in memory at once: `train` for the SVAE and the recognizer, `judge` for the judges of gender
alone, `validation` for all that is chosen, `test` for what is attacked and reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import torch

from typeone.devices import seeded
from typeone.images import to_uint8
from typeone.synthetic_faces import draw_identities, draw_views, render

SPLITS = ("train", "judge", "validation", "test")
PART = 512  # faces in memory at once


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


def synthetic_parts(
    split: str,
    *,
    seed: int,
    identities: Mapping[str, int],
    images: Mapping[str, int],
    limit: int | None = None,
) -> Iterator[FacePart]:
    """Drawn faces of ``split``: so many ``images`` each of so many ``identities``, shuffled.

    A split depends on its own counts and the seed alone, its first faces not on ``limit``.
    """
    before = SPLITS[: SPLITS.index(split)]
    first_identity = sum(identities[name] for name in before)
    first_index = sum(identities[name] * images[name] for name in before)
    seeds = torch.randint(2**31, (len(SPLITS),), generator=seeded(seed))
    generator = seeded(int(seeds[SPLITS.index(split)]))
    people, labels = draw_identities(identities[split], generator)
    order = torch.randperm(identities[split] * images[split], generator=generator)
    for rows in order[:limit].split(PART):
        who = rows // images[split]
        drawn = render(people.rows(who), draw_views(len(rows), generator))
        yield FacePart(
            (first_index + rows).numpy(),
            torch.cat([to_uint8(faces) for faces in drawn]).numpy(),
            labels[who].numpy(),
            (first_identity + who).numpy(),
        )
