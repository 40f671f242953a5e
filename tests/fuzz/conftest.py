"""How many inputs a fuzzer tries: few and always the same ones, or many (docs/testing.md)."""

import pytest
from hypothesis import HealthCheck, settings

SLOW_MACHINE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
HANGS = 10_000  # ms for one input, on a machine that does other things

settings.register_profile(
    "fast", max_examples=25, derandomize=True, deadline=HANGS, suppress_health_check=SLOW_MACHINE
)
settings.register_profile(
    "long", max_examples=500, database=None, deadline=HANGS, suppress_health_check=SLOW_MACHINE
)
settings.load_profile("fast")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Where inputs are written, one over the other."""
    return tmp_path_factory.mktemp("fuzz")
