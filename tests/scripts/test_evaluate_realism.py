"""The script shows images to the density model, and latents to the SVAE of their seed."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from typeone.evaluation.clean_images import CleanImages
from typeone.models.density import Limits
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


class Dark:
    """A density model to which bright pixels are improbable; it counts the images it sees."""

    def __init__(self):
        self.asked = []

    def encode(self, images):
        self.asked.append(len(images))
        return images.flatten(1)[:, :1] * 0, torch.ones(len(images), 1)

    def decode_logits(self, latent):
        return torch.full((len(latent), 1, 28, 28), -1.0)


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
    names, density = evaluate_realism.__globals__, Dark()
    monkeypatch.setitem(names, "load_svae", lambda path: Believing(int(path)))
    clean = CleanImages(density, Limits(negative_elbo=300.0, noise=1.0))
    monkeypatch.setitem(names, "load_clean_images", lambda path: clean)
    judge = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    monkeypatch.setitem(names, "load_classifier", lambda path: judge)
    evaluate_realism(
        paths={
            **{"test": test, "judge": "judge", "density": "density", "examples": paths},
            "realism": tmp_path / "realism.parquet",
        },
        svae_paths={seed: str(seed) for seed in SEEDS},
        runs=runs,
        clean=20,
        seed=0,
    )
    found = read_parquet(tmp_path / "realism.parquet").frame()
    return SimpleNamespace(
        found=found.set_index(["attack", "seed", "measure"]), asked=density.asked
    )


def test_attacked_images_are_odd_and_clean_digits_are_not(rows):
    """All bright, where clean digits are dark but for one pixel."""
    for extra, seed in enumerate(SEEDS, start=11):
        for attack, share, n in (("paper", 1, extra), ("clean", 0, 20)):
            found = rows.found.loc[(attack, seed, "odd_share"), ["value", "n"]]
            assert found.tolist() == [share, n]
        assert rows.found.loc[("paper", seed, "noisy_share"), "value"] == 0
    # the clean digits are drawn as a control, and the other 40 are compared with in the judge only
    assert sorted(rows.asked) == [11, 12, 13, 20, 20, 20]


def test_latents_are_shown_to_the_runs_own_discriminator(rows):
    for seed in SEEDS:
        expected = 1 / (1 + np.exp(-seed))
        for attack in ("clean", "paper"):
            found = rows.found.loc[(attack, seed, "discriminator"), "value"]
            assert found == pytest.approx(expected, rel=1e-6)  # float32
