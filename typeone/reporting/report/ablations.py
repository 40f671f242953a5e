"""Ablations of an attack: success of its variants, one setting changed at a time."""

from __future__ import annotations

from typing import Any

from typeone.reporting.ablations import MEASURES, rates_of_variants
from typeone.reporting.report.examples import spoken
from typeone.runtime.artifacts import Records


def ablations(rows: Records) -> list[dict[str, Any]]:
    """Return one entry per variant, in the order of the table: its rates, and its mean steps."""
    return [
        {
            "variant": name,
            "steps": steps,
            "rates": {text: spoken(rates[measure]) for measure, text in MEASURES.items()},
        }
        for name, (steps, rates) in rates_of_variants(rows.frame()).items()
    ]
