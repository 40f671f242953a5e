"""Check that the values of settings, a dataclass, are ones that the code can use."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import Any, NamedTuple

from typeone.runtime.errors import InputError


class Allowed(NamedTuple):
    """The values that a setting may have.

    Attributes:
        low, high: ends of the range.
        open_low, open_high: whether the end itself is not allowed.
        whole: whether only whole numbers are.
        words: texts that are allowed beside numbers; without a range (``low`` is NaN) nothing else.
        none: whether None is.
    """

    low: float = 0.0
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False
    whole: bool = False
    words: tuple[str, ...] = ()
    none: bool = False

    def has(self, value: Any) -> bool:
        """Return whether ``value`` is allowed."""
        if value is None or isinstance(value, str):
            return value in self.words or (value is None and self.none)
        kind = numbers.Integral if self.whole else numbers.Real
        if isinstance(value, bool) or not isinstance(value, kind) or not math.isfinite(value):
            return False
        number = float(value)
        above = self.low < number if self.open_low else self.low <= number
        return above and (number < self.high if self.open_high else number <= self.high)

    def told(self) -> str:
        """Return what is allowed, for a message."""
        parts = [*map(repr, self.words), *(["None"] if self.none else [])]
        if not math.isnan(self.low):
            number = "whole number" if self.whole else "number"
            if math.isinf(self.high):
                ends = f"above {self.low:g}" if self.open_low else f"of at least {self.low:g}"
            else:
                left, right = "(" if self.open_low else "[", ")" if self.open_high else "]"
                ends = f"in {left}{self.low:g}, {self.high:.10g}{right}"
            parts = [f"a {number} {ends}", *parts]
        return " or ".join(parts)


def one_of(*words: str) -> Allowed:
    """Allow some texts alone."""
    return Allowed(low=math.nan, words=words)


COUNT = Allowed(low=1, whole=True)
WHOLE = Allowed(whole=True)
WEIGHT = Allowed()
POSITIVE = Allowed(open_low=True)
DECAY = Allowed(high=1, open_high=True)
RADIUS = Allowed(high=1)
SEED = Allowed(high=2**32 - 1, whole=True)


def require(name: str, value: Any, allowed: Allowed, why: str = "") -> None:
    """Refuse a ``value`` that is not allowed; ``why`` follows what is.

    Raises:
        InputError: it is not.
    """
    if not allowed.has(value):
        raise InputError(f"`{name}` is {value!r}; needs {allowed.told()}{why}")


def require_all(settings: object, allowed: Mapping[str, Allowed], why: str = "") -> None:
    """Refuse ``settings`` of which an attribute named in ``allowed`` is not."""
    for name, what in allowed.items():
        require(name, getattr(settings, name), what, why)
