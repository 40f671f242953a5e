"""Attack the latents of a face generator: change the face, keep f1's identity (Eq. 13, IV-E)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from typeone.attacks.criteria import KeepIdentity
from typeone.attacks.frames import Followed, Frame
from typeone.attacks.latent import LatentAttackSettings, LatentResult, attack, distance_hinge
from typeone.data.images import to_uint8
from typeone.models.face_generators import FaceGenerator
from typeone.models.recognizers import Recognizer
from typeone.runtime.checkpoints import Checkpoint
from typeone.training.losses import embedding_distance


@torch.no_grad()
def walk_columns(
    recognizer: Recognizer,
    original: Tensor,
    latent: Tensor,
    result: LatentResult,
    settings: LatentAttackSettings,
    *,
    stranger: Tensor | None = None,
) -> dict[str, Tensor]:
    """Return the columns stored for N attacks, one row each.

    Columns are images as uint8 ``(N, 3, H, W)``, f1's distances between these, the first and last
    latents ``(N, D)``, and distance, hinge, steps and convergence ``(N,)``.

    Args:
        original: images of ``latent``, ``(N, 3, H, W)`` in [0, 1].
        latent: z, ``(N, D)``.
        stranger: an unrelated image for each; its distance from the original is stored as well.
    """

    def seen(images: Tensor) -> Tensor:
        return recognizer(images.float() / 255)

    image, adversarial = to_uint8(original), to_uint8(result.images)
    before = seen(image)
    moved = result.latent_end - latent
    columns = {
        "image": image,
        "adversarial_image": adversarial,
        "latent_start": latent,
        "latent_end": result.latent_end,
        "distance": embedding_distance(before, seen(adversarial)),
    }
    if stranger is not None:
        columns["stranger_distance"] = embedding_distance(before, seen(to_uint8(stranger)))
    return columns | {
        "latent_distance": moved.norm(dim=1),
        "hinge": distance_hinge(moved, settings.epsilon, settings.form),
        "steps": result.steps.int(),
        "converged": result.converged,
    }


def attacked_batches(
    gan: FaceGenerator,
    recognizer: Recognizer,
    latent: Tensor,
    start: Tensor,
    stranger: Tensor,
    settings: LatentAttackSettings,
    *,
    threshold: float,
    chunk: int,
    checkpoint: Checkpoint,
) -> Iterator[dict[str, Tensor]]:
    """Attack N latents; yield the position and the `walk_columns` of each ``chunk``.

    Args:
        latent, start, stranger: z, the first z' and an independent latent, ``(N, D)`` each.
        threshold: the largest distance at which f1 matches two images as one person.
        checkpoint: the sidecar to resume from and save to, with a part for each batch.
    """
    for rows in torch.arange(len(latent), device=latent.device).split(chunk):
        with torch.no_grad():
            original, other = gan(latent[rows]), gan(stranger[rows])
            embeddings = recognizer(original)
        result = attack(
            lambda moved, _rows: gan(moved),
            latent[rows],
            settings,
            keep=KeepIdentity(recognizer, embeddings, threshold),
            start=start[rows],
            checkpoint=checkpoint.part(str(int(rows[0]))),
        )
        columns = walk_columns(recognizer, original, latent[rows], result, settings, stranger=other)
        yield {"position": rows.int(), **columns}


def followed_attack(
    gan: FaceGenerator,
    recognizer: Recognizer,
    latent: Tensor,
    start: Tensor,
    settings: LatentAttackSettings,
    *,
    threshold: float,
    side: int,
    checkpoint: Checkpoint,
) -> tuple[dict[str, Tensor], list[Frame]]:
    """Attack one latent ``(1, D)``; return its `walk_columns` and a frame of each step.

    ``threshold``, ``checkpoint``: as in `attacked_batches`; ``side``: pixels of a frame's side.
    """
    with torch.no_grad():
        original = gan(latent)
        keep = KeepIdentity(recognizer, recognizer(original), threshold)
    followed = Followed(keep, side=side)
    result = attack(
        lambda moved, _rows: gan(moved),
        latent,
        settings,
        keep=followed,
        start=start,
        checkpoint=checkpoint,
        carried={"frames": followed},
    )
    return walk_columns(recognizer, original, latent, result, settings), followed.frames
