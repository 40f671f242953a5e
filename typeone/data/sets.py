"""A data set of small grey images by its settings."""

from __future__ import annotations

from typing import Any

from typeone.data.idx_sets import IdxSet, read_folder
from typeone.data.mnist import load_mnist


def load_set(name: str, *, format: str, **settings: Any) -> IdxSet:
    """The data set ``name`` of `datasets`, in its ``format``, from where its settings say.

    Raises:
        InputError: it is not there, damaged, or not what the networks can take.
    """
    if format == "mnist":
        return load_mnist(**settings)
    return read_folder(settings["path"], key=f"datasets.{name}.path")
