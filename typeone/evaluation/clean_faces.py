"""Measure whether an attacked face resembles clean photographs: neither noisy nor blurred.

Judges can be sure about the gender of a face that nobody would take for a photograph. A face is
*noisy* if a median filter changes it more than nearly all clean faces of the gender that it shows,
and *blurred* if it is less sharp than nearly all of these. Neither measure uses a network.

ASSUME: beyond the paper. A density model of pixels, the measure of digits, does not work on faces:
probabilistic PCA finds blurred faces, also of random latents, more probable than photographs.
"""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from typeone.evaluation.image_quality import noise, sharpness
from typeone.runtime.artifacts import read_parquet, write_parquet
from typeone.runtime.errors import InputError

GENDERS = "female", "male"


class CleanFaces(NamedTuple):
    """Limits of both measures on clean faces of each gender, float64 ``(2,)`` each.

    Attributes:
        noise: the largest `noise`.
        sharpness: the smallest `sharpness`.
    """

    noise: Tensor
    sharpness: Tensor

    def columns(self, images: Tensor, classes: Tensor) -> dict[str, np.ndarray]:
        """Return both measures and verdicts on faces ``(N, 3, H, W)`` in [0, 1], ``(N,)`` each.

        ``classes``: the gender that each face shows, ``(N,)``, whose limits decide. A face with a
        measure that is not finite is noisy and blurred.
        """
        measured = {"noise": noise(images).double(), "sharpness": sharpness(images).double()}
        most, least = (limit.to(classes.device)[classes] for limit in self)
        verdicts = {
            "noisy": ~(measured["noise"] <= most),
            "blurred": ~(measured["sharpness"] >= least),
        }
        columns = {name: value.float() for name, value in measured.items()} | verdicts
        return {name: column.cpu().numpy() for name, column in columns.items()}


def fit_clean_faces(faces: Tensor, genders: Tensor, *, quantile: float) -> CleanFaces:
    """Return limits that the share ``quantile`` of the clean faces of each gender keeps.

    Args:
        faces: ``(N, 3, H, W)`` in [0, 1].
        genders: 0 (female) or 1 (male), ``(N,)``.

    Raises:
        InputError: there is no face of a gender.
    """
    limits = []
    for gender, name in enumerate(GENDERS):
        of_gender = faces[genders == gender]
        if not len(of_gender):
            raise InputError(
                f"no {name} face among {len(faces)} validation faces, to tell clean faces from "
                "others; needs one of each gender: use more validation faces"
            )
        limits.append(
            (
                noise(of_gender).double().quantile(quantile),
                sharpness(of_gender).double().quantile(1 - quantile),
            )
        )
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
