"""The verdict table shows small figures too."""

import pytest

from typeone.reporting.reproduction_text import figure


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0.000"), (0.5, "0.500"), (0.001, "0.001"), (0.00099, "9.9e-04"), (-2e-15, "-2.0e-15")],
)
def test_what_three_decimals_cannot_show_is_a_power_of_ten(value, shown):
    assert figure(value, 3) == shown
