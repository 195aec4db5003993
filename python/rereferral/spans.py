"""Spans of time as people write them: ``"12 months"``, ``"365 days"``, ``"1 year"``, ``30``."""

from __future__ import annotations

import operator
import re
from typing import NamedTuple

from rereferral.errors import RuleError

__all__ = ["OPEN", "Span", "parse_span"]

_TEXT = re.compile(r"\s*(\d+)\s*(day|week|month|year)s?\s*")
_UNITS = {"day": ("days", 1), "week": ("days", 7), "month": ("months", 1), "year": ("months", 12)}
_LONGEST = 1_000_000


class Span(NamedTuple):
    """A whole number of days or of calendar months, or a span without end.

    Attributes
    ----------
    unit : str
        ``"days"``, ``"months"`` or ``"open"``.
    length : int
        How many; 0 for an open span.
    """

    unit: str
    length: int

    def __str__(self) -> str:
        if self.unit == "open":
            return "any time"
        if self.unit == "months" and self.length % 12 == 0 and self.length > 12:
            return f"{self.length // 12} years"
        return f"{self.length} {self.unit[:-1] if self.length == 1 else self.unit}"


OPEN = Span("open", 0)


def parse_span(value: object, what: str) -> Span:
    """Read a span as a rule gives it.

    Parameters
    ----------
    value : str, int, Span or None
        ``"12 months"``, ``"365 days"``, ``"4 weeks"``, ``"1 year"``; a number of days; None for a
        span without end.
    what : str
        The name of the rule, for the message.

    Raises
    ------
    RuleError
        If it is none of these.

    Examples
    --------
    >>> parse_span("1 year", "window")
    Span(unit='months', length=12)
    >>> parse_span(30, "window")
    Span(unit='days', length=30)
    """
    if value is None:
        return OPEN
    if isinstance(value, Span):
        return value
    if isinstance(value, str):
        found = _TEXT.fullmatch(value)
        if found is None:
            raise RuleError(
                f'{what}={value!r} is not a span; write "12 months", "365 days" or a number of days'
            )
        unit, factor = _UNITS[found[2]]
        length = int(found[1]) * factor
    else:
        if isinstance(value, bool):
            raise RuleError(f"{what}={value!r} is not a span")
        try:
            unit, length = "days", operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            raise RuleError(
                f'{what}={value!r} is not a span; write "12 months", "365 days" or a number of days'
            ) from None
    if not 0 <= length <= _LONGEST:
        raise RuleError(f"{what}={value!r} must be from 0 to {_LONGEST:,} {unit}")
    return Span(unit, length)
