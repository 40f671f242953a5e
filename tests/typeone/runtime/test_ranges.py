"""Values of settings are refused unless the code can use them."""

import math
from dataclasses import replace

import numpy as np
import pytest

from typeone.attacks.embedding import EmbeddingAttackSettings
from typeone.attacks.svae_settings import ALLOWED, SvaeAttackSettings
from typeone.runtime.errors import InputError
from typeone.runtime.ranges import COUNT, DECAY, POSITIVE, SEED, WEIGHT, Allowed, one_of, require

WALK = SvaeAttackSettings(
    **{"steps": 5, "lr": 0.1, "beta2": 0.9, "alpha": 0.01, "gamma": 0.0, "eta": 0.1},
    **{"beta": "ratio", "target_loss": 0.1, "k_max": 1.0, "manifold": "log", "patience": None},
)


@pytest.mark.parametrize(
    ("allowed", "good", "bad", "told"),
    [
        (WEIGHT, (0, 0.0, 3), (-1e-9, math.nan, math.inf, None, "1", True), "number of at least 0"),
        (POSITIVE, (1e-9, 2), (0, -1), "a number above 0"),
        (DECAY, (0, 0.999), (1, 1.5, -0.1), r"a number in \[0, 1\)"),
        (COUNT, (1, np.int64(7)), (0, 1.0, 2.5, True), "a whole number of at least 1"),
        (SEED, (0, 2**32 - 1), (-1, 2**32, None), r"a whole number in \[0, 4294967295\]"),
        (one_of("f1", "log"), ("f1",), ("F1", None, 0), "'f1' or 'log'"),
        (Allowed(words=("ratio",)), ("ratio", 0.5), ("ration", -1), "at least 0 or 'ratio'"),
        (Allowed(low=1, whole=True, none=True), (None, 3), (0, "3"), "of at least 1 or None"),
    ],
)
def test_what_is_allowed_passes_and_the_rest_is_told(allowed, good, bad, told):
    for value in good:
        require("it", value, allowed)
    for value in bad:
        with pytest.raises(InputError, match=f"`it` is {value!r}; needs .*{told}$"):
            require("it", value, allowed)


def test_every_setting_of_algorithm_2_that_is_a_number_or_a_word_has_its_values():
    flags = {"attackers_in_turn"}
    assert ALLOWED.keys() == vars(WALK).keys() - flags


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("lr", value) for value in (math.nan, -1)),
        *(("beta", math.nan), ("beta", "ration"), ("alpha", -1), ("k_max", -1), ("beta2", 1)),
        *(("manifold", "Probability"), ("k_driver", "F1"), ("patience", 0), ("patience", -1)),
        *(("steps", -5), ("steps", 12.5), ("k_start", -1.0), ("detail", -0.5)),
    ],
)
def test_a_setting_of_algorithm_2_that_cannot_be_used_is_refused(name, value):
    with pytest.raises(InputError, match=f"`{name}` is {value!r}; needs "):
        replace(WALK, **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("epsilon", value) for value in (-1, math.nan, 20.0)),
        *(("start", 0.2), ("start", -0.1), ("steps", -1), ("step_size", 0.0)),
    ],
)
def test_a_setting_of_noise_on_embeddings_that_cannot_be_used_is_refused(name, value):
    usual = {"epsilon": 0.1, "steps": 0, "step_size": 0.1, "start": 0.1}
    EmbeddingAttackSettings(**usual)
    EmbeddingAttackSettings(epsilon=0.0, steps=3, step_size=0.0, start=0.0)  # before a warm-up
    with pytest.raises(InputError, match=f"`{name}` is {value!r}; needs "):
        EmbeddingAttackSettings(**usual | {name: value})
