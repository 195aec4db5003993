"""Spans of time as people write them: ``"12 months"``, ``"365 days"``, ``"1 year"``, ``30``."""

from __future__ import annotations

import operator
import re
from typing import NamedTuple

from rereferral.errors import RuleError

__all__ = ["OPEN", "Offset", "Span", "parse_offset", "parse_span", "parse_window"]

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


class Offset(NamedTuple):
    """A span before (`sign` -1) or after (`sign` 1) a day.

    Attributes
    ----------
    sign : int
        -1 or 1; 1 for a length of 0.
    span : Span
        Its length.
    """

    sign: int
    span: Span

    def __str__(self) -> str:
        return f"{'-' if self.sign < 0 else ''}{self.span}"

    @property
    def days_at_most(self) -> int:
        """Its length in days where a month has 31, to tell which of two ends comes first."""
        return self.sign * self.span.length * (31 if self.span.unit == "months" else 1)


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


def parse_offset(value: object, what: str) -> Offset:
    """Read a span with a sign: ``"-30 days"`` lies before, ``"2 months"`` and ``14`` after.

    Raises
    ------
    RuleError
        If it is none of these.

    Examples
    --------
    >>> parse_offset("-30 days", "within")
    Offset(sign=-1, span=Span(unit='days', length=30))
    """
    if isinstance(value, Offset):
        return value
    sign = 1
    if isinstance(value, str) and value.strip()[:1] in ("-", "+"):
        sign = -1 if value.strip()[0] == "-" else 1
        value = value.strip()[1:]
    elif isinstance(value, int) and not isinstance(value, bool) and value < 0:
        sign, value = -1, -value
    span = parse_span(value, what)
    if span == OPEN:
        raise RuleError(f"{what} must have an end")
    return Offset(sign if span.length else 1, span)


def parse_window(value: object) -> Span | str | tuple[Span, ...]:
    """Read the rule `window`: a span, several of them, or the name of a column.

    A text that begins with a digit or a sign is a span, any other the name of a column.

    Raises
    ------
    RuleError
        If it is none of these, or a span is named twice.
    """
    if isinstance(value, (list, tuple)) and not isinstance(value, Span):
        spans = tuple(parse_span(one, "window") for one in value)
        if not spans:
            raise RuleError("window is an empty list; give one span or several")
        for place, span in enumerate(spans):
            if span in spans[:place]:
                raise RuleError(f"window names {value[place]!r} twice")
        return spans if len(spans) > 1 else spans[0]
    if isinstance(value, str) and value.strip() and value.strip()[0] not in "+-.0123456789":
        return value
    return parse_span(value, "window")
