"""Digits from the tables of the data: all of them, or the examples that an attack takes."""

from __future__ import annotations

import os
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from typeone.data.images import binarise, from_uint8
from typeone.runtime.artifacts import read_parquet

DIGIT_SHAPE = (1, 28, 28)


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
