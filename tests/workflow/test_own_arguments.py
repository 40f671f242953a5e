"""Arguments that an own attack does not take are told before any network is trained."""

import pytest

from typeone.workflow.settings.model import Wrong
from typeone.workflow.settings.own import check_arguments

CODE = """
def attack(model, inputs, labels, targets, *, generator, strength=0.6, steps=20):
    return inputs

def positional(model, inputs, labels, targets, generator, strength=0.6):
    return inputs

def anything(model, inputs, labels, targets, **arguments):
    return inputs

def bad(x, y):
    return x

made = attack
"""


@pytest.fixture
def of(tmp_path):
    (tmp_path / "mine.py").write_text(CODE)
    return lambda function: f"{tmp_path}/mine.py:{function}"


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        *(("attack", {}), ("attack", {"strength": 1, "steps": 2}), ("positional", {"strength": 1})),
        *(("anything", {"whatever": 1}), ("made", {"whatever": 1})),
    ],
)
def test_arguments_that_fit_pass(of, function, arguments):
    check_arguments(of(function), arguments)


@pytest.mark.parametrize(
    ("function", "arguments", "told"),
    [
        (
            "attack",
            {"strenght": 1},
            "contains 'strenght', which .*; .*: steps, strength",
        ),
        ("attack", {"generator": 3}, "contains 'generator', which"),
        ("positional", {"inputs": 3}, "contains 'inputs', which"),
        ("bad", {}, "whose arguments differ; needs a function of .model, inputs, labels, targets"),
    ],
)
def test_other_arguments_are_refused(of, function, arguments, told):
    with pytest.raises(Wrong, match=told):
        check_arguments(of(function), arguments)
