"""Frames of a filmstrip stand where something changes."""

import numpy as np

from typeone.reporting.plotting import moments


def images(*values):
    """Images of one pixel."""
    return np.array(values, dtype=np.uint8).reshape(-1, 1, 1, 1)


def test_frames_split_the_way_and_skip_what_stands_still():
    walk = images(0, 0, 0, 0, 0, 10, 20, 30, 40, 40, 40)
    assert moments(walk, 5).tolist() == [0, 5, 6, 7, 10]


def test_a_jump_gives_its_neighbours():
    """Three of four marks lie inside one jump; frames are distinct all the same."""
    assert moments(images(0, 0, 100, 100, 101), 4).tolist() == [0, 2, 3, 4]


def test_first_and_last_are_always_there():
    rng = np.random.default_rng(0)
    for n in (2, 3, 9, 50):
        walk = rng.integers(0, 255, (n, 1, 4, 4)).astype(np.uint8)
        for count in (2, 3, 9):
            chosen = moments(walk, count)
            assert chosen[0] == 0
            assert chosen[-1] == n - 1
            assert len(chosen) == min(count, n)
            assert (np.diff(chosen) > 0).all()
