"""Training objective of an image classifier."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from typeone.training.losses import cross_entropy
from typeone.training.steps import Objective


def classification(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    vary: Callable[[Tensor], Tensor] | None = None,
) -> Objective:
    """Return the cross-entropy of ``model`` on ``images`` ``(N, C, H, W)`` and ``labels`` ``(N,)``.

    ``vary``: augmentation of each batch.
    """

    def objective(rows: Tensor, _epochs: float | Tensor) -> dict[str, Tensor]:
        batch = images[rows]
        logits = model(vary(batch) if vary else batch)
        wrong = logits.detach().argmax(dim=1) != labels[rows]
        return {"loss": cross_entropy(logits, labels[rows]), "train_error": wrong.float()}

    return objective
