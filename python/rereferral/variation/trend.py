"""`rereferral.trend`: a rate from year to year, with limits for it and for its changes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from rereferral.rates import level_quantiles, wilson
from rereferral.variation.rows import read_rows
from rereferral.years import year_labels, year_of

__all__ = ["COVID", "missing_before", "trend"]

#: Years that are marked: lockdowns closed schools, which make a fifth of all referrals.
COVID = ("2020-21",)

_YEAR = re.compile("[0-9]{4}")


def trend(
    table: Any,
    *,
    by: str = "financial_year",
    count: str = "linked",
    of: str = "n",
    levels: Sequence[float] = (0.95, 0.998),
    covid: str | int | Sequence[str | int] = COVID,
) -> pd.DataFrame:
    """Rates by year with Wilson limits, and the change from each year to the next.

    Parameters
    ----------
    table : DataFrame or other small table
        A row for each year: what ``links.rates(by="financial_year")`` gives, or counts of one's
        own.
    by : str, default "financial_year"
        The column that names the years; they are taken in its order.
    count, of : str
        The columns of the two counts.
    levels : sequence of float
        Confidence levels of the rates; changes have the first.
    covid : str, int, or sequence of these
        Years that are marked, as the table names them; a number is also the financial year that
        ends in it. Follow-up that runs into such a year is not marked: name the year before too
        where that matters.

    Returns
    -------
    DataFrame
        ``by``, the two counts, ``rate``, a lower and an upper limit for each level; ``change``
        since the year before, its limits ``change_lower`` and ``change_upper`` (all from -1 to 1;
        null in the first row, after a year without a rate, and after one that is not in the table,
        where years are financial years or whole numbers); and ``note``. A year without a rate
        stays, with the reason as its note. A year that is not in the table is told in the note of
        the next.

    Raises
    ------
    DataError
        A column is not there, a year stands there twice, a count is negative or above what it is a
        part of, or a cell holds no number and no known symbol.

    Notes
    -----
    Limits of a change are Newcombe's, from Wilson's limits of both rates. They take the two years
    as independent; children who were referred in both make them slightly too wide.

    References
    ----------
    R. G. Newcombe, Interval estimation for the difference between independent proportions,
    Statistics in Medicine 17 (1998), 873-890, method 10.

    Examples
    --------
    >>> import rereferral as rr
    >>> table = {"financial_year": ["2019-20", "2020-21"], "n": [400, 300], "linked": [100, 60]}
    >>> rr.trend(table, levels=[0.95])[["change", "change_upper", "note"]].round(3)
    ... # doctest: +NORMALIZE_WHITESPACE
       change  change_upper      note
    0     NaN           NaN
    1   -0.05         0.013  Covid-19
    """
    names = level_quantiles(levels)
    rows = read_rows(table, count, of, by)
    found = rows.names.assign(**{count: rows.count, of: rows.of}, rate=rows.rate)
    for level, name in zip(levels, names, strict=True):
        found[f"lower_{name}"], found[f"upper_{name}"] = wilson(rows.count, rows.of, level)
    found["note"] = ""
    missing = rows.missing.rename(columns={"reason": "note"})
    found = pd.concat([found, missing], ignore_index=True).sort_values(by, ignore_index=True)
    marked = _marked(found[by], covid)
    gaps = missing_before(found[by])
    found["note"] = [
        "; ".join(filter(None, ["Covid-19" if covid_year else "", note, gap]))
        for covid_year, note, gap in zip(marked, found["note"], gaps, strict=True)
    ]
    low, high = (found[f"{end}_{next(iter(names))}"].to_numpy() for end in ("lower", "upper"))
    rate = found["rate"].to_numpy()
    change = np.where([gap != "" for gap in gaps], np.nan, np.diff(rate, prepend=np.nan))
    down, up = rate - low, high - rate
    before_down, before_up = np.append(np.nan, down[:-1]), np.append(np.nan, up[:-1])
    found["change"] = change
    found["change_lower"] = change - np.sqrt(down**2 + before_up**2)
    found["change_upper"] = change + np.sqrt(up**2 + before_down**2)
    return found[[*(name for name in found.columns if name != "note"), "note"]]


def _marked(labels: Iterable[Any], wanted: str | int | Sequence[str | int]) -> list[bool]:
    """Which labels are of some years."""
    years = [wanted] if isinstance(wanted, (str, int, Integral)) else list(wanted)
    names = {str(year) for year in years}
    ends = {int(year) for year in years if isinstance(year, Integral)}
    return [str(label) in names or year_of(str(label)) in ends for label in labels]


def missing_before(labels: Iterable[Any]) -> list[str]:
    """For each year in order, which years are missing between it and the one before, in words.

    Empty where none is, and everywhere if one of the labels is neither a financial year nor a year.

    Examples
    --------
    >>> missing_before(["2016-17", "2017-18", "2019-20"]), missing_before([2016, 2019])
    (['', '', '2018-19 is missing'], ['', '2017 to 2018 are missing'])
    """
    texts = [str(label) for label in labels]
    ends = [year_of(text) for text in texts]
    whole = all(_YEAR.fullmatch(text) for text in texts)
    years = [int(text) for text in texts] if whole else [end for end in ends if end is not None]
    if len(years) < len(texts):
        return [""] * len(texts)
    found = [""]
    for before, year in pairwise(years):
        between = list(range(before + 1, year))
        names = [str(one) for one in between] if whole else year_labels(between)
        if len(names) > 1:
            found.append(f"{names[0]} to {names[-1]} are missing")
        else:
            found.append(f"{names[0]} is missing" if names else "")
    return found
