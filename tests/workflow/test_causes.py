"""A job's cause is named by the setting or the file that was edited."""

from types import SimpleNamespace

import pytest

from typeone.workflow.causes import Edits, causes

NOTHING = SimpleNamespace(
    **dict.fromkeys(("forced", "input_changed", "software_stack_changed"), False),
    **{name: set() for name in ("missing_output", "incomplete_output")},
    **{name: set() for name in ("updated_input", "updated_input_run")},
    params_changed=None,
)
EDITS = Edits(
    now={"seeds": [0, 1], "fgsm.epsilon": 0.1, "pgd.epsilon": 0.1, "toy.seed": 4, "toy.name": "b"},
    before={"seeds": [0], "fgsm.epsilon": 0.3, "pgd.epsilon": 0.3, "toy.seed": 3, "toy.name": "a"},
)


def of(params=(), wildcards=(), old=(), **reason):
    """The causes of a job whose results were made with the params ``old``."""
    params, old = dict(params), set(map(repr, old))
    if params:
        new = set(map(repr, params.values()))
        reason["params_changed"] = SimpleNamespace(only_old=old - new, only_new=new - old)
    return causes(SimpleNamespace(**vars(NOTHING) | reason), EDITS, params, set(wildcards))


def test_a_job_that_follows_others_has_no_cause():
    assert of() == []
    assert of(updated_input={"a.png"}, updated_input_run={"a.png"}) == []


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ({"forced": True}, "forced"),
        ({"missing_output": {"a"}}, "not made yet"),
        ({"incomplete_output": {"a"}}, "was interrupted"),
        ({"updated_input": {"b", "a", "c"}, "updated_input_run": {"c"}}, "newer: a, b"),
        ({"input_changed": True}, "input files changed"),
        ({"software_stack_changed": True}, "conda environment changed"),
    ],
)
def test_what_is_missing_or_newer_is_named(reason, cause):
    assert of(**reason) == [cause]


def test_edited_code_is_named_by_its_file_once():
    change = SimpleNamespace(
        only_old={"'typeone/b.py@0123456789ab'", "'typeone/a.py@0123456789ab'"},
        only_new={"'typeone/b.py@ba9876543210'"},
    )
    assert of(params_changed=change) == ["typeone/a.py changed", "typeone/b.py changed"]


@pytest.mark.parametrize(
    ("params", "wildcards", "old", "cause"),
    [
        ({"seed": 4}, (), [3], "toy.seed 3 → 4"),
        ({"seeds": [0, 1]}, (), [[0]], "seeds [0] → [0, 1]"),
        # two settings have this name, of which one is the job's
        ({"epsilon": 0.1}, ["pgd"], [0.3], "pgd.epsilon 0.3 → 0.1"),
        ({"epsilon": 0.1}, ["none"], [0.3], "epsilon 0.3 → 0.1"),
        # what was recorded has no name: of two numbers, that of the last run's settings counts
        ({"seed": 4}, (), [3, 5], "toy.seed 3 → 4"),
        ({"unknown": 4}, (), [3, 5], "unknown unset → 4"),
        ({"unknown": [1, 2]}, (), [[1]], "unknown changed"),
        ({"name": "x" * 40}, (), ["a"], "name changed"),
        # of a section, the values that differ
        ({"toy": {"seed": 4, "name": "b"}}, (), [{"seed": 3, "name": "b"}], "toy.seed 3 → 4"),
        ({"toy": {"seed": 4}}, (), [], "toy changed"),
    ],
)
def test_the_setting_behind_a_param_is_named(params, wildcards, old, cause):
    assert of(params, wildcards, old) == [cause]
