"""Check that a user-defined network meets the requirements of the attacks.

A network is used unchanged or rejected with a one-line error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from typeone.runtime.errors import InputError

TOO_MANY_WRONG = 0.5
"""Share of clean images that a network gets wrong above which it is refused."""

IN_PLACE = "needs its input unchanged: begin its forward with images = images.clone()"


class Adapted(nn.Module):
    """Wrap a network so that it returns float32 and accepts images of any memory format.

    Args:
        network: images ``(N, C, H, W)`` → logits or embeddings of any float type.
        images: example images for the network, ``(N, C, H, W)``.
    """

    def __init__(self, network: nn.Module, images: Tensor) -> None:
        super().__init__()
        self.network, self.wants_contiguous = network, _wants_contiguous(network, images)
        self.training = network.training

    def forward(self, images: Tensor) -> Tensor:
        outputs = self.network(images.contiguous() if self.wants_contiguous else images)
        return in_float32(outputs)


def in_float32(outputs: Tensor) -> Tensor:
    """Convert floating-point outputs to float32; return anything else for `check_outputs`."""
    floating = isinstance(outputs, Tensor) and outputs.is_floating_point()
    return outputs.float() if floating else outputs


@torch.no_grad()
def _wants_contiguous(network: nn.Module, images: Tensor) -> bool:
    """Whether ``network`` is correct on contiguous images only; decoded images are not."""

    def answer(batch: Tensor) -> Tensor | None:
        try:
            outputs = network(batch)
        except Exception:  # user code can raise anything; `check_outputs` reports it
            return None
        return outputs if isinstance(outputs, Tensor) else None

    few = images[:2].clone(memory_format=torch.contiguous_format)
    expected = answer(few.clone())
    if expected is None:
        return False
    margin = nn.functional.pad(few, (1, 1, 1, 1))
    for laid in (few.to(memory_format=torch.channels_last), margin[..., 1:-1, 1:-1]):
        found = answer(laid)
        if found is None or not _close(found, expected):
            return True
    return False


def check_state(network: nn.Module, device: torch.device, *, who: str) -> None:
    """Check that ``network`` is in eval mode and on the ``device`` of the images.

    Raises:
        InputError: it is not, or it was built in inference mode; the message begins with ``who``.
    """
    if any(module.training for module in network.modules()):
        raise InputError(
            f"{who} in training mode, which uses dropout and batch statistics; call its eval() "
            "first"
        )
    state = [*network.parameters(), *network.buffers()]
    odd = next((v for v in state if v.device != device), None)
    if odd is not None:
        raise InputError(
            f"{who} on device {odd.device}, the images are on {device}; needs one device: "
            f"images.to({str(odd.device)!r}), and likewise for labels and networks"
        )
    if any(value.is_inference() for value in state):
        raise InputError(
            f"{who} made under torch.inference_mode(), which does not allow gradients; build or "
            "load it outside of it"
        )


def check_outputs(
    network: nn.Module,
    images: Tensor,
    *,
    who: str,
    classes: int | None = None,
    gives: Literal["logits", "embeddings"] = "logits",
) -> None:
    """Check the outputs of ``network`` on the first four ``images`` ``(N, C, H, W)``.

    It must return one row for each image, of width ``classes`` or, if None, any width. The outputs
    must be finite, differentiable in the image, deterministic, and independent of the other images
    in the batch.

    Raises:
        InputError: a check fails; the message begins with ``who``.
    """
    few = images[:4].detach().clone().requires_grad_(True)
    shape = f"({len(few)}, {classes or ('classes' if gives == 'logits' else 'D')})"
    needed = f"needs {gives} {shape} of images {tuple(few.shape)}"
    try:
        with torch.enable_grad():
            outputs, again, alone = (network(part) for part in (few, few, few[:1]))
    except Exception as error:  # user code can raise anything
        reason = "".join(str(error).splitlines()[:1])
        said = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
        remedy = _remedy_of_failure(network, reason) or needed
        raise InputError(
            f"{who}, which fails on images {tuple(few.shape)} ({said}); {remedy}"
        ) from (error)
    if not torch.equal(few.detach(), images[:4]):
        raise InputError(f"{who}, which changes its input in place; {IN_PLACE}")
    if not isinstance(outputs, Tensor) or not isinstance(alone, Tensor):
        raise InputError(
            f"{who}, which returns {type(outputs).__name__}, not a tensor; "
            f"{needed}{_part_of(outputs)}"
        )
    if outputs.dtype != torch.float32:
        raise InputError(f"{who}, whose outputs are {outputs.dtype}; needs torch.float32")
    found = tuple(outputs.shape)
    if len(found) != 2 or found[0] != len(few) or (classes and found[1] != classes):
        flat = len(found) > 2 and outputs[0].numel() == found[1]
        remedy = ": end its forward with .flatten(1)" if flat else ""
        raise InputError(f"{who}, which returns {found}; {needed}{remedy}")
    if not bool(outputs.isfinite().all()):
        raise InputError(f"{who}, which returns NaN or infinity; needs finite numbers")
    gradient = None
    if outputs.requires_grad:
        (gradient,) = torch.autograd.grad(outputs.square().sum(), few, allow_unused=True)
    if gradient is None or not bool(gradient.isfinite().all()):
        raise InputError(
            f"{who}, whose outputs have no finite gradient at the image; needs differentiable "
            "operations from the image on, without detach() or no_grad()"
        )
    if not _close(again, outputs):
        raise InputError(
            f"{who}, whose outputs differ between two calls; needs the same outputs each time: no "
            "random numbers in eval mode (F.dropout needs training=self.training)"
        )
    if not _close(alone, outputs[:1]):
        raise InputError(
            f"{who}, whose output for an image depends on the other images of the batch; needs "
            "independent outputs: no batch statistics in eval mode"
        )
    if gives == "logits" and are_probabilities(outputs):
        raise InputError(
            f"{who}, which returns probabilities; needs logits: remove its softmax or sigmoid"
        )


def are_probabilities(outputs: Tensor) -> bool:
    """Whether outputs ``(N, classes)`` are all in [0, 1], as of a softmax or of sigmoids."""
    return bool((outputs >= 0).all()) and bool((outputs <= 1 + 1e-4).all())


def sum_to_1(outputs: Tensor) -> bool:
    """Whether each row of outputs ``(N, classes)`` sums to 1, as of a softmax."""
    return torch.allclose(outputs.sum(dim=1), outputs.new_ones(len(outputs)), atol=1e-4)


def _close(outputs: Tensor, expected: Tensor) -> bool:
    """Whether two outputs are equal up to the rounding of sums in another order."""
    size = expected.detach().nan_to_num(0, 0, 0).abs().max().clamp_min(1).item()
    return outputs.shape == expected.shape and torch.allclose(
        outputs, expected, rtol=0, atol=1e-3 * size
    )


def _remedy_of_failure(network: nn.Module, reason: str) -> str:
    """Return the remedy of a common failure in user code, or an empty string."""
    if "in-place operation" in reason:
        return f"it changes its input in place; {IN_PLACE}"
    floats = {v.dtype for v in network.parameters() if v.is_floating_point()} - {torch.float32}
    if floats and "type" in reason:
        found = ", ".join(sorted(map(str, floats)))
        return f"its weights are {found}, the images torch.float32: call its float() first"
    return ""


def _part_of(outputs: object) -> str:
    """Return the end of a message that names the part of ``outputs`` to return instead."""
    if isinstance(outputs, Mapping):
        tensors = [key for key, value in outputs.items() if isinstance(value, Tensor)]
        key = "logits" if "logits" in tensors else next(iter(tensors), None)
        return f": return only its [{key!r}]" if key else ""
    if isinstance(getattr(outputs, "logits", None), Tensor):
        return ": return only its .logits"
    return ": return only its tensor" if isinstance(outputs, tuple | list) else ""
