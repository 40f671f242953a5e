"""Check the images and labels with which a user-defined network is attacked."""

from __future__ import annotations

import torch
from torch import Tensor

from typeone.models.predictions import labels_of
from typeone.runtime.errors import InputError


def check_kind(name: str, value: object, *kinds: type) -> None:
    """Raise `InputError` unless ``value`` is of one of ``kinds``; NoneType stands for None."""
    if not isinstance(value, kinds):
        allowed = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)
        raise InputError(f"{name} is {_said(value)}; needs {allowed}")


def _said(value: object) -> str:
    """Return how to name ``value`` in a message: short ones by themselves."""
    short = value is None or isinstance(value, str | int | float)
    return repr(value) if short else f"a {type(value).__name__}"


def check_images(images: Tensor) -> None:
    """Raise `InputError` unless images are ``(N, C, H, W)``, float32 in [0, 1], at least one."""
    check_kind("images", images, Tensor)
    if images.ndim != 4 or not len(images) or images.dtype != torch.float32:
        raise InputError(
            f"images are {images.dtype} of shape {tuple(images.shape)}; needs torch.float32 of "
            "shape (N, C, H, W), at least one"
        )
    low, high = images.min().item(), images.max().item()
    if not (low >= 0 and high <= 1):  # NaN is neither
        raise InputError(
            f"images range from {low:g} to {high:g}; needs [0, 1]: divide bytes by 255, and put "
            "f1's normalisation into f1, as its first layer"
        )


def check_labels(labels: Tensor, images: Tensor, classes: int) -> None:
    """Raise `InputError` unless labels are int64 ``(N,)`` below ``classes``, where images are."""
    check_kind("labels", labels, Tensor)
    if labels.dtype != torch.int64 or labels.shape != images.shape[:1]:
        raise InputError(
            f"labels are {labels.dtype} of shape {tuple(labels.shape)}; needs torch.int64 of shape "
            f"({len(images)},), one per image"
        )
    if labels.device != images.device:
        raise InputError(
            f"labels are on {labels.device}, the images on {images.device}; needs one device"
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise InputError(
            f"labels range from {labels.min().item()} to {labels.max().item()}; needs 0 to "
            f"{classes - 1}"
        )


def check_right(logits: Tensor, labels: Tensor) -> None:
    """Raise `InputError` unless f1's logits ``(N, classes)`` have their maximum at the labels."""
    wrong = torch.nonzero(labels_of(logits) != labels).flatten()
    if len(wrong):
        raise InputError(
            f"f1 gets {len(wrong)} of {len(labels)} images wrong before any attack, the first at "
            f"index {wrong[0].item()}; needs images that it gets right: remove the others"
        )


def check_threshold(threshold: float | None) -> None:
    """Raise `InputError` unless ``threshold`` is a distance."""
    number = isinstance(threshold, int | float) and not isinstance(threshold, bool)
    if not number or not 0 < threshold < float("inf"):  # type: ignore[operator]
        raise InputError(
            f"`threshold` is {threshold!r}; needs a distance above 0, up to which the recognizer "
            "takes two faces for one person"
        )
