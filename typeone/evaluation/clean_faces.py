"""Decide whether an attacked face resembles clean photographs: neither noisy nor blurred.

Judges can be sure about the gender of a face that nobody would take for a photograph. A face is
*noisy* if its `quality` has more noise than that of nearly all clean faces of the gender that it
shows, and *blurred* if it is less sharp than nearly all of these. Neither measure uses a network.

ASSUME: beyond the paper. A density model of pixels, the measure of digits, does not work on faces:
under probabilistic PCA, blurred faces are more probable than photographs, even those of random
latents.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from typeone.data.faces import FaceTable
from typeone.evaluation.image_quality import Quality, quality
from typeone.runtime.artifacts import read_parquet, write_parquet
from typeone.runtime.errors import InputError

GENDERS = "female", "male"
UNLIKE = {
    "noisy": "noisier than nearly all clean faces",
    "blurred": "less sharp than nearly all clean faces",
}
"""Verdicts of `CleanFaces.columns`, and their descriptions."""


def resembles_clean(columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return where none of the verdicts `UNLIKE` holds, bool ``(N,)``."""
    return ~np.logical_or.reduce([columns[name] for name in UNLIKE])


class CleanFaces(NamedTuple):
    """Limits of `quality` of clean faces of each gender, float64 ``(2,)`` each.

    Attributes:
        noise: the largest noise.
        sharpness: the smallest sharpness.
    """

    noise: Tensor
    sharpness: Tensor

    def columns(self, images: Tensor, classes: Tensor) -> dict[str, np.ndarray]:
        """Return both measures and verdicts on faces ``(N, 3, H, W)`` in [0, 1], ``(N,)`` each.

        ``classes``: the gender that each face shows, ``(N,)``, whose limits decide. A face with a
        measure that is not finite is noisy and blurred.
        """
        measured = Quality(*(values.double() for values in quality(images)))
        most, least = (limit.to(classes.device)[classes] for limit in self)
        verdicts = {
            "noisy": ~(measured.noise <= most),
            "blurred": ~(measured.sharpness >= least),
        }
        columns = {name: value.float() for name, value in measured._asdict().items()} | verdicts
        return {name: column.cpu().numpy() for name, column in columns.items()}


def quality_of_table(table: FaceTable, *, batch: int = 250) -> Quality:
    """Measure all faces of ``table``, ``batch`` at a time, which bounds the memory."""
    parts = [quality(table.faces(rows)) for rows in torch.arange(len(table)).split(batch)]
    return Quality(*(torch.cat(values) for values in zip(*parts, strict=True)))


def fit_clean_faces(clean: Quality, genders: Tensor, *, quantile: float) -> CleanFaces:
    """Return limits that the share ``quantile`` of the clean faces of each gender keeps.

    Args:
        clean: of N clean faces.
        genders: 0 (female) or 1 (male), ``(N,)``.

    Raises:
        InputError: there is no face of a gender.
    """
    limits = []
    for gender, name in enumerate(GENDERS):
        own = genders == gender
        if not own.any():
            raise InputError(
                f"no {name} face among {len(genders)} validation faces, to tell clean faces from "
                "others; needs one of each gender: use more validation faces"
            )
        noise, sharpness = (values[own].double() for values in clean)
        limits.append((noise.quantile(quantile), sharpness.quantile(1 - quantile)))
    return CleanFaces(*(torch.stack(of_all) for of_all in zip(*limits, strict=True)))


def write_clean_faces(path: str | os.PathLike[str], clean: CleanFaces, *, quantile: float) -> None:
    """Write the limits, a row for each gender."""
    columns = {"gender": np.array(GENDERS), **{k: v.numpy() for k, v in clean._asdict().items()}}
    write_parquet(path, columns, metadata={"quantile": quantile})


def load_clean_faces(path: str | os.PathLike[str]) -> CleanFaces:
    """Read the limits.

    Raises:
        InputError: there are none, or not those of both genders.
    """
    table = read_parquet(path, columns=["gender", *CleanFaces._fields])
    if tuple(table["gender"].tolist()) != GENDERS:
        raise InputError(f"{path} has other rows than {' and '.join(GENDERS)}; delete it")
    return CleanFaces(
        *(torch.tensor(table[name], dtype=torch.float64) for name in CleanFaces._fields)
    )
