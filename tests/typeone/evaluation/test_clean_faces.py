"""Noisy and blurred faces, and the limits fitted on clean ones, where the answer is known."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from typeone.data.faces import FaceTable, FaceWriter
from typeone.evaluation.clean_faces import (
    CleanFaces,
    fit_clean_faces,
    load_clean_faces,
    quality_of_table,
    resembles_clean,
    write_clean_faces,
)
from typeone.evaluation.image_quality import Quality, quality
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.errors import InputError

from ..algorithm2 import seeded


def stepped(*heights):
    """One face for each height: white on the right, darker by it on the left."""
    faces = torch.ones(len(heights), 3, 64, 64)
    for face, height in zip(faces, heights, strict=True):
        face[:, :, :32] -= height
    return faces


def limits_of(noise, sharpness):
    return CleanFaces(*torch.tensor([noise, sharpness], dtype=torch.float64))


def test_the_sharpness_of_a_step_is_twice_its_height_in_62_columns():
    found = quality(stepped(0.2, 0.6))
    assert found.sharpness.tolist() == pytest.approx([2 * 0.2 / 62, 2 * 0.6 / 62], rel=1e-5)
    assert found.noise.tolist() == [0, 0]


def test_a_dark_face_is_as_sharp_and_as_noisy_as_a_bright_one():
    faces = stepped(0.4) * (1 - 0.1 * torch.rand(1, 3, 64, 64, generator=seeded(0)))
    for bright, dark in zip(quality(faces), quality(0.3 * faces), strict=True):
        assert dark.item() == pytest.approx(bright.item(), rel=1e-4)


def test_noise_does_not_make_a_blurred_face_sharp():
    """By the limits of clean faces, each with a step, and a little noise."""
    noise = 0.01 * torch.randn(40, 3, 64, 64, generator=seeded(0))
    faces = (stepped(*torch.linspace(0.5, 0.7, 40).tolist()) - 0.1 + noise).clamp(0, 1)
    genders = torch.arange(40) % 2
    clean = fit_clean_faces(quality(faces), genders, quantile=0.9)
    blurred = F.avg_pool2d(F.pad(faces, (4,) * 4, mode="replicate"), 9, stride=1)
    spoilt = (blurred + noise).clamp(0, 1)
    for images, share in ((faces, 0.1), (blurred, 1), (spoilt, 1)):
        columns = clean.columns(images, genders)
        assert columns["blurred"].mean() == pytest.approx(share, abs=0.05)
    assert columns["noisy"].mean() < 0.5  # the noise itself is within its limit


def test_limits_are_the_quantiles_of_the_clean_faces_of_each_gender():
    values = torch.cat([torch.linspace(0.1, 0.3, 21), torch.linspace(0.4, 0.6, 21)])
    genders = torch.tensor([0] * 21 + [1] * 21)
    clean = fit_clean_faces(Quality(values, 2 * values), genders, quantile=0.9)
    assert clean.noise.tolist() == pytest.approx([0.28, 0.58])
    assert clean.sharpness.tolist() == pytest.approx([0.24, 0.84])


def test_a_face_is_judged_by_the_limits_of_the_gender_that_it_shows():
    clean = limits_of(noise=[0.01, 0.5], sharpness=[0.005, 0.015])
    faces = stepped(0.6, 0.2)  # sharpness 0.019 and 0.006
    spoilt = (faces - 0.1 * torch.rand(faces.shape, generator=seeded(0))).clamp(0, 1)
    flat = torch.full((1, 3, 64, 64), 0.3)
    images, genders = torch.cat([faces, spoilt, flat]), torch.tensor([0, 0, 0, 1, 0])
    columns = clean.columns(images, genders)
    measured = quality(images)
    assert columns["sharpness"].tolist() == pytest.approx(measured.sharpness.tolist())
    assert columns["noise"].tolist() == pytest.approx(measured.noise.tolist())
    assert columns["noisy"].tolist() == [False, False, True, False, False]
    assert columns["blurred"].tolist()[:2] == [False, False]
    assert columns["blurred"][4]
    assert resembles_clean(columns).tolist()[:3] == [True, True, False]
    assert clean.columns(images, 1 - genders)["blurred"].tolist()[:2] == [False, True]


def test_a_face_that_is_not_finite_is_noisy_and_blurred():
    clean = limits_of(noise=[1.0, 1.0], sharpness=[0.0, 0.0])
    columns = clean.columns(torch.full((1, 3, 64, 64), math.nan), torch.tensor([0]))
    assert columns["noisy"].tolist() == columns["blurred"].tolist() == [True]


def test_a_table_is_measured_in_batches(tmp_path):
    images = torch.randint(256, (7, 3, 64, 64), generator=seeded(0)).to(torch.uint8)
    with FaceWriter(tmp_path / "faces.parquet") as writer:
        writer.write(np.arange(7), images.numpy(), np.arange(7) % 2, np.arange(7))
    found = quality_of_table(FaceTable(tmp_path / "faces.parquet"), batch=3)
    for whole, parts in zip(quality(images / 255), found, strict=True):
        torch.testing.assert_close(parts, whole)


def test_limits_need_faces_of_both_genders():
    with pytest.raises(InputError, match="no male face among 3 validation faces"):
        fit_clean_faces(quality(stepped(0.1, 0.2, 0.3)), torch.zeros(3), quantile=0.9)


def test_limits_are_read_as_they_were_written(tmp_path):
    path = tmp_path / "limits.parquet"
    clean = CleanFaces(*torch.rand(2, 2, generator=seeded(1), dtype=torch.float64))
    write_clean_faces(path, clean, quantile=0.95)
    assert all(torch.equal(*pair) for pair in zip(load_clean_faces(path), clean, strict=True))
    columns = {"gender": np.array(["female"]), "noise": np.ones(1), "sharpness": np.ones(1)}
    write_parquet(path, columns)
    with pytest.raises(InputError, match="other rows than female and male"):
        load_clean_faces(path)
