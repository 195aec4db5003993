"""Days as the core counts them: whole numbers since 1970-01-01, and what is read off them."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import _core
from rereferral.errors import RuleError
from rereferral.months import full_months
from rereferral.spans import Span
from rereferral.years import year_labels

__all__ = [
    "NULL_DAY",
    "Days",
    "add_span",
    "birthday",
    "by_day",
    "compact_date",
    "day_of",
    "financial_year",
    "iso",
    "month_of",
    "observed_span",
]

Days = npt.NDArray[np.int64]

NULL_DAY = np.iinfo(np.int64).min
_FURTHEST = 10_000_000


def day_of(given: object, what: str) -> int:
    """Read one date: text in ISO form, a date, a numpy or pandas date, or days since 1970.

    Raises
    ------
    RuleError
        If it is not a date, is missing, or has a time of day.
    """
    if isinstance(given, bool) or given is None:
        raise RuleError(f'{what}={given!r} is not a date; write "2021-03-31"')
    if isinstance(given, (int, np.integer)):
        day = int(given)
        if 1900 <= day <= 2200:
            raise RuleError(f'{what}={given!r} looks like a year; write a day such as "2021-03-31"')
    else:
        try:
            moment = np.datetime64(given)  # type: ignore[call-overload]
        except (ValueError, TypeError):
            raise RuleError(f'{what}={given!r} is not a date; write "2021-03-31"') from None
        if np.isnat(moment) or (isinstance(given, str) and len(given.strip().lstrip("+-")) < 10):
            raise RuleError(f'{what}={given!r} is not a date; write "2021-03-31"')
        floored = moment.astype("datetime64[D]")
        if floored != moment:
            raise RuleError(f"{what}={given!r} has a time of day; give the day alone")
        day = int(floored.astype(np.int64))
    if abs(day) > _FURTHEST:
        compact = compact_date(day)
        hint = "" if compact is None else f'; a number is days since 1970-01-01: write "{compact}"'
        raise RuleError(f"{what}={given!r} is too far from 1970{hint}")
    return day


def compact_date(number: int) -> str | None:
    """The day that a number such as 20210331 seems to write as yyyymmdd, in ISO form."""
    try:
        return str(datetime.datetime.strptime(f"{number:08}", "%Y%m%d").date())
    except ValueError:
        return None


def iso(day: int) -> str:
    """The day in ISO form."""
    return str(np.datetime64(day, "D"))


def add_span(days: Days, span: Span) -> Days:
    """Day plus span for each day; a null day stays null, an open span gives the largest integer."""
    end = np.empty_like(days)
    _core.add_spans(np.ascontiguousarray(days), tuple(span), end)
    return end


def by_day(days: Days, work_out: Callable[[Days], Days]) -> Days:
    """What `work_out` gives for each day, asked once a day where the days lie close together.

    A null day gives a null day.
    """
    return _by_day(days, work_out, NULL_DAY)


# Rows looked up at a time: what lies between days and answer stays in the processor's cache, and
# no column of places is made beside them.
_BLOCK = 1 << 16


def _by_day(
    days: Days, work_out: Callable[[Days], npt.NDArray[Any]], null: int
) -> npt.NDArray[Any]:
    """`by_day` with an answer of any integer type, and one for null days."""
    span = _first_and_last(days)
    if span is None:
        return np.full(len(days), null)
    first, last = span
    missing = int(days.min()) == NULL_DAY
    if last - first > 4 * len(days):
        worked_out = work_out(np.where(days == NULL_DAY, first, days) if missing else days)
        return np.where(days == NULL_DAY, null, worked_out) if missing else worked_out
    of_day = work_out(np.arange(first, last + 1, dtype=np.int64))
    # A null day is told by the place behind the last.
    of_day = np.append(of_day, np.array(null, of_day.dtype))
    answer = np.empty(len(days), of_day.dtype)
    for start in range(0, len(days), _BLOCK):
        some = days[start : start + _BLOCK]
        place = some - first
        if missing:
            place[some == NULL_DAY] = last - first + 1
        np.take(of_day, place, out=answer[start : start + _BLOCK], mode="clip")
    return answer


def _first_and_last(days: Days) -> tuple[int, int] | None:
    """The first and the last day that is not null; None without any."""
    if len(days) == 0 or days.max() == NULL_DAY:
        return None
    first, last = int(days.min()), int(days.max())
    if first == NULL_DAY:
        first = int(days.min(where=days != NULL_DAY, initial=last))
    return first, last


def financial_year(days: Days) -> pd.Categorical:
    """The English financial year (1 April to 31 March) of each day, as ``2019-20``."""
    span = _first_and_last(days)
    if span is None:
        nothing = np.full(len(days), -1, np.int8)
        return pd.Categorical.from_codes(nothing, categories=[], ordered=True)
    first, last = (int(year) for year in _financial_year(np.array(span)))
    narrow = np.int8 if last - first < 127 else np.int32
    codes = _by_day(days, lambda day: (_financial_year(day) - first).astype(narrow), -1)
    labels = year_labels(range(first + 1, last + 2))
    return pd.Categorical.from_codes(codes, categories=labels, ordered=True)


def _financial_year(days: Days) -> Days:
    """The year in which the financial year of each day begins."""
    return (month_of(days) - 3) // 12 + 1970


def birthday(born: Days, age: int) -> Days:
    """The day on which somebody turns `age`; who was born on 29 February does so on 1 March.

    A null day stays null.
    """
    return by_day(born, lambda day: _birthday(day, Span("months", 12 * age)))


def _birthday(born: Days, age: Span) -> Days:
    day = add_span(born, age)
    # A day of the month that was cut short is the last of February; the birthday is the next.
    cut = _day_of_month(day) != _day_of_month(born)
    turned: Days = day + cut
    return turned


def month_of(days: Days) -> Days:
    """Months since January 1970 of days that are not null."""
    return by_day(
        days, lambda day: day.view("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    )


def _day_of_month(days: Days) -> Days:
    dates = days.view("datetime64[D]")
    of_month: Days = (dates - dates.astype("datetime64[M]")).astype(np.int64)
    return of_month


def observed_span(days: Days) -> tuple[str, str] | None:
    """The first and last month in which a table seems complete, as dates to propose.

    By the rule of `rereferral.completeness`, for the table as a whole.

    Returns
    -------
    (str, str) or None
        The first day of the first such month and the last day of the last; None without dates.
    """
    known = days[days != NULL_DAY]
    if len(known) == 0:
        return None
    full = full_months(month_of(known))
    first, last = np.array([full.first[0], full.last[0] + 1], "M8[M]").astype("M8[D]")
    return str(first), str(last - 1)
