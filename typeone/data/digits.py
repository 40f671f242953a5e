"""Read digits from data tables: all of them, or the examples of an attack."""

from __future__ import annotations

import os
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from typeone.data.images import binarise, from_uint8
from typeone.data.shapes import DIGIT_SHAPE
from typeone.runtime.artifacts import read_parquet


def read_digits(
    path: str | os.PathLike[str], device: torch.device | str = "cpu"
) -> tuple[Tensor, Tensor]:
    """Read images ``(N, 1, 28, 28)`` in [0, 1] and int64 labels ``(N,)`` of a data table."""
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
    """Read the first ``count`` examples of a table for an attack.

    Returns their indices in the test set ``(N,)``, images ``(N, 1, 28, 28)`` in [0, 1], grey or
    ``binarised``, and int64 labels ``(N,)``.
    """
    images, labels = read_digits(path, device)
    index = read_parquet(path, columns=["index"])["index"]
    images = images[:count]
    return index[:count], binarise(images) if original == "binarised" else images, labels[:count]
