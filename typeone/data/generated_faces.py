"""Generate labelled faces without photographs: by a published generator and a published judge.

Not in the paper; it replaces CelebA in Section IV. Generated faces are resized to 64 pixels and
labelled with the gender predicted by `typeone.models.age_gender`. Each has its own identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from typeone.data.images import to_uint8
from typeone.data.photographs import FacePart, area_resize
from typeone.data.shapes import FACE_SHAPE
from typeone.runtime.checkpoints import Checkpoint, each
from typeone.runtime.devices import seeded
from typeone.runtime.logs import Progress


@dataclass
class Count:
    """Number of generated faces, and of those rejected because the judge was unsure."""

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
    """Generate ``count`` faces in parts of at most ``batch``; drop faces of unsure gender.

    Args:
        generator: latents ``(N, latent_dim)`` → images ``(N, 3, S, S)`` in [0, 1].
        judge: images ``(N, 3, 64, 64)`` in [0, 1] → logits ``(N, 3)``.
        sure: the least probability of a gender for a face to be kept.
        seed: seed of the latents; each latent has its own seed, independent of ``batch``.
        tally: updated with the numbers of generated and unsure faces.
        checkpoint: the sidecar to resume from and save to.
    """
    seeds = torch.randint(2**31, (count,), generator=seeded(seed))
    say = Progress("generating faces", count)

    def sure_faces(rows: Tensor) -> dict[str, Tensor]:
        latent = [torch.randn(latent_dim, generator=seeded(int(seeds[row]))) for row in rows]
        drawn = generator(torch.stack(latent).to(device))
        images = to_uint8(area_resize(drawn, FACE_SHAPE[-1]))
        # judge the stored uint8 image; column 2, "no face", is ignored
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
