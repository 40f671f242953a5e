"""The audited network: a copy that is frozen, in eval mode and returns logits."""

from __future__ import annotations

import copy
from typing import Literal

import torch
from torch import Tensor, nn

from typeone.models.network_checks import (
    Adapted,
    are_probabilities,
    check_outputs,
    in_float32,
    sum_to_1,
)
from typeone.runtime.errors import InputError


class LogitsOf(nn.Module):
    """Logits of a network that returns probabilities.

    Their logarithm if they are those of a softmax, log(p / (1 - p)) if of a ``sigmoid``.
    """

    def __init__(self, network: nn.Module, *, sigmoid: bool) -> None:
        super().__init__()
        self.network, self.sigmoid = network, sigmoid

    def forward(self, images: Tensor) -> Tensor:
        probabilities = in_float32(self.network(images))
        least = torch.finfo(torch.float32)
        if not self.sigmoid:
            return probabilities.clamp_min(least.tiny).log()
        return probabilities.clamp(least.tiny, 1 - least.eps).logit()


@torch.no_grad()
def _probabilities(network: nn.Module, images: Tensor) -> Tensor | None:
    """Return the outputs of a network that can be called, if two classes or more have one each."""
    try:
        outputs = in_float32(network(images.clone()))
    except Exception:  # user code can raise anything; `check_outputs` reports it
        return None
    if not isinstance(outputs, Tensor) or outputs.ndim != 2 or outputs.shape[1] < 2:
        return None
    return outputs if are_probabilities(outputs) else None


def audited(
    network: nn.Module,
    images: Tensor,
    *,
    who: str,
    classes: int | None = None,
    gives: Literal["logits", "embeddings"] = "logits",
) -> tuple[nn.Module, list[str]]:
    """Return a copy of ``network`` that attacks can use, and warnings about the network.

    Args:
        network: images → logits or probabilities ``(N, classes)``, or embeddings ``(N, D)``; it is
            left as it is.
        images: some images like those of the audit, ``(N, C, H, W)`` in [0, 1].
        who: name of the network in messages.

    Raises:
        InputError: the network cannot be copied or attacked.
    """
    if not isinstance(network, nn.Module):
        raise InputError(f"{who}, which is no torch.nn.Module; needs one")
    warnings = []
    try:
        with torch.no_grad():  # the parameters of a copied ScriptModule would have a history
            mine = copy.deepcopy(network)
    except Exception as error:  # user code can raise anything
        raise InputError(
            f"{who}, which cannot be copied ({type(error).__name__}: {error}); needs a module that "
            "copy.deepcopy accepts, so that the audit leaves yours unchanged"
        ) from error
    if any(module.training for module in mine.modules()):
        warnings.append("The network was in training mode; it was audited in eval mode.")
    mine = mine.eval().to(images.device)
    for parameter in mine.parameters():  # a ScriptModule has no requires_grad_
        parameter.requires_grad_(False)
    few = images[:64]
    if gives == "logits" and (found := _probabilities(mine, few)) is not None:
        sigmoid = not sum_to_1(found)
        used = "log(p / (1 - p)), as of sigmoids," if sigmoid else "their logarithm"
        warnings.append(
            f"The network returns probabilities; {used} was used as logits. Where a probability is "
            "rounded to 0 or 1, no attack has a gradient."
        )
        mine = LogitsOf(mine, sigmoid=sigmoid)
    mine = Adapted(mine, few).eval()
    check_outputs(mine, few, who=who, classes=classes, gives=gives)
    return mine, warnings
