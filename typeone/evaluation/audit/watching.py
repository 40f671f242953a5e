"""How the caller of an audit follows its attacks."""

from __future__ import annotations

from collections.abc import Callable

Watch = Callable[[str, float], None]
"""Called with the name of a running attack and the share of it that is done, from 0 to 1."""


def unwatched(name: str, share: float) -> None:
    """Do nothing, as a `Watch`."""
