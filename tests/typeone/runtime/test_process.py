"""What a block sets for the whole process does not outlast it."""

import os
import warnings

import pytest
import torch

from typeone.runtime.process import SETTINGS, settings_kept


def current():
    return [str(get()) for get, _ in SETTINGS] + [str(warnings.filters)]


def test_an_idle_block_changes_nothing():
    before = current()
    with settings_kept():
        pass
    assert current() == before


def test_a_block_that_fails_is_undone(tmp_path):
    before, drawn = current(), torch.get_rng_state()

    def fails():
        torch.set_grad_enabled(False)
        torch.rand(1)
        os.chdir(tmp_path)
        os.environ["MINE"] = "1"
        warnings.simplefilter("error")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), settings_kept():
        fails()
    assert current() == before
    assert torch.equal(torch.get_rng_state(), drawn)


def test_a_default_device_from_before_the_block_is_kept():
    torch.set_default_device("meta")
    try:
        with settings_kept():
            torch.set_default_device("cpu")
        assert torch.zeros(1).device.type == "meta"
    finally:
        torch.set_default_device(None)
