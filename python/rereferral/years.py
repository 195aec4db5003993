"""Financial years by name: 1 April 2019 to 31 March 2020 is ``2019-20``, and in numbers 2020."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["year_labels", "year_of"]

_LABEL = re.compile(r"([0-9]{4})-([0-9]{2})")


def year_labels(years: Iterable[int]) -> list[str]:
    """Financial years by the year they end in, as labels.

    Examples
    --------
    >>> year_labels([2016, 2000])
    ['2015-16', '1999-00']
    """
    return [f"{year - 1}-{year % 100:02d}" for year in years]


def year_of(label: str) -> int | None:
    """The year in which a financial year ends; None for text that is no label of one.

    Examples
    --------
    >>> year_of("1999-00"), year_of("2019-21"), year_of("2019")
    (2000, None, None)
    """
    found = _LABEL.fullmatch(label)
    if found is None or (int(found[1]) + 1) % 100 != int(found[2]):
        return None
    return int(found[1]) + 1
