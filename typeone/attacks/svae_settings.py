"""Settings of Algorithm 2 and of its variant `ours`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from typeone.runtime.ranges import (
    COUNT,
    DECAY,
    WEIGHT,
    WHOLE,
    Allowed,
    one_of,
    require_all,
)

WEIGHTS = (
    *("alpha", "gamma", "eta", "target_loss", "k_start", "k_max", "image_weight"),
    *("reencode_weight", "density_weight", "image_target_loss", "detail", "offset_lr"),
    "offset_weight",
)
ALLOWED = {
    **dict.fromkeys(WEIGHTS, WEIGHT),
    **{"steps": WHOLE, "lr": WEIGHT, "beta2": DECAY, "check_every": COUNT, "jitter": WHOLE},
    "beta": Allowed(words=("ratio",)),
    "k_driver": one_of("f1", "discriminator"),
    "manifold": one_of("probability", "log"),
    "patience": Allowed(low=1, whole=True, none=True),
}
"""Values of the settings of Algorithm 2."""


@dataclass(frozen=True, kw_only=True)
class SvaeAttackSettings:
    """Settings of Algorithm 2, in the paper's symbols.

    Attributes:
        steps: the maximum number of updates of z in one attempt.
        lr: Adam's learning rate on z; with 0 only the offset moves.
        beta2: Adam's second-moment decay. It sets how soon f1 has an effect: gradients of the first
            steps are thousands of times larger and keep the steps small until they have decayed.
        alpha: weight of the discriminator term.
        gamma: weight of ||z||_2.
        eta: step of k in Eq. 10.
        beta: a constant, or ``ratio`` for Eq. 11.
        target_loss: J1 hat of Eq. 10.
        k_start: k before the first step; 0 in the paper.
        k_max: k is clipped to [0, k_max].
        k_driver: driver of k in Eq. 10. ``f1`` is J1 (paper); ``discriminator`` is f_dis, as in the
            authors' code for faces by mistake, so that k does not depend on f1.
        manifold: form of the discriminator term, see `manifold_penalty`.
        patience: steps an example must hold success before it leaves; None runs all steps.
        check_every: steps between convergence checks.
        image_weight: weight of the attackers' cross-entropy on the image; 0 in the paper.
        reencode_weight: weight of f2's cross-entropy on the re-encoded image; 0 in the paper.
        density_weight: weight of the image's -ELBO under a density model, per nat; 0 in the paper.
        image_target_loss: the largest value of either on a converged image, nats.
        attackers_in_turn: whether one attacker is asked at a step, in turn, instead of all.
        jitter: pixels by which the attackers' view is shifted from step to step, see `shifted`.
        detail: share of what the reconstruction of x lacks, in pixel logits, that is added to every
            decoded image; 0 in the paper. With 1 the walk starts at x itself.
        offset_lr: Adam's learning rate on the offset of the pixel logits; 0 (paper): no offset.
        offset_weight: weight of the offset's mean square.

    Raises:
        InputError: a value is not in `ALLOWED`.
    """

    steps: int
    lr: float
    beta2: float
    alpha: float
    gamma: float
    eta: float
    beta: float | Literal["ratio"]
    target_loss: float
    k_start: float = 0.0
    k_max: float
    k_driver: Literal["f1", "discriminator"] = "f1"
    manifold: Literal["probability", "log"]
    patience: int | None
    check_every: int = 10
    image_weight: float = 0.0
    reencode_weight: float = 0.0
    density_weight: float = 0.0
    image_target_loss: float = 0.0
    attackers_in_turn: bool = False
    jitter: int = 0
    detail: float = 0.0
    offset_lr: float = 0.0
    offset_weight: float = 0.0

    def __post_init__(self) -> None:
        require_all(self, ALLOWED)

    @property
    def judges_images(self) -> bool:
        """Whether the objective has a term on the image beside f1's."""
        return max(self.image_weight, self.reencode_weight, self.density_weight) > 0
