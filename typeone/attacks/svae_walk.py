"""The latents that Algorithm 2 moves, decoded with an offset and with detail of the originals.

Variant `ours_detail` of faces adds to each decoded image what the reconstruction f_dec(z_0) lacks
of x, so that only what the decoder changes is as blurred as the decoder.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from typeone.attacks.descent import Ends, Moment, Terms, Walk
from typeone.attacks.svae_settings import SvaeAttackSettings
from typeone.models.svae import SupervisedVAE
from typeone.runtime.checkpoints import restored

LEAST = 0.02
"""Least distance of a pixel of x from 0 and 1 in `missing_detail`: at 0 its logit is infinite."""


@torch.no_grad()
def missing_detail(svae: SupervisedVAE, images: Tensor, latent: Tensor) -> Tensor:
    """Return what decoded ``latent`` ``(N, D)`` lacks of ``images``, in logits, ``(N, C, H, W)``.

    ASSUME: beyond the paper; pixels of ``images`` are clamped to [`LEAST`, 1 - `LEAST`].
    """
    return torch.logit(images.clamp(LEAST, 1 - LEAST)) - svae.decode_logits(latent)


class SvaeWalk(Walk):
    """A walk of ``latent`` ``(M, D)``, and of ``offset`` ``(M, C, H, W)`` if ``offset_lr`` is set.

    Attributes:
        k: the weight of J1, ``(M,)``.
        detail: added to the pixel logits of all N examples, ``(N, C, H, W)``, or None.
    """

    def __init__(
        self,
        svae: SupervisedVAE,
        latent: Tensor,
        settings: SvaeAttackSettings,
        originals: Tensor | None,
    ) -> None:
        self.svae = svae
        self.detail = None
        if originals is not None and settings.detail > 0:
            self.detail = settings.detail * missing_detail(svae, originals, latent)
        moving = {"latent": latent.clone()}
        if settings.offset_lr > 0:
            moving["offset"] = torch.zeros_like(svae.decode_logits(latent))
        rates = {"latent": settings.lr, "offset": settings.offset_lr}
        super().__init__(moving, rates, settings.beta2)
        self.k = latent.new_full((len(latent),), min(settings.k_start, settings.k_max))

    def decode(self, chosen: Tensor | slice = slice(None)) -> Tensor:
        """Decode the ``chosen`` examples: f_dec(z), with detail and offset if there are any."""
        latent = self.moving["latent"][chosen]
        if "offset" not in self.moving and self.detail is None:
            return self.svae.decode(latent)
        logits = self.svae.decode_logits(latent)
        if self.detail is not None:
            logits = logits + self.detail[self.rows[chosen]]
        if "offset" in self.moving:
            logits = logits + self.moving["offset"][chosen]
        return torch.sigmoid(logits)

    def keep(self, stay: Tensor) -> None:
        super().keep(stay)
        self.k = self.k[stay]

    def state(self) -> list[Tensor]:
        return [*super().state(), self.k]

    def pack(self) -> dict[str, Tensor]:
        return super().pack() | {"k": self.k}

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        super().unpack(tensors)
        self.k = restored(tensors["k"], self.k)


class SvaeEnds(Ends):
    """`Ends` that also record the weight of J1, ``k`` ``(N,)``."""

    walk: SvaeWalk

    def __init__(self, walk: SvaeWalk) -> None:
        super().__init__(walk)
        self.k = walk.k.clone()

    def note(self, moment: Moment[Terms], images: Tensor) -> None:
        super().note(moment, images)
        self.k[self.walk.rows[moment.leaving]] = self.walk.k[moment.leaving]

    def pack(self) -> dict[str, Tensor]:
        return super().pack() | {"k": self.k}

    def unpack(self, tensors: Mapping[str, Tensor]) -> None:
        super().unpack(tensors)
        self.k = tensors["k"].to(self.k.device)
