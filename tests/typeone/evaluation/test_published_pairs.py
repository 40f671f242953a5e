"""Rows on the authors' pairs against counts by hand, and their real pixels where they are."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from typeone.data.images import from_uint8
from typeone.data.published_pairs import PublishedPairs, read_published_pairs
from typeone.evaluation.image_quality import quality
from typeone.evaluation.panels import Verdict
from typeone.evaluation.published_pairs import (
    Embeddings,
    correlation,
    distance_rows,
    likeness_rows,
    pair_measurements,
    pair_table,
)
from typeone.runtime.checkpoints import Checkpoint

SHARED = Path(__file__).parents[4] / "shared/data/published_pairs"


class Corner(nn.Module):
    """Embeds an image as the unit vector at the angle of its top left red pixel, in quarters."""

    def forward(self, images):
        angle = images[:, 0, 0, 0] * math.pi / 2
        return torch.stack([angle.cos(), angle.sin()], dim=1)


def pairs_of(originals, attacked):
    n = len(originals)
    return PublishedPairs(
        np.arange(n),
        np.array([0, 1] * n)[:n],
        np.linspace(0.2, 1.2, n),
        *((half * 255).round().to(torch.uint8).numpy() for half in (originals, attacked)),
    )


def verdict(label, face=None):
    label = torch.tensor(label)
    sure = torch.ones(len(label))
    face = torch.ones(len(label), dtype=torch.bool) if face is None else torch.tensor(face)
    return Verdict(label, sure, sure, label[None], face, face)


@pytest.fixture
def halves():
    originals, attacked = torch.zeros(4, 3, 64, 64), torch.zeros(4, 3, 64, 64)
    attacked[:, 0] = torch.tensor([0.0, 0.2, 0.8, 1.0]).view(4, 1, 1)
    attacked[3, 0, 0, 0] = 0.0  # a speck that a median removes
    return originals, attacked


@pytest.fixture
def found(halves, tmp_path):
    checkpoint = Checkpoint(tmp_path / "resume", "d", interval=0)
    how = {"medians": [3], "checkpoint": checkpoint, "name": "fixed"}
    return Embeddings.of(Corner(), halves, **how)


def test_distances_and_scores_are_of_the_embeddings(found):
    chord = [2 * math.sin(level * math.pi / 4) for level in (0.0, 0.2, 0.8)]
    assert found.distance.tolist() == pytest.approx([*chord, 0.0], abs=1e-6)
    assert found.scores["clean"]["median_3x3"].tolist() == [0, 0, 0, 0]
    scores = found.scores["svae"]["median_3x3"].tolist()
    assert scores == pytest.approx([0, 0, 0, math.sqrt(2)], abs=1e-6)


def test_rows_by_hand(halves, found):
    pairs = pairs_of(*halves)
    other = found._replace(distance=np.array([0.5, 1.3, 1.2, 1.1]))
    seen = {
        "age_gender": (verdict([0, 1, 1, 1]), verdict([1, 0, 0, 1])),
        "panel": (verdict([0, 1, 0, 1]), verdict([1, 0, 1, 0], [True, True, True, False])),
    }
    both = {"fixed": found, "whiten": other}
    rows = pair_measurements(pairs, halves, both, seen, attacked="whiten", zeta=1.2, quantile=0.95)
    value = {row["id"]: row["value"] for row in rows}
    own = "beyond.published_pairs"
    assert value[f"{own}.whiten.mean_distance"] == pytest.approx(1.025)
    assert "faces.published_pairs.mean_distance" not in value  # of four pairs only
    assert value[f"{own}.fixed.mean_distance"] == pytest.approx(found.distance.mean())
    assert value[f"{own}.named_distance"] == pytest.approx(0.7)
    assert value[f"{own}.whiten.same_person.paper"] == 0.75
    assert value[f"{own}.whiten.same_person.squared"] == 0.5
    assert value[f"{own}.whiten.correlation"] == pytest.approx(
        np.corrcoef(other.distance, pairs.distance)[0, 1]
    )
    assert value[f"{own}.judge.age_gender.original_gender"] == 0.75
    assert value[f"{own}.judge.age_gender.attacked_gender"] == 0.5
    assert value[f"{own}.judge.age_gender.gender_changed"] == 0.5
    assert value[f"{own}.judge.panel.gender_changed"] == 0.75  # no face in the last
    assert value[f"{own}.success_rate"] == 0.5  # of these the second is another person
    assert value[f"{own}.fixed.table2.svae.3x3"] == 0.25
    assert value[f"{own}.fixed.table2.clean.3x3"] == 0.0
    assert len(value) == len(rows)
    in_table = [row["attack"] for row in rows if row["attack"].startswith("authors_")]
    assert in_table == ["authors_clean", "authors_svae"]
    missing = next(row for row in rows if row["id"] == f"{own}.named_distance")["note"]
    assert missing == "4 of the 979 published pairs; they attacked 1000 images"


def test_the_mean_of_all_pairs_has_the_published_id():
    pairs = pairs_of(*(torch.zeros(979, 3, 2, 2),) * 2)
    distances = {"fixed": np.full(979, 0.5), "whiten": np.full(979, 0.7)}
    value = {row["id"]: row["value"] for row in distance_rows(pairs, distances, "whiten")}
    assert value["faces.published_pairs.mean_distance"] == pytest.approx(0.7)
    assert value["beyond.published_pairs.fixed.mean_distance"] == pytest.approx(0.5)


def test_without_a_judge_nothing_is_said_of_genders(halves, found):
    pairs = pairs_of(*halves)
    how = {"attacked": "fixed", "zeta": 1.2, "quantile": 0.95}
    rows = pair_measurements(pairs, halves, {"fixed": found}, {}, **how)
    assert not [row for row in rows if "judge" in row["id"] or "success" in row["id"]]


def test_the_table_has_a_row_per_pair(halves, found):
    columns = pair_table(pairs_of(*halves), {"fixed": found})
    assert set(columns) == {
        *("number", "label", "distance_named", "distance_fixed"),
        *("median_3x3_original_fixed", "median_3x3_attacked_fixed"),
    }
    assert {len(values) for values in columns.values()} == {4}


def test_attacked_faces_are_compared_with_the_originals_of_the_gender_that_they_show():
    """Women have twice the contrast of men. A man stays as he is, a woman becomes like one."""
    labels = np.array([0, 0, 1, 1])
    square = torch.arange(64) // 8 % 2
    board = (square[:, None] ^ square[None, :]).float()
    men = (0.8 + 0.2 * board).repeat(4, 3, 1, 1)
    originals = torch.where((board > 0) | (torch.arange(4) > 1).view(4, 1, 1, 1), men, 0.6)
    found = {r["id"].split(".")[-1]: r for r in likeness_rows(originals, men, labels, 0.95)}
    # as women the two men are too blurred; as men the women are not
    assert {name: row["value"] for name, row in found.items()} == {
        "sharpness": pytest.approx(0.75),
        "noisy": 0,
        "blurred": 0.5,
    }
    assert found["blurred"]["n"] == 4
    # of one gender there are no limits for the other
    assert [row["id"] for row in likeness_rows(originals, men, 0 * labels, 0.95)] == [
        "beyond.published_pairs.sharpness"
    ]


def test_equal_numbers_have_no_correlation():
    assert math.isnan(correlation(np.ones(9), np.arange(9.0)).value)
    assert math.isnan(correlation(np.arange(3.0), np.arange(3.0)).value)
    found = correlation(np.arange(9.0), np.arange(9.0) ** 2)
    assert found.low < found.value < found.high < 1


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the authors' pairs in ../shared/data")
def test_the_real_pairs_say_what_the_supplementary_material_says():
    pairs = read_published_pairs(SHARED)
    assert len(pairs.number) == 979
    assert (pairs.label == 0).sum() == 553
    assert pairs.distance.mean() == pytest.approx(0.820, abs=5e-4)
    assert pairs.distance.std() == pytest.approx(0.183, abs=5e-4)
    assert pairs.distance.max() < 1.242
    originals, attacked = (from_uint8(half, "cpu") for half in (pairs.originals, pairs.attacked))
    less = quality(attacked).sharpness < quality(originals).sharpness
    assert less.float().mean() > 0.55  # an SVAE blurs
    rows = likeness_rows(originals, attacked, pairs.label, 0.95)
    found = {row["id"].split(".")[-1]: row["value"] for row in rows}
    assert found["noisy"] < 0.05 < found["blurred"] < 0.3  # most are as sharp as photographs
