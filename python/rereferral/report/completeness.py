"""How far back and how far on each authority's data goes: a short look-back halves a rate."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.days import NULL_DAY, add_span, month_of
from rereferral.lineage import one_area
from rereferral.months import full_months
from rereferral.report.chain import NOT_STEPPED_DOWN, Chain
from rereferral.report.counts import places
from rereferral.spans import Span

__all__ = ["completeness"]

_YEAR = Span("months", 12)


def completeness(
    chain: Chain, referred_in_years: npt.NDArray[np.bool_], until: int
) -> pd.DataFrame:
    """The first and the last full month of each authority, and the events that reach beyond.

    Full as `rereferral.completeness` has it: at least half as many referrals as the median of the
    authority's later (of its earlier) months.

    Parameters
    ----------
    chain : Chain
        The chain.
    referred_in_years : numpy.ndarray of bool
        The referrals of the reported years, which are looked back from.
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
    place = places(chain.table)
    authority = place["authority"].cat.codes.to_numpy().astype(np.int64)
    n = len(place["authority"].cat.categories)
    # Where the code alone changed, both codes have one history.
    names = [one_area(code, "own") for code in place["authority"].cat.categories]
    area = np.array([names.index(name) for name in names], np.int32)
    referral, closure = chain.table.days("referral_date"), chain.table.days("closure_date")
    used = (referral != NULL_DAY) & (referral <= until) & (authority >= 0)
    full = full_months(month_of(referral[used]), area[authority[used]], n)
    first, last = full.first[area], full.last[area]

    first_day = first.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    end_day = (last + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) - 1
    end_day = np.minimum(end_day, until)
    looked = np.flatnonzero(referred_in_years & used)
    short_back = looked[add_span(first_day[authority[looked]], _YEAR) > referral[looked]]
    followed = np.flatnonzero((chain.step == NOT_STEPPED_DOWN) & (authority >= 0))
    short_on = followed[add_span(closure[followed], _YEAR) > end_day[authority[followed]]]

    table = place.drop_duplicates("authority").sort_values("authority").dropna(subset="authority")
    code = table["authority"].cat.codes.to_numpy()
    table = table.astype(object).reset_index(drop=True)
    table["referrals"] = np.bincount(authority[used], minlength=n)[code]
    table["first_full_month"] = _spelled(first)[code]
    table["last_full_month"] = _spelled(last)[code]
    table["lookback_short"] = np.bincount(authority[short_back], minlength=n)[code]
    table["followup_short"] = np.bincount(authority[short_on], minlength=n)[code]
    return table


def _spelled(months: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
    return np.array([str(month) for month in months.astype("datetime64[M]")], dtype=object)
