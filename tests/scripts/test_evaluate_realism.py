"""The script shows a run's images to the SVAE of the next seed, and its latents to its own."""

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


class Odd:
    """An SVAE to which bright pixels are odd, and whose f_dis believes in one number."""

    def __init__(self, seed, asked):
        self.seed, self.asked = seed, asked

    def read(self, images):
        return images

    def encode(self, images):
        self.asked.append((self.seed, len(images)))
        return images.flatten(1)[:, :1] * 0, torch.ones(len(images), 1)

    def decode_logits(self, latent):
        return torch.full((len(latent), 1, 28, 28), -1.0)

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
    names, asked = evaluate_realism.__globals__, []
    monkeypatch.setitem(names, "load_svae", lambda path: Odd(int(path), asked))
    judge = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    monkeypatch.setitem(names, "load_classifier", lambda path: judge)
    evaluate_realism(
        test_path=test,
        judge_path="judge",
        svae_paths={seed: str(seed) for seed in SEEDS},
        runs=runs,
        example_paths=paths,
        realism_path=tmp_path / "realism.parquet",
        clean=20,
        seed=0,
    )
    found = read_parquet(tmp_path / "realism.parquet").frame()
    return SimpleNamespace(found=found.set_index(["attack", "seed", "measure"]), asked=asked)


def test_the_images_of_a_run_are_shown_to_the_next_seed_alone(rows):
    for extra, (seed, judge) in enumerate(zip(SEEDS, (4, 6, 2), strict=True), start=11):
        assert [who for who, count in rows.asked if count == extra] == [judge]
        # all bright, where clean digits are dark but for one pixel
        assert rows.found.loc[("paper", seed, "odd_share"), "value"] == 1
        assert rows.found.loc[("paper", seed, "odd_share"), "n"] == extra


def test_clean_digits_that_are_judged_are_not_those_that_judge(rows):
    """20 are drawn as a control; the other 40 are what all images are compared with."""
    compared = [who for who, count in rows.asked if count == 40]
    assert sorted(compared) == [*SEEDS]
    for seed in SEEDS:
        assert rows.found.loc[("clean", seed, "odd_share"), "n"] == 20


def test_latents_are_shown_to_the_runs_own_discriminator(rows):
    for seed in SEEDS:
        expected = 1 / (1 + np.exp(-seed))
        for attack in ("clean", "paper"):
            found = rows.found.loc[(attack, seed, "discriminator"), "value"]
            assert found == pytest.approx(expected, rel=1e-6)  # float32
