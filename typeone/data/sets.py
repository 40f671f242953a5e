"""Load a data set of small grey images from its settings."""

from __future__ import annotations

from typing import Any

from typeone.data.idx_sets import IdxSet, read_folder
from typeone.data.mnist import load_mnist


def load_set(name: str, *, format: str, **settings: Any) -> IdxSet:
    """Load the data set ``name`` of `datasets`, in its ``format``, by its settings.

    Raises:
        InputError: the data set is missing, damaged, or of an unsupported size or classes.
    """
    if format == "mnist":
        return load_mnist(**settings)
    return read_folder(settings["path"], key=f"datasets.{name}.path")
