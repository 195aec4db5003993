"""From when to when each area's data looks complete, and what looks back beyond it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.days import NULL_DAY, Days, iso, month_of
from rereferral.errors import RuleError
from rereferral.keys import key_names
from rereferral.lineage import check_ids, joined_areas, one_area
from rereferral.months import FullMonths, full_months
from rereferral.observation import LONG_SILENCE
from rereferral.tables import Groups, Table, open_table

__all__ = ["Lookback", "completeness", "lookback_of"]

Mask = npt.NDArray[np.bool_]
_NAMED = 5
_FEW = 5
"""Rows a month below which an area's months say nothing of when its data begins."""


def completeness(table: Any, *, scope: Any = None, date: str, ids: str = "own") -> pd.DataFrame:
    """Propose, for each area, the first and the last day that its data looks complete on.

    What to give to `link` as `observed_from` and `observed_until` where nobody knows: a proposal,
    to be checked against how the table was made.

    Parameters
    ----------
    table : DataFrame, Arrow table, dict of arrays, or Table
        The events, one a row: all the referrals.
    scope : str or list of str, optional
        The area. None: the table as a whole.
    date : str
        The column of days that says when an event was.
    ids : {"own", "carried over"}
        As in `link`: codes that are one area have one history. `own` joins the codes that
        `crosswalk` calls a recode; ``"carried over"`` also those of merges and splits.

    Returns
    -------
    pandas.DataFrame
        One row for each code as it is given: the columns of `scope`; ``n``, its rows; ``first`` and
        ``last``, its smallest and largest date (datetime64); ``proposed_from`` and
        ``proposed_until``, of its area; ``n_before`` and ``n_after``, its rows that lie outside;
        ``later_median``, the median number of rows of the area's months after the first full one
        (NaN where there is none). Rows without a date, or without an area, are left out.

    Raises
    ------
    RuleError
        `scope` or `ids` is not one of these.
    DataError
        A column is not there, or holds something that it must not.

    Notes
    -----
    The first full month is the first with at least half as many rows as the median of the area's
    later months; ``proposed_from`` is its first day. It is never the smallest date: returns carry
    old open cases, whose referrals reach back for years. The month also has at least a quarter of
    the rows of the month in which the middle one of the later rows lies; that only matters where
    the old cases' months outnumber the others. ``proposed_until`` is the last day of the last such
    month, looked for from the other end. An area of a few rows a month may seem to begin some
    months late.

    Examples
    --------
    >>> import numpy as np, rereferral as rr
    >>> months = np.repeat(np.arange("2016-01", "2018-01", dtype="datetime64[M]"), 30)
    >>> days = months.astype("datetime64[D]") + np.arange(len(months)) % 28
    >>> old = np.array(["2009-05-03", "2014-02-11"], dtype="datetime64[D]")
    >>> found = rr.completeness({"on": np.append(old, days)}, date="on")
    >>> found[["first", "proposed_from", "proposed_until", "n", "n_before"]]
           first proposed_from proposed_until    n  n_before
    0 2009-05-03    2016-01-01     2017-12-31  722         2
    """
    check_ids(ids)
    if not isinstance(date, str):
        raise RuleError(f"date={date!r} is not the name of a column")
    names = None if scope is None else key_names(scope, "scope")[0]
    rows = open_table(table, "table")
    if ids != "own":
        joined_areas(rows, names, ids)
    days = rows.days(date)
    groups, known = _groups(rows, names)
    use = known & (days != NULL_DAY)
    area = _area_numbers([groups], names, ids)[0]
    span = _span(days, use, groups, area)
    n, before = groups.tally(use, days < span.first[area][groups.codes])
    _, after = groups.tally(use, days > span.last[area][groups.codes])
    found = pd.DataFrame(
        {
            "n": n,
            **_ends(days, use, groups),
            "proposed_from": _dates(span.first[area]),
            "proposed_until": _dates(span.last[area]),
            "n_before": before,
            "n_after": after,
            "later_median": span.months.later[area],
        }
    )
    order = ["first", "proposed_from", "proposed_until", "last", "n", "n_before", "n_after"]
    found = found[[*order, "later_median"]]
    if names is not None:
        found = pd.concat([groups.frame, found], axis=1)
    return found[n > 0].reset_index(drop=True)


# ------------------------------------------------------------------------------- of linked events


@dataclass(frozen=True, eq=False)
class Lookback:
    """How much of the look-back of each area's index events its data holds; by `lookback_of`.

    Attributes
    ----------
    table : pandas.DataFrame
        One row for each area that has an index event in the denominator: the scope columns as they
        are given; ``n``, such index events; ``too_short``, those of them whose look-back begins
        before ``proposed_from`` (datetime64; NaT where the area has no history at all).
    warnings : list of str
        A sentence for each area that misses more than two months of somebody's look-back, the
        worst first and no more than a few of them. An area of fewer than five rows a month is not
        spoken of: its months do not tell when its data begins.
    """

    table: pd.DataFrame
    warnings: list[str]


