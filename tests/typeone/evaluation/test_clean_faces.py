"""Noisy and blurred faces, and the limits fitted on clean ones, where the answer is known."""

import math

import numpy as np
import pytest
import torch

from typeone.evaluation.clean_faces import (
    CleanFaces,
    fit_clean_faces,
    load_clean_faces,
    write_clean_faces,
)
from typeone.evaluation.image_quality import noise, sharpness
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.errors import InputError

from ..algorithm2 import seeded


def checkered(*contrasts):
    """One face for each contrast: squares of 8 x 8 pixels, brighter by it than the others."""
    square = torch.arange(64) // 8 % 2
    board = (square[:, None] ^ square[None, :]).float()
    return torch.stack([(0.2 + contrast * board).expand(3, 64, 64) for contrast in contrasts])


def test_sharpness_is_the_mean_absolute_laplacian():
    image = torch.zeros(1, 3, 64, 64)
    image[..., 10, 10] = 0.3
    # -4 there and 1 at its four neighbours, on 62 x 62 pixels
    assert sharpness(image).tolist() == pytest.approx([0.3 * 8 / 62**2])
    one, two = sharpness(checkered(0.2, 0.4)).tolist()
    assert two == pytest.approx(2 * one)


def test_limits_are_the_quantiles_of_the_clean_faces_of_each_gender():
    contrasts = torch.linspace(0.1, 0.3, 21).tolist() + torch.linspace(0.4, 0.6, 21).tolist()
    faces, genders = checkered(*contrasts), torch.tensor([0] * 21 + [1] * 21)
    clean = fit_clean_faces(faces, genders, quantile=0.9)
    assert clean.sharpness.tolist() == pytest.approx(sharpness(checkered(0.12, 0.42)).tolist())
    # quantiles between two noises are linear in them
    by_numpy = [np.quantile(noise(faces[genders == g]).double(), 0.9) for g in (0, 1)]
    assert clean.noise.tolist() == pytest.approx(by_numpy)


def test_a_face_is_judged_by_the_limits_of_the_gender_that_it_shows():
    clean = CleanFaces(*torch.tensor([[0.01, 0.5], [0.02, 0.05]], dtype=torch.float64))
    faces = checkered(0.5, 0.1)
    spoilt = (faces + 0.1 * torch.randn(faces.shape, generator=seeded(0))).clamp(0, 1)
    flat = torch.full((1, 3, 64, 64), 0.3)
    images, genders = torch.cat([faces, spoilt, flat]), torch.tensor([0, 0, 0, 1, 0])
    columns = clean.columns(images, genders)
    assert columns["sharpness"].tolist() == pytest.approx(sharpness(images).tolist())
    assert columns["noise"].tolist() == pytest.approx(noise(images).tolist())
    assert sharpness(faces).tolist() == pytest.approx([0.226, 0.045], abs=0.001)
    assert columns["noisy"].tolist() == [False, False, True, False, False]
    assert columns["blurred"].tolist() == [False, False, False, False, True]
    other = clean.columns(images, 1 - genders)
    assert other["blurred"].tolist() == [False, True, False, False, True]


def test_a_face_that_is_not_finite_is_noisy_and_blurred():
    clean = CleanFaces(*torch.tensor([[1.0, 1.0], [0.0, 0.0]], dtype=torch.float64))
    columns = clean.columns(torch.full((1, 3, 64, 64), math.nan), torch.tensor([0]))
    assert columns["noisy"].tolist() == columns["blurred"].tolist() == [True]


def test_limits_need_faces_of_both_genders():
    with pytest.raises(InputError, match="no male face among 3 validation faces"):
        fit_clean_faces(checkered(0.1, 0.2, 0.3), torch.zeros(3, dtype=torch.int64), quantile=0.9)


def test_limits_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "limits.parquet"
    clean = CleanFaces(*torch.rand(2, 2, generator=seeded(1), dtype=torch.float64))
    write_clean_faces(path, clean, quantile=0.95)
    assert all(torch.equal(*pair) for pair in zip(load_clean_faces(path), clean, strict=True))
    columns = {"gender": np.array(["female"]), "noise": np.ones(1), "sharpness": np.ones(1)}
    write_parquet(path, columns)
    with pytest.raises(InputError, match="other rows than female and male"):
        load_clean_faces(path)
