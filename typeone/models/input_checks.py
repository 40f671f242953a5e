"""Check the images and labels with which a user-defined network is attacked."""

from __future__ import annotations

import torch
from torch import Tensor

from typeone.models.predictions import labels_of
from typeone.runtime.errors import InputError


def check_images(images: Tensor) -> None:
    """Raise `InputError` unless images are ``(N, C, H, W)``, float32 in [0, 1], at least one."""
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
    if threshold is None or not 0 < threshold < float("inf"):
        raise InputError(
            f"`threshold` is {threshold}; needs a distance above 0, up to which the recognizer "
            "takes two faces for one person"
        )