def lookback_of(
    index: Table,
    scope: Sequence[str] | None,
    begins: Days,
    counted: Mask,
    history: Table,
    history_scope: Sequence[str] | None,
    days: Days,
    used: Mask,
    ids: str = "own",
) -> Lookback:
    """Find the index events that look back to before their area's data begins.

    Parameters
    ----------
    index, history : Table
        The index events, and the table that is looked back into: the events, or for a washout the
        index itself.
    scope, history_scope : list of str or None
        Their scope columns.
    begins : ndarray of int64
        By index row, the first day that its look-back, as it was carried out, reaches: that of
        the window or washout, no earlier than `observed_from` where what lies before was given up.
        At most -10,000,000 where it has no end.
    counted : ndarray of bool
        Which index rows are in the denominator.
    days : ndarray of int64
        By row of the history, its day.
    used : ndarray of bool
        Which of these rows can be found.
    ids : {"own", "carried over"}
        Codes that are one area have one history, as in `link`.

    Returns
    -------
    Lookback
    """
    groups, known = _groups(index, scope)
    past, past_known = _groups(history, history_scope)
    area, past_area = _area_numbers([groups, past], scope, ids)
    n_areas = 1 + max(area.max(initial=-1), past_area.max(initial=-1))
    span = _span(days, used & past_known & (days != NULL_DAY), past, past_area, n_areas)
    proposed = span.first[area]
    short = begins < proposed[groups.codes]
    n, too_short = groups.tally(counted & known, short)
    table = pd.DataFrame({"n": n, "too_short": too_short, "proposed_from": _dates(proposed)})
    if scope is not None:
        table = pd.concat([groups.frame, table], axis=1)
    some = np.flatnonzero(counted & known & short)
    earliest = np.full(groups.n_groups, np.iinfo(np.int64).max)
    np.minimum.at(earliest, groups.codes[some], begins[some])
    a_month = np.where(span.months.rows[area] > 0, span.months.later[area], n)
    told = (too_short > 0) & (earliest < proposed - LONG_SILENCE) & (a_month >= _FEW)
    missed = np.flatnonzero(told)
    missed = missed[np.argsort(-too_short[missed] / n[missed], kind="stable")]
    warnings = [_warning(table.iloc[g], scope) for g in missed[:_NAMED]]
    if len(missed) > _NAMED:
        more = len(missed) - _NAMED
        warnings.append(f"So it is in {more} more {'area' if more == 1 else 'areas'}.")
    return Lookback(table[n > 0].reset_index(drop=True), warnings)


def _warning(row: pd.Series, scope: Sequence[str] | None) -> str:
    place = "" if scope is None else " of " + ", ".join(str(row[name]) for name in scope)
    if pd.isna(row["proposed_from"]):
        return f"No history at all{place}: nothing is found for its index events ({row['n']:,})."
    day = iso(int(row["proposed_from"].to_datetime64().astype("M8[D]").astype(np.int64)))
    return (
        f"{row['too_short']:,} of {row['n']:,} index events{place} look back beyond {day}, where "
        f'the history seems to begin: their rate rests on less than the look-back; observed_from="'
        f'{day}" would leave them out.'
    )


# ------------------------------------------------------------------------------- what both share


@dataclass(frozen=True, eq=False)
class _Span:
    """The first and the last complete day of each area; the last and first possible if none."""

    first: Days
    last: Days
    months: FullMonths


_FAR = 10_000_000


def _groups(table: Table, scope: Sequence[str] | None) -> tuple[Groups, Mask]:
    """The codes of each row as they are given, and whether it has any."""
    if scope is None:
        whole = Groups(np.zeros(table.n_rows, np.int32), pd.DataFrame(index=range(1)))
        return whole, np.ones(table.n_rows, np.bool_)
    groups = table.groups(list(scope))
    null = groups.frame.isna().any(axis=1).to_numpy(bool)
    return groups, ~null[groups.codes]


def _area_numbers(
    sides: Sequence[Groups], scope: Sequence[str] | None, ids: str
) -> list[npt.NDArray[np.int32]]:
    """A number of its area for each group of each side, the same on all sides."""
    seen: dict[Any, int] = {}
    numbers = []
    for groups in sides:
        if scope is None:
            numbers.append(np.zeros(1, np.int32))
            continue
        values = groups.frame.itertuples(index=False, name=None)
        labels = [one_area(v[0], ids) if len(v) == 1 else v for v in values]
        codes = [seen.setdefault(label, len(seen)) for label in labels]
        numbers.append(np.array(codes, np.int32))
    return numbers


def _span(
    days: Days, use: Mask, groups: Groups, area: npt.NDArray[np.int32], n_areas: int | None = None
) -> _Span:
    if n_areas is None:
        n_areas = 1 + int(area.max(initial=-1))
    if not use.all():
        # Any day will do for a row that is not looked at, but a missing one has no month.
        days = np.where(use, days, days[use][0] if use.any() else 0)
    months = full_months(month_of(days), area[groups.codes], n_areas, use)
    none = months.rows == 0
    first = months.first.astype("M8[M]").astype("M8[D]").astype(np.int64)
    last = (months.last + 1).astype("M8[M]").astype("M8[D]").astype(np.int64) - 1
    return _Span(np.where(none, _FAR, first), np.where(none, -_FAR, last), months)


def _ends(days: Days, use: Mask, groups: Groups) -> dict[str, Any]:
    by_group = pd.Series(days[use]).groupby(groups.codes[use])
    every = range(groups.n_groups)
    return {
        name: _dates(ends.reindex(every, fill_value=_FAR).to_numpy())
        for name, ends in (("first", by_group.min()), ("last", by_group.max()))
    }


def _dates(days: Days) -> npt.NDArray[np.datetime64]:
    """Days as dates; those that stand for none as NaT."""
    known = np.where(np.abs(days) < _FAR, days, NULL_DAY)
    return known.view("M8[D]").astype("M8[s]")
