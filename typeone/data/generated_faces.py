"""Faces for those who have no photographs: a published generator draws, a published judge labels.

Beyond the paper, for its Section IV without CelebA: faces of 64 pixels reduced from what a
generator draws, with the gender that `typeone.models.age_gender` sees. Each is its own identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from typeone.data.faces import FACE_SHAPE
from typeone.data.images import to_uint8
from typeone.data.photographs import FacePart, area_resize
from typeone.runtime.checkpoints import Checkpoint, each
from typeone.runtime.devices import seeded
from typeone.runtime.logs import Progress


@dataclass
class Count:
    """How many faces were drawn, and of how many of them the judge was unsure."""

    drawn: int = 0
    unsure: int = 0


@torch.no_grad()
def generate_faces(
    generator: Callable[[Tensor], Tensor],
    judge: nn.Module,
    *,
    latent_dim: int,
    count: int,
    seed: int,
    batch: int,
    sure: float,
    device: torch.device | str,
    tally: Count,
    checkpoint: Checkpoint | None = None,
) -> Iterator[FacePart]:
    """``count`` faces in parts of at most ``batch``, fewer by those of unsure gender.

    Args:
        generator: latents ``(N, latent_dim)`` → images ``(N, 3, S, S)`` in [0, 1].
        judge: images ``(N, 3, 64, 64)`` in [0, 1] → logits ``(N, 3)``.
        sure: least probability of a gender that a face needs.
        seed: of the latents; each has a seed of its own, so that none depends on ``batch``.
        tally: counts what is drawn.
        checkpoint: the sidecar to resume from and save to.
    """
    seeds = torch.randint(2**31, (count,), generator=seeded(seed))
    say = Progress("generating faces", count)

    def sure_faces(rows: Tensor) -> dict[str, Tensor]:
        latent = [torch.randn(latent_dim, generator=seeded(int(seeds[row]))) for row in rows]
        drawn = generator(torch.stack(latent).to(device))
        images = to_uint8(area_resize(drawn, FACE_SHAPE[-1]))
        # the gender of what is stored; a judge may know «no face» as well
        chance = judge(images / 255)[:, :2].softmax(dim=1)
        taken = (chance.amax(dim=1) >= sure).cpu()
        labels = chance.argmax(dim=1).cpu()[taken]
        return {"who": rows[taken], "images": images.cpu()[taken], "labels": labels}

    parts = torch.arange(count).split(batch)
    for rows, part in zip(parts, each(checkpoint, parts, sure_faces), strict=True):
        who, images, labels = (part[k].numpy() for k in ("who", "images", "labels"))
        tally.drawn += len(rows)
        tally.unsure += len(rows) - len(who)
        if len(who):
            yield FacePart(who, images, labels, who)
        say(int(rows[-1]) + 1)
