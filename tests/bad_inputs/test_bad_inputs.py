"""Whatever is wrong with an input, ./reproduce ends soon, with one line, and spoils no result.

A job that has begun gives up its own outputs, since Snakemake takes them away before it starts;
here they are not made yet. What can be seen from the settings is refused before any job.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from .cases import CASES, DRY_RUN, FOUND, WHOLE_NETWORK, Case
from .sandbox import Sandbox

SOON = 60  # seconds; alone it takes five at most, but tests share the machine
NAMES = [f"{case.group}: {case.given}" for case in CASES]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    return Sandbox(tmp_path_factory.mktemp("bad_inputs"))


@pytest.fixture(scope="module")
def outcomes(sandbox):
    """What is done with each broken input; two at a time."""
    with ThreadPoolExecutor(2) as pool:
        yield {
            name: pool.submit(sandbox.run, case) for name, case in zip(NAMES, CASES, strict=True)
        }


@pytest.mark.parametrize(("name", "case"), [*zip(NAMES, CASES, strict=True)], ids=NAMES)
def test_a_broken_input_ends_with_one_line_and_spoils_nothing(outcomes, name, case):
    outcome = outcomes[name].result()
    assert outcome.status in (1, 2), outcome.screen  # no signal either
    assert outcome.seconds < SOON
    assert "Traceback (most recent call last)" not in outcome.screen
    assert len(outcome.answers(case)) == 1, outcome.screen
    assert outcome.changed == []
    assert outcome.strays == []


def test_no_input_is_broken_twice_in_the_same_way():
    assert [name for name, count in Counter(NAMES).items() if count > 1] == []


@pytest.mark.parametrize("arguments", [DRY_RUN, FOUND], ids=["a dry run", "a job"])
def test_what_is_whole_goes_through(sandbox, arguments):
    """Or the broken ones above might fail for another reason."""
    outcome = sandbox.run(Case("control", " ".join(arguments), "", "figures: {dpi: 61}", arguments))
    assert outcome.status == 0, outcome.screen
    assert outcome.changed == []


def test_a_network_that_sets_what_is_not_its_own_goes_through(sandbox):
    outcome = sandbox.run(WHOLE_NETWORK)
    assert outcome.status == 0, outcome.screen
    assert outcome.changed == []
