"""`rereferral.trend`: a rate from year to year, with limits for it and for its changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from rereferral.rates import level_quantiles, wilson
from rereferral.variation.rows import read_rows

__all__ = ["COVID", "trend"]

#: Years that are marked: lockdowns closed schools, which make a fifth of all referrals.
COVID = ("2020-21",)


def trend(
    table: Any,
    *,
    by: str = "financial_year",
    count: str = "linked",
    of: str = "n",
    levels: Sequence[float] = (0.95, 0.998),
    covid: Sequence[str] = COVID,
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
    covid : sequence of str
        Years that are marked. Follow-up that runs into such a year is not: name the year before
        too where that matters.

    Returns
    -------
    DataFrame
        ``by``, the two counts, ``rate``, a lower and an upper limit for each level; ``change``
        since the row before, its limits ``change_lower`` and ``change_upper`` (all from -1 to 1;
        null in the first row, and after a year without a rate); and ``note``. A year without a
        rate stays, with the reason as its note.

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
    marked = found[by].astype(str).isin([str(year) for year in covid])
    found["note"] = [
        "; ".join(filter(None, ["Covid-19" if covid_year else "", note]))
        for covid_year, note in zip(marked, found["note"], strict=True)
    ]
    low, high = (found[f"{end}_{next(iter(names))}"].to_numpy() for end in ("lower", "upper"))
    rate = found["rate"].to_numpy()
    change = np.diff(rate, prepend=np.nan)
    down, up = rate - low, high - rate
    before_down, before_up = np.append(np.nan, down[:-1]), np.append(np.nan, up[:-1])
    found["change"] = change
    found["change_lower"] = change - np.sqrt(down**2 + before_up**2)
    found["change_upper"] = change + np.sqrt(up**2 + before_down**2)
    return found[[*(name for name in found.columns if name != "note"), "note"]]
