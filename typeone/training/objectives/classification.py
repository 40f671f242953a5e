"""What a classifier of images minimises."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from typeone.training.loop import Objective
from typeone.training.losses import cross_entropy


def classification(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    vary: Callable[[Tensor], Tensor] | None = None,
) -> Objective:
    """Cross-entropy of ``model`` on ``images`` ``(N, C, H, W)``, each batch through ``vary``."""

    def objective(rows: Tensor, _epochs: float) -> dict[str, Tensor]:
        batch = images[rows]
        logits = model(vary(batch) if vary else batch)
        wrong = logits.detach().argmax(dim=1) != labels[rows]
        return {"loss": cross_entropy(logits, labels[rows]), "train_error": wrong.float()}

    return objective
