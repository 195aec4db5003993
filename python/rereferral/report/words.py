"""Numbers as the page, the figures and the terminal print them."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd

from rereferral.rounding import percent

__all__ = [
    "NONE",
    "Symbol",
    "count",
    "is_missing",
    "limits",
    "method",
    "number",
    "of",
    "rate",
    "share",
    "share_of",
    "unbroken",
]

NONE = "–"
"""Stands where there is no number: nobody was counted, or nothing was published."""


class Symbol(str):
    """What stands in the place of a number that disclosure control hides; printed as it is."""

    __slots__ = ()


_TENTH = Decimal("0.1")
_NEAR = 1e-9
_SPACE = "\N{NO-BREAK SPACE}"
_PERCENT = re.compile(r"(?<=\d) (?=%)")


def is_missing(value: Any) -> bool:
    """Whether a cell holds no value: None, NaN, NaT or ``pandas.NA``."""
    return bool(pd.isna(value))


def _whole(value: Any) -> int | None:
    """The count as an int, or None where it is no whole number."""
    if is_missing(value):
        return None
    whole = int(value)
    return whole if whole == value else None


def count(value: Any) -> str:
    """A count with thousands separators, rounded half up where it is an average.

    Examples
    --------
    >>> count(1260000), count(2.5), count(float("nan"))
    ('1,260,000', '3', '–')
    """
    if isinstance(value, Symbol):
        return value
    if is_missing(value):
        return NONE
    return f"{int(Decimal(str(value)).quantize(Decimal(1), ROUND_HALF_UP)):,}"


def rate(value: Any) -> str:
    r"""A rate from 0 to 1 as a percentage with one decimal; for rates that are no plain proportion.

    Examples
    --------
    >>> rate(0.2225)
    '22.3\xa0%'
    """
    if isinstance(value, Symbol):
        return value
    if is_missing(value):
        return NONE
    return f"{(Decimal(repr(float(value))) * 100).quantize(_TENTH, ROUND_HALF_UP)}{_SPACE}%"


def of(x: Any, n: Any) -> str:
    r"""``x`` of ``n`` as a percentage with one decimal, half up from the counts.

    Examples
    --------
    >>> of(1, 3), of(0, 0)
    ('33.3\xa0%', '–')
    """
    for value in (x, n):
        if isinstance(value, Symbol):
            return value
    a, b = _whole(x), _whole(n)
    if a is not None and b is not None:
        return NONE if b == 0 else f"{percent(a, b)}{_SPACE}%"
    if is_missing(x) or is_missing(n) or n == 0:
        return NONE
    return rate(Decimal(str(x)) / Decimal(str(n)))


def share_of(x: Any, n: Any, value: Any) -> Decimal | None:
    """A share in percent with one decimal; None where there is none.

    From its counts where it is their quotient; else, as where these are rounded, from itself.
    """
    if isinstance(value, Symbol) or is_missing(value):
        return None
    a, b = (None if isinstance(count, Symbol) else _whole(count) for count in (x, n))
    if a is not None and b and abs(a / b - value) < _NEAR:
        return percent(a, b)
    return (Decimal(repr(float(value))) * 100).quantize(_TENTH, ROUND_HALF_UP)


def share(x: Any, n: Any, value: Any) -> str:
    r"""`share_of` as it is printed.

    Examples
    --------
    >>> share(1, 3, 1 / 3), share(10, 30, 0.331), share(Symbol("c"), 30, Symbol("c"))
    ('33.3\xa0%', '33.1\xa0%', 'c')
    """
    if isinstance(value, Symbol):
        return value
    found = share_of(x, n, value)
    return NONE if found is None else f"{found}{_SPACE}%"


def limits(low: Any, high: Any) -> str:
    """Two limits of a rate as percentages: ``24.8 to 25.1 %``."""
    for value in (low, high):
        if isinstance(value, Symbol):
            return value
    if is_missing(low) or is_missing(high):
        return NONE
    return f"{rate(low).removesuffix(f'{_SPACE}%')} to {rate(high)}"


_METHODS = {
    "Wilson": "Wilson's score limits",
    "Wilson, n/deff, person clusters": (
        "Wilson's score limits, widened for children who come more than once"
    ),
    "Wilson, n/deff, person clusters, largest deff": (
        "Wilson's score limits, widened as far as children who come more than once can widen them"
    ),
    "Wilson, deff of person clusters below 1 not used": (
        "Wilson's score limits, not narrowed for children who come more than once"
    ),
    "Kaplan-Meier, log-log, index events taken as independent": (
        "Kaplan-Meier, log-log limits, closures taken as independent"
    ),
    "none: n is 0": "no limits where nobody was followed",
    "none": "not computed",
}


def method(text: Any) -> str:
    """How limits were made, in plain words; a method that is not known keeps its own."""
    return NONE if is_missing(text) else _METHODS.get(str(text), str(text))


def number(value: Any, decimals: int) -> str:
    """A plain number with a fixed count of decimals, rounded half up."""
    if isinstance(value, Symbol):
        return value
    if is_missing(value) or math.isinf(value):
        return NONE
    return f"{Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):,}"


def unbroken(text: Any) -> str:
    """Text in which no percent sign stands on another line than its number."""
    return _PERCENT.sub(_SPACE, str(text))
