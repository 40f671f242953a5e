"""Pairs of faces are what they are said to be, and thresholds accept as many as they should."""

import numpy as np
import pytest
import torch

from typeone.evaluation.verification import Pairs, draw_pairs, far_threshold
from typeone.runtime.errors import InputError

# five people, the first two women; the last has one image
IDENTITIES = np.array([7, 3, 3, 9, 7, 9, 7, 5, 5, 2])
LABELS = np.array([0, 0, 0, 1, 0, 1, 0, 1, 1, 1])


def drawn(kind, count=1000, seed=0):
    return draw_pairs(
        IDENTITIES,
        LABELS,
        kind=kind,
        count=count,
        generator=torch.Generator().manual_seed(seed),
    )


def test_every_pair_of_a_kind_is_found_once():
    # same: 3 of person 7, 1 each of 3, 9, 5. opposite: 5 women's images times 5 men's.
    # different: 45 pairs of ten images less the 6 of one person.
    for kind, count in (("same", 6), ("opposite", 25), ("different", 39)):
        pairs = drawn(kind)
        found = {frozenset(pair) for pair in zip(*pairs, strict=True)}
        assert len(found) == len(pairs.first) == count
        assert all(len(pair) == 2 for pair in found)


def test_pairs_are_of_the_kind_that_was_asked_for():
    for seed in range(5):
        same, different, opposite = (drawn(k, 5, seed) for k in ("same", "different", "opposite"))
        assert (IDENTITIES[same.first] == IDENTITIES[same.second]).all()
        assert (IDENTITIES[different.first] != IDENTITIES[different.second]).all()
        assert (LABELS[opposite.first] != LABELS[opposite.second]).all()
        assert [len(p.first) for p in (same, different, opposite)] == [5, 5, 5]


def test_a_person_counts_once_however_many_images_there_are():
    identities = np.array([1] * 100 + [2, 2])
    counts = [0, 0]
    for seed in range(400):
        generator = torch.Generator().manual_seed(seed)
        labels = np.zeros(102)
        pairs = draw_pairs(identities, labels, kind="same", count=1, generator=generator)
        counts[identities[pairs.first[0]] - 1] += 1
    assert 140 < counts[0] < 260  # half of 400, six standard deviations


def test_the_same_seed_draws_the_same_pairs():
    for first, second in zip(drawn("different", 7), drawn("different", 7), strict=True):
        np.testing.assert_array_equal(first, second)
    assert (drawn("different", 7, seed=1).first != drawn("different", 7).first).any()


@pytest.mark.parametrize(
    ("identities", "labels", "kind"),
    [
        ([1, 2, 3], [0, 1, 1], "same"),
        ([1, 1, 1], [0, 0, 0], "different"),
        ([1, 2, 3], [1, 1, 1], "opposite"),
    ],
)
def test_faces_without_such_a_pair(identities, labels, kind):
    with pytest.raises(
        InputError, match=f"the 3 faces contain no pair of {kind} kind; needs people"
    ):
        draw_pairs(
            np.array(identities),
            np.array(labels),
            kind=kind,
            count=5,
            generator=torch.Generator(),
        )


def test_distances_of_pairs_by_hand():
    embeddings = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    found = Pairs(np.array([0, 0]), np.array([1, 2])).distances(embeddings)
    np.testing.assert_allclose(found, [5, 1])


@pytest.mark.parametrize(("share", "accepted"), [(0.01, 1), (0.0, 0), (0.099, 9), (0.1, 10)])
def test_the_threshold_accepts_as_many_false_pairs_as_it_may(share, accepted):
    different = np.random.default_rng(0).permutation(np.arange(100) / 50)
    threshold = far_threshold(different, share)
    assert np.count_nonzero(different <= threshold) == accepted
    # any larger distance would accept one more
    assert np.count_nonzero(different <= threshold + 1e-9) == accepted + 1
