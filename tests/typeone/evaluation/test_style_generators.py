"""Of generators of faces what is stored is counted, with strangers beside it."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from typeone.evaluation.panels import Panel
from typeone.evaluation.style_generators import (
    beside_strangers,
    small_generator_measurements,
    stranger_distances,
    stylegan_measurements,
)
from typeone.runtime.artifacts import Records


class Painter(nn.Module):
    """G paints the first coordinate of z as brightness; other coordinates do nothing."""

    latent_dim = 2

    def forward(self, latent):
        return latent[:, 0].sigmoid().view(-1, 1, 1, 1).expand(-1, 3, 64, 64)


def brightness(images):
    """A recognizer on a line: distances are those of brightness."""
    return images[:, 0, :1, 0]


def test_strangers_are_all_pairs_of_stored_faces():
    generator = torch.Generator().manual_seed(1)
    latent = torch.randn(3, 2, generator=torch.Generator().manual_seed(1))
    apart, latent_apart = stranger_distances(
        Painter(), brightness, generator, count=3, device="cpu"
    )
    light = (latent[:, 0].sigmoid().numpy() * 255).round() / 255
    pairs = [(0, 1), (0, 2), (1, 2)]
    assert apart == pytest.approx([abs(light[i] - light[j]) for i, j in pairs], abs=1e-6)
    wanted = [np.linalg.norm(latent[i] - latent[j]) for i, j in pairs]
    assert latent_apart == pytest.approx(wanted, abs=1e-6)


def test_rows_that_ran_and_rows_that_did_not():
    examples = pd.DataFrame(
        {"row": [1, 2], "distance": [0.1, 0.2], "latent_distance": [8.0] * 2, "hinge": [0.0] * 2}
    )
    rows = stylegan_measurements(
        examples,
        (np.array([0.0, 0.5, 1.0]), np.ones(3)),
        published_rows=4,
        name="a painter",
        threshold=2.0,
        strangers_count=3,
        seed=1,
        preset="quick",
    )
    found = pd.DataFrame(rows).set_index("id")
    assert found["value"]["fig9.distance.1"] == pytest.approx(0.1)
    assert found["note"]["fig9.distance.2"] == "a painter for StyleGAN, 2 of 4 rows run"
    assert found["note"]["fig9.distance.3"] == "quick attacks 2 of 4 rows"
    assert math.isnan(found["value"]["fig9.distance.4"])
    assert found["n"]["fig9.distance.4"] == 0
    # brightness never differs by more than 1
    assert found["value"]["beyond.fig9.strangers.same"] == 1
    assert found["n"]["beyond.fig9.strangers.same"] == 3


def test_ends_are_compared_with_random_pairs():
    apart = np.linspace(0.5, 1.49, 100)  # a hundredth apart
    rows = pd.DataFrame({"row": [1, 4], "distance": [0.4, 0.705]})
    found = pd.DataFrame(beside_strangers(rows, apart, name="a painter", seed=1, note="pairs"))
    found = found.set_index("id")
    fair = found.loc["beyond.fig9.strangers.fair_threshold"]
    # 1 and 10 of a hundred pairs of 5 % are the 2.5 % and 97.5 % points of the binomial: the first
    # and the eleventh pair
    assert (fair["low"], fair["high"]) == pytest.approx((0.50, 0.60))
    assert found["value"].to_dict() == pytest.approx(
        {
            "beyond.fig9.strangers.fair_threshold": 0.55,  # five of a hundred are below
            "beyond.fig9.same_at_fair_threshold": 0.5,
            "beyond.fig9.strangers.nearer.1": 0.0,
            "beyond.fig9.strangers.nearer.4": 0.21,
        }
    )


class Judge(nn.Module):
    """Dark faces are female, light ones male, black is no face."""

    def forward(self, images):
        light = images[:, 0, 0, 0]
        sure = torch.stack([0.5 - light, light - 0.5, 10 * (0.1 - light)], dim=1)
        return 100 * sure


def test_success_is_far_away_the_same_person_and_another_gender():
    def image(*levels):
        return np.broadcast_to(np.uint8(levels)[:, None, None, None], (len(levels), 3, 64, 64))

    table = Records(
        {
            "image": image(80, 80, 80, 80, 80),
            "adversarial_image": image(200, 200, 200, 90, 0),
            "distance": np.array([0.5, 0.5, 1.5, 0.5, 0.5]),
            "stranger_distance": np.array([0.4, 1.3, 1.3, 1.3, 1.3]),
            "latent_distance": np.array([3.0, 3.0, 3.0, 3.0, 3.0]),
            "hinge": np.array([0.0, 0.1, 0.0, 0.0, 0.0]),
        },
        {},
    )
    named = {"prefix": "p", "faces": "painted faces", "recognizer": "small", "seed": 1}
    rows = small_generator_measurements(
        table, {"paper": 1.242}, Panel([Judge()], classes=2), clear_confidence=0.8, **named
    )
    found = pd.DataFrame(rows).set_index("id")["value"]
    assert found["p.far"] == 0.8
    assert found["p.faces"] == 0.8
    assert found["p.changed"] == pytest.approx(0.6)
    assert found["p.kept.paper"] == pytest.approx(0.6)  # the first, the fourth, the fifth
    assert found["p.true_success.paper"] == 0.2  # the first
    assert found["p.strangers.paper"] == 0.2
