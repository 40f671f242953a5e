"""The script compares images with other test digits, and shows latents to their seed's SVAE."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from typeone.runtime.artifacts import read_parquet, write_parquet

from ..typeone.first_pixel import write_digits

SCRIPT = str(Path(__file__).parents[2] / "scripts" / "evaluate_realism.py")
SEEDS = (2, 4, 6)


class Believing:
    """An SVAE whose f_dis believes in one number."""

    def __init__(self, seed):
        self.seed = seed

    def read(self, images):
        return images

    def encode(self, images):
        return images.flatten(1)[:, :1] * 0, torch.ones(len(images), 1)

    def discriminate(self, latent):
        return torch.full((len(latent),), float(self.seed))


@pytest.fixture
def rows(tmp_path, monkeypatch):
    """Measures of a run of each seed, of 11, 12 and 13 images, and who was asked about them."""
    test = write_digits(tmp_path / "test.parquet", [i % 10 for i in range(60)])
    runs, paths = [], []
    for extra, seed in enumerate(SEEDS, start=11):
        runs.append(["paper", "mlp", seed])
        paths.append(tmp_path / f"{seed}.parquet")
        images = np.full((extra, 1, 28, 28), 255, np.uint8)
        latent = np.zeros((extra, 1), np.float32)
        write_parquet(paths[-1], {"adversarial_image": images, "latent_end": latent})
    evaluate_realism = runpy.run_path(SCRIPT)["evaluate_realism"]
    names = evaluate_realism.__globals__
    monkeypatch.setitem(names, "load_svae", lambda path: Believing(int(path)))
    judge = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    monkeypatch.setitem(names, "load_classifier", lambda path: judge)
    evaluate_realism(
        paths={
            **{"test": test, "judge": "judge", "examples": paths},
            "realism": tmp_path / "realism.parquet",
        },
        svae_paths={seed: str(seed) for seed in SEEDS},
        runs=runs,
        clean=20,
        seed=0,
    )
    found = read_parquet(tmp_path / "realism.parquet").frame()
    return SimpleNamespace(found=found.set_index(["attack", "seed", "measure"]))


def test_attacked_images_are_further_from_digits_than_the_control(rows):
    """All bright, where clean digits are dark but for one pixel."""
    for extra, seed in enumerate(SEEDS, start=11):
        far, near = (rows.found.loc[(a, seed, "kernel_distance")] for a in ("paper", "clean"))
        assert far["value"] > near["value"]
        assert (far["n"], near["n"]) == (extra, 20)


def test_latents_are_shown_to_the_runs_own_discriminator(rows):
    for seed in SEEDS:
        expected = 1 / (1 + np.exp(-seed))
        for attack in ("clean", "paper"):
            found = rows.found.loc[(attack, seed, "discriminator"), "value"]
            assert found == pytest.approx(expected, rel=1e-6)  # float32
