"""Prices of another year: a deflator that the user gives, never one of our own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pandas as pd

from rereferral.errors import RuleError
from rereferral.years import year_of

__all__ = ["CASH", "between", "factors"]

CASH = "cash"


def factors(deflator: Any, prices: str, years: list[str]) -> dict[str, Fraction]:
    """What to multiply the cash of each year by.

    Parameters
    ----------
    deflator : mapping or Series
        The level of prices by financial year, on any base: ``{"2010-11": 0.8446, "2019-20": 1}``.
    prices : str
        The year in whose prices amounts are wanted.
    years : list of str
        The years of the amounts.

    Raises
    ------
    RuleError
        A year has no level of prices, or one that is not above 0.
    """
    if isinstance(deflator, pd.Series):
        deflator = deflator.to_dict()
    if not isinstance(deflator, Mapping):
        raise RuleError(
            f"deflator={deflator!r}: give the level of prices by financial year, such as "
            '{"2010-11": 0.8446, "2019-20": 1}'
        )
    levels = {}
    for year, level in deflator.items():
        if not isinstance(year, str) or year_of(year) is None:
            raise RuleError(f'deflator: {year!r} is no financial year such as "2019-20"')
        levels[year] = _level(level, f"the level of {year}")
    for year in dict.fromkeys([prices, *years]):
        if year not in levels:
            raise RuleError(f"deflator: no level of prices of {year}")
    return {year: levels[prices] / levels[year] for year in years}


def between(deflator: Any, before: str, after: str, prices: str) -> dict[str, Fraction]:
    """As `factors`, for two years; `deflator` may be one number.

    Parameters
    ----------
    deflator : float, mapping or Series
        One number: how many times as high prices are in `after` as in `before`.
    before, after : str
        The two years.
    prices : str
        One of them, or another that a mapping has.

    Raises
    ------
    RuleError
        As `factors`; or one number is below 1, which may be meant the other way round.
    """
    if isinstance(deflator, (Mapping, pd.Series)):
        return factors(deflator, prices, [before, after])
    number = _level(deflator, "deflator")
    if number < 1:
        raise RuleError(
            f"deflator={deflator!r}: one number says how many times as high prices are in {after} "
            f"as in {before}, and below 1 they fell; otherwise write "
            f'{{"{before}": {deflator!r}, "{after}": 1}}'
        )
    return factors({before: 1, after: deflator}, prices, [before, after])


def _level(level: Any, what: str) -> Fraction:
    if isinstance(level, bool):
        raise RuleError(f"{what} is {level!r}, not a number above 0")
    try:
        number = float(level)
    except (TypeError, ValueError):
        raise RuleError(f"{what} is {level!r}, not a number above 0") from None
    if not math.isfinite(number) or number <= 0:
        raise RuleError(f"{what} is {level!r}, not a number above 0")
    return Fraction(str(number))  # 1.08 is 108/100, as it was written
