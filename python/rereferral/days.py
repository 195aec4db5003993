"""Days as the core counts them: whole numbers since 1970-01-01, and what is read off them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import _core
from rereferral.errors import RuleError
from rereferral.months import full_months
from rereferral.spans import Span

__all__ = [
    "NULL_DAY",
    "Days",
    "add_span",
    "birthday",
    "by_day",
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
        raise RuleError(f"{what}={given!r} is too far from 1970")
    return day


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
    null = days == NULL_DAY
    known = days[~null] if null.any() else days
    if len(known) == 0:
        return np.full(len(days), NULL_DAY)
    first, last = int(known.min()), int(known.max())
    if last - first > 4 * len(days):
        worked_out = work_out(np.where(null, first, days))
        return np.where(null, NULL_DAY, worked_out) if len(known) < len(days) else worked_out
    of_day = work_out(np.arange(first, last + 1, dtype=np.int64))
    if len(known) == len(days):
        return of_day[days - first]
    # A null day is told by the place behind the last.
    place = np.where(null, last - first + 1, days - first)
    return np.append(of_day, NULL_DAY)[place]


def financial_year(days: Days) -> pd.Categorical:
    """The English financial year (1 April to 31 March) of each day, as ``2019-20``."""
    null = days == NULL_DAY
    known = days[~null] if null.any() else days
    if len(known) == 0:
        nothing = np.full(len(days), -1, np.int8)
        return pd.Categorical.from_codes(nothing, categories=[], ordered=True)
    years = by_day(known, lambda day: (month_of(day) - 3) // 12 + 1970)
    first, last = int(years.min()), int(years.max())
    codes = (years - first).astype(np.int32)
    if len(known) < len(days):
        of_known, codes = codes, np.full(len(days), -1, np.int32)
        codes[~null] = of_known
    labels = [f"{year}-{(year + 1) % 100:02d}" for year in range(first, last + 1)]
    return pd.Categorical.from_codes(codes, categories=labels, ordered=True)


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
