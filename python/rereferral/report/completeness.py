"""How far back and how far on each authority's data goes: a short look-back halves a rate."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.days import NULL_DAY, add_span, by_day, month_of
from rereferral.lineage import one_area
from rereferral.months import full_months
from rereferral.report.chain import NOT_STEPPED_DOWN, Chain, Closures
from rereferral.report.counts import Places
from rereferral.spans import Span

__all__ = ["completeness"]

_YEAR = Span("months", 12)


def completeness(chain: Chain, closures: Closures, place: Places, until: int) -> pd.DataFrame:
    """The first and the last full month of each authority, and the events that reach beyond.

    Full as `rereferral.completeness` has it: at least half as many referrals as the median of the
    authority's later (of its earlier) months.

    Parameters
    ----------
    chain, closures : Chain, Closures
        Of `build_chain`.
    place : Places
        The authorities of the table.
    until : int
        The last observed day.

    Returns
    -------
    pandas.DataFrame
        ``authority``, ``authority_name``, ``region``, ``referrals``, ``first_full_month``,
        ``last_full_month`` (as ``2013-04``), ``lookback_short`` (referrals of the years whose
        twelve months before begin earlier than the first full month), ``followup_short`` (closures
        not stepped down whose twelve months after end later than the last full month).
    """
    table = place.frame.dropna(subset="authority")
    n = len(table)  # rows without an authority have the code n
    # Where the code alone changed, both codes have one history.
    names = [one_area(code, "own") for code in table["authority"]]
    area = np.array([names.index(name) for name in names], np.int32)
    referral = chain.table.days("referral_date")
    used = (referral != NULL_DAY) & (referral <= until) & (place.codes < n)
    used &= ~chain.table.key("child_id").is_null()  # as the ledger has it
    full = full_months(month_of(referral), np.append(area, np.int32(0))[place.codes], n, used)
    first, last = full.first[area], full.last[area]

    first_day = first.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    end_day = (last + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) - 1
    end_day = np.minimum(end_day, until)
    looks_back_from = np.append(add_span(first_day, _YEAR), NULL_DAY)
    looked = chain.referred_in_years() & used
    short_back = looked & (looks_back_from[place.codes] > referral)
    followed = np.flatnonzero(closures.step == NOT_STEPPED_DOWN)
    of_followed = place.codes[closures.row[followed]]
    ends = by_day(closures.day[followed], lambda day: add_span(day, _YEAR))
    short_on = ends > end_day[of_followed]

    table = table.astype(object).reset_index(drop=True)
    table["referrals"] = np.bincount(place.codes[used], minlength=n)
    table["first_full_month"] = _spelled(first)
    table["last_full_month"] = _spelled(last)
    table["lookback_short"] = np.bincount(place.codes[short_back], minlength=n)
    table["followup_short"] = np.bincount(of_followed[short_on], minlength=n)
    return table


def _spelled(months: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
    return np.array([str(month) for month in months.astype("datetime64[M]")], dtype=object)
