"""Parts of the JSON file of a card, of both kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from typeone.evaluation.intervals import Rate
from typeone.reporting.beyond import BLIND

FORMAT = 1
"""Of the JSON file; raised when a key changes its meaning or disappears."""


def described(text: str) -> Any:
    """Return a field with its description."""
    return Field(description=text)


class Part(BaseModel):
    """A part of a card."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Measure(Part):
    """A measured number with its 95 % interval (Wilson's for shares)."""

    value: float = described("The share, or the mean.")
    low: float = described("Lower end of the interval.")
    high: float = described("Upper end of the interval.")
    n: int = described("Number of images.")


class Source(Part):
    """What a card was made with."""

    typeone: str = described("Version of Type One.")
    torch: str = described("Version of torch.")
    network_sha256: str | None = described(
        "SHA-256 of safetensors.torch.save(network.state_dict())."
    )
    kit_sha256: str | None = described("SHA-256 of the kit's file; null for a kit in memory.")
    seed: int = described("Seed of random starts.")
    kit: dict[str, Any] = described("Description of the kit: data set, networks, attacks, limits.")


class Result(Part):
    """One attack on the network."""

    name: str
    label: str
    kind: str
    seconds: float = described("Wall time of the attack.")
    measures: dict[str, Measure]


class Contents(Part):
    """What the cards of both kinds say.

    Attributes:
        shown: measures of Type I in a terminal, in order.
        changed: the measure of Type II in a terminal, what it is, and what ``same`` is.
    """

    shown: ClassVar[tuple[str, ...]]
    changed: ClassVar[tuple[str, str, str]]

    format: int = described(f"Format of this file, {FORMAT}.")
    network: str = described("Name of the network.")
    headline: str | None = described(
        "The first attack of kind svae in the kit; null if it was not measured."
    )
    attacks: Sequence[Result]
    warnings: list[str]
    source: Source

    def lines(self) -> list[str]:
        """Return the lines that a terminal shows."""
        results = [plain_line(attack, self.shown, self.changed) for attack in self.attacks]
        warnings = [f"warning: {text}" for text in self.warnings]
        return ["", plain_head(self.shown), *results, *warnings]


def headline_of(results: Sequence[Result]) -> str | None:
    """Return the name of the first attack of kind svae; None if it was not measured."""
    first = next((result for result in results if result.kind == "svae"), None)
    return first.name if first and first.measures else None


def measure_of(value: Rate) -> Measure:
    """Return a rate as part of a card."""
    return Measure(value=value.value, low=value.low, high=value.high, n=value.n)


def is_blind(rows: Mapping[str, np.ndarray]) -> bool:
    """Whether the gradient vanishes at so many images that an attack was not measured."""
    return "gradient_vanishes" in rows and rows["gradient_vanishes"].mean() > BLIND


def plain_line(attack: Result, shown: Sequence[str], changed: tuple[str, str, str]) -> str:
    """Return the line of an attack in a terminal.

    Args:
        shown, changed: of `Contents`.
    """
    found = attack.measures
    if not found:
        return f"{attack.name:14} not measured: the gradient of the network vanishes"
    if attack.kind == "type2":
        key, what, same = changed
        counts = f"{what} {found[key].value:.2f}, {same} {found['same'].value:.2f}"
        return f"{attack.name:14} Type II: {counts}"
    return f"{attack.name:14} " + " ".join(f"{found[name].value:8.2f}" for name in shown)


def plain_head(shown: Sequence[str]) -> str:
    """Return the line above those of `plain_line`."""
    return f"{'attack':14} " + " ".join(f"{name:>8}" for name in shown)
