"""Recognizers are tested on what nobody learnt, and a published cell tells the other counts."""

from pathlib import Path

import numpy as np
import pytest

from typeone.data.lfw import LFW
from typeone.evaluation.intervals import rate_of
from typeone.evaluation.strengthened_recognizers import (
    cell_note,
    spread_pairs,
    unlearnt_examples,
)


def test_pairs_of_lfw_are_taken_evenly_and_name_the_same_files():
    files = [Path(f"{i}.jpg") for i in range(12)]
    first, second = np.arange(6), np.arange(6, 12)
    lfw = LFW(files, first, second, np.arange(6) % 2 == 0, np.arange(6) // 3)
    used, (pairs, same) = spread_pairs(lfw, 2)
    # every third pair: 0 and 3, which compare 0 with 6 and 3 with 9
    assert [(used[a].stem, used[b].stem) for a, b in zip(*pairs, strict=True)] == [
        *(("0", "6"), ("3", "9")),
    ]
    assert same.tolist() == [True, False]
    assert len(used) == 4


def test_examples_of_learnt_faces_are_left_out():
    tables = [{"position": np.array([0, 2, 1]), "x": np.array([5, 6, 7])}] * 3
    tests = [("base", "pgd", "old", 0), ("base", "svae", "fresh", 0), ("other", "pgd", "old", 1)]
    found = unlearnt_examples(tests, tables, np.array([True, False, True]))
    assert {key: [test[:2] for test in of_it] for key, of_it in found.items()} == {
        ("base", 0): [("pgd", "old"), ("svae", "fresh")],
        ("other", 1): [("pgd", "old")],
    }
    assert found["other", 1][0][2]["x"].tolist() == [5, 6]


@pytest.mark.parametrize(
    ("when", "note"),
    [
        ("old", "the plain one: 0.200; at 1% false accepts: 0.600; attacked afresh: not measured"),
        ("fresh", "the plain one: not measured; at 1% false accepts: not measured"),
    ],
)
def test_a_note_pools_the_seeds_of_the_other_counts(when, note):
    cell = {"what": "pgd", "when": "old"}
    found = [
        (cell | {"network": "base", "threshold": "paper", "seed": 0}, rate_of(1, 10)),
        (cell | {"network": "base", "threshold": "paper", "seed": 1}, rate_of(3, 10)),
        (cell | {"network": "strong", "threshold": "far", "seed": 0}, rate_of(6, 10)),
    ]
    row = {"network": "strong", "what": "pgd", "when": when}
    assert cell_note(found, row, plain="base", false_accepts=0.01) == note
