"""How dates seem to be written, for messages to those who hold them as text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

__all__ = ["format_hint"]

_DAYS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y%m%d",
    *(f"%d{sign}%m{sign}{year}" for sign in "/.-" for year in ("%Y", "%y")),
    *(f"%m{sign}%d{sign}{year}" for sign in "/.-" for year in ("%Y", "%y")),
    *(f"%d{sign}{month}{sign}%Y" for sign in " -" for month in ("%b", "%B")),
)
_TIMES = ("", " %H:%M", " %H:%M:%S", "T%H:%M:%S")
_FORMATS = tuple(f"{day}{time}" for time in _TIMES for day in _DAYS)


def format_hint(texts: Sequence[str]) -> str:
    """How to make dates of text, with a format that fits all of it or else its first.

    Examples
    --------
    >>> format_hint(["08/05/2006", "31/05/2006"])
    'pandas.to_datetime(column, format="%d/%m/%Y")'
    >>> format_hint(["08/05/2006"])
    'pandas.to_datetime(column, format="%d/%m/%Y"), if the day comes first'
    >>> format_hint(["unknown"])
    'pandas.to_datetime(column, format=...), with the format in which its dates are written'
    """
    fit = [format for format in _FORMATS if texts and _fits(texts[0], format)]
    if not fit:
        return (
            "pandas.to_datetime(column, format=...), with the format in which its dates are written"
        )
    fit = [format for format in fit if all(_fits(text, format) for text in texts)] or fit
    either = fit[0].startswith("%d") and any(format.startswith("%m") for format in fit)
    return f'pandas.to_datetime(column, format="{fit[0]}"){", if the day comes first" * either}'


def _fits(text: str, format: str) -> bool:
    # strptime reads 2006121 as a day too.
    if format.startswith("%Y%m%d") and re.match(r"\d{8}", text) is None:
        return False
    try:
        datetime.strptime(text, format)
    except ValueError:
        return False
    return True
