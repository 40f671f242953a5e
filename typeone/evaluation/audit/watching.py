"""How the caller of an audit follows its attacks."""

from __future__ import annotations

from collections.abc import Callable

ALMOST = 0.999
"""Largest share that a walk reports."""

Watch = Callable[[str, float], None]
"""Called with the name of a running attack and the share of it that is done, from 0 to 1.

1.0 comes once, when the attack has ended: its walk alone is not the end.
"""


def of_walk(watch: Watch, name: str) -> Callable[[float], None]:
    """Return a function that reports the share of the walk of an attack, which never ends it."""
    return lambda share: watch(name, min(share, ALMOST))


def unwatched(name: str, share: float) -> None:
    """Do nothing, as a `Watch`."""
