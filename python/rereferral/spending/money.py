"""Amounts in £ million: in whole pounds, and as they are printed."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from rereferral.rounding import percent

__all__ = ["as_million", "pounds", "share_of"]


def pounds(million: float) -> int:
    """An amount in £ million as whole pounds, from which percentages are rounded once.

    Examples
    --------
    >>> pounds(1845.78)
    1845780000
    """
    return round(Fraction(str(float(million))) * 1_000_000)


def as_million(amount: float, decimals: int = 1) -> str:
    """An amount in £ million as it is printed, rounded once, half up; empty where it is missing.

    Examples
    --------
    >>> as_million(1890.25), as_million(-0.05)
    ('1,890.3', '-0.1')
    """
    if np.isnan(amount):
        return ""
    whole = pounds(amount)
    return f"{'-' if whole < 0 else ''}{percent(abs(whole), 100_000_000, decimals):,}"


def share_of(early: float, late: float, decimals: int = 1) -> str:
    """The share of early of the two together in per cent, rounded once; empty where undefined.

    Examples
    --------
    >>> share_of(1845.78, 7623.76), share_of(1845.78, 7623.76, decimals=0)
    ('19.5 %', '19 %')
    """
    if np.isnan(early) or np.isnan(late) or early < 0 or late < 0 or early + late <= 0:
        return ""
    return f"{percent(pounds(early), pounds(early) + pounds(late), decimals)} %"
