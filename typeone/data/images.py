"""Images as they are stored (uint8), computed with (float in [0, 1]) and read by the SVAE."""

from __future__ import annotations

import os
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from typeone.runtime.artifacts import read_parquet

DIGIT_SHAPE = (1, 28, 28)


def to_uint8(images: Tensor) -> Tensor:
    """Images in [0, 1] as they are stored: rounded to the nearest of 256 levels."""
    return (images.clamp(0, 1) * 255).round().to(torch.uint8)


def from_uint8(images: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """Stored images as float32 in [0, 1]."""
    return torch.from_numpy(np.array(images)).to(device).float() / 255


def binarise(images: Tensor) -> Tensor:
    """Images as the SVAE reads them: 1 where a pixel is above 127/255, else 0.

    ASSUME: the paper is silent; the authors' code binarises at 127.
    """
    return (images > 127.5 / 255).to(images.dtype)


def read_digits(
    path: str | os.PathLike[str], device: torch.device | str = "cpu"
) -> tuple[Tensor, Tensor]:
    """Images ``(N, 1, 28, 28)`` in [0, 1] and labels ``(N,)`` int64 of a data table."""
    table = read_parquet(path, columns=["image", "label"], shapes={"image": DIGIT_SHAPE})
    labels = torch.from_numpy(np.array(table["label"])).long().to(device)
    return from_uint8(table["image"], device), labels


def read_examples(
    path: str | os.PathLike[str],
    count: int,
    device: torch.device | str = "cpu",
    *,
    original: Literal["grey", "binarised"] = "grey",
) -> tuple[np.ndarray, Tensor, Tensor]:
    """The first ``count`` examples of a table, as an attack takes them.

    Returns their numbers in the test set ``(N,)``, images ``(N, 1, 28, 28)`` in [0, 1], grey or
    ``binarised``, and labels ``(N,)`` int64.
    """
    images, labels = read_digits(path, device)
    index = read_parquet(path, columns=["index"])["index"]
    images = images[:count]
    return index[:count], binarise(images) if original == "binarised" else images, labels[:count]
