"""A classifier whose answers stand in the first pixel, and files of it and of digits."""

import numpy as np
import torch
from torch import nn

from typeone.runtime.artifacts import save_model, write_parquet


class FirstPixel(nn.Sequential):
    """Sees the class that stands in the first pixel: class c is the grey level 20 c + bias."""

    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(784, 10))
        with torch.no_grad():
            self[1].weight.zero_()
            levels = torch.arange(10) * 20 / 255
            # -(x - level)² without the square of x, which is the same for every class
            self[1].weight[:, 0] = 2 * levels
            self[1].bias.copy_(-levels.square())


def digits(seen, rest=0):
    """Images uint8 that `FirstPixel` sees as ``seen``."""
    images = np.full((len(seen), 1, 28, 28), rest, dtype=np.uint8)
    images[:, 0, 0, 0] = 20 * np.array(seen)
    return images


def write_digits(path, labels, seen=None):
    write_parquet(
        path,
        {
            "index": np.arange(len(labels), dtype=np.int32),
            "image": digits(labels if seen is None else seen),
            "label": np.array(labels),
        },
    )
    return str(path)


def write_network(path, **note):
    save_model(path, FirstPixel(), metadata={"architecture": "first_pixel", **note})
    return str(path)


def of_brightness(*levels):
    """Images uint8 ``(N, 1, 28, 28)``, black but for the first pixel."""
    images = np.zeros((len(levels), 1, 28, 28), dtype=np.uint8)
    images[:, 0, 0, 0] = levels
    return images


def judged(levels, judge_label, clear, label):
    """Columns of attacked images `of_brightness`, and what judges see in them."""
    return {
        "label": np.full(len(levels), label),
        "adversarial_image": of_brightness(*levels),
        "judge_label": np.array(judge_label),
        "judge_clear": np.array(clear),
    }
