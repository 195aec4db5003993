"""Columns of dates to days since 1970-01-01."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from rereferral.date_formats import format_hint
from rereferral.day_columns import DayColumn
from rereferral.days import NULL_DAY, compact_date
from rereferral.errors import DataError
from rereferral.kinds import Categories, Column, Dates, Days, Numbers
from rereferral.text import data_error

__all__ = ["day_column_of", "days_of", "of_categories"]

_TIME_OF_DAY = "{} has a time of day; floor it with .dt.floor('D'), or .astype('datetime64[D]')"
_OUT_OF_RANGE = "{} is out of range: a day must lie within 10,000,000 days of 1970-01-01"

_LOOKED_AT = 1_000  # values, to tell how dates are written

T = TypeVar("T")

DAY_MIN, DAY_MAX = -10_000_000, 10_000_000

# Ticks in a day, for the units that divide one.
_PER_DAY = {
    "D": 1,
    "h": 24,
    "m": 1_440,
    "s": 86_400,
    "ms": 86_400_000,
    "us": 86_400_000_000,
    "ns": 86_400_000_000_000,
    "ps": 86_400_000_000_000_000,
}


def days_of(column: Column) -> npt.NDArray[np.int64]:
    """`Table.days` of a column that has no name yet."""
    return day_column_of(column).days


def day_column_of(column: Column) -> DayColumn:
    """`Table.day_column` of a column that has no name yet."""
    if isinstance(column, Days):
        return _of_days(column)
    if isinstance(column, Dates):
        return _days_of_dates(column)
    if isinstance(column, Numbers):
        return _days_of_numbers(column)
    if isinstance(column, Categories):
        values = np.append(of_categories(column, days_of), NULL_DAY)
        return DayColumn(np.ascontiguousarray(values[column.codes]), 1)
    valid = np.ones(len(column), np.bool_) if column.valid is None else column.valid
    if not valid.any():
        return _no_days(len(column))
    rows = np.flatnonzero(valid)[:_LOOKED_AT]
    written = {int(row): text for row in rows if (text := column[int(row)]) and text.strip()}
    row = next(iter(written), int(rows[0]))
    hint = format_hint(list(written.values()))
    raise data_error(f"{column[row]!r} is text, not a date; use {hint}", row, column[row])


def _no_days(n: int) -> DayColumn:
    return DayColumn(np.full(n, NULL_DAY), 1)


def _checked(days: npt.NDArray[Any], none_missing: bool) -> DayColumn:
    """Whole days, of which the lowest number is out of range where none is missing."""
    column = DayColumn(days, 1)
    if none_missing and column.n_null:
        row = int(days.argmin())
        raise data_error("the day is out of range", row, days[row])
    return column


def _of_days(column: Days) -> DayColumn:
    try:
        return _checked(column.values, column.none_missing)
    except DataError as error:
        row = error.row or 0
        day = np.datetime64(int(column.values[row]), "D")
        raise data_error(_OUT_OF_RANGE.format(day), row, day) from None


def _days_of_dates(column: Dates) -> DayColumn:
    values = column.values
    if column.zone and not np.isnat(values).all():
        row = int((~np.isnat(values)).argmax())
        raise data_error(
            f"{values[row]} UTC has a time zone ({column.zone}); say whose day counts: "
            ".dt.tz_convert(zone).dt.tz_localize(None)",
            row,
            values[row],
        )
    unit, step = np.datetime_data(values.dtype)
    if unit == "generic":
        return _no_days(len(values))
    ticks = values.view(np.int64)
    if unit in ("Y", "M", "W"):
        ticks, unit = _coarse_days(ticks, ~np.isnat(values), unit, step), "D"
    elif step != 1:
        ticks = _unstep(ticks, ~np.isnat(values), step)
    if unit in ("fs", "as"):  # int64 holds less than a day of them on either side of 1970
        present = ~np.isnat(values)
        if (ticks[present] != 0).any():
            row = int((present & (ticks != 0)).argmax())
            raise data_error(_TIME_OF_DAY.format(values[row]), row, values[row])
        return DayColumn(np.where(present, 0, NULL_DAY), 1)
    try:
        return DayColumn(ticks, _PER_DAY[unit])
    except DataError as error:
        row = error.row or 0
        message = _TIME_OF_DAY if "time" in str(error) else _OUT_OF_RANGE
        raise data_error(message.format(values[row]), row, values[row]) from None


def _coarse_days(
    ticks: npt.NDArray[np.int64], present: npt.NDArray[np.bool_], unit: str, step: int
) -> npt.NDArray[np.int64]:
    """Years, months and weeks to their first day; out of range stays out of range."""
    low, high = ticks.min(where=present, initial=0), ticks.max(where=present, initial=0)
    if low < DAY_MIN // step or high > DAY_MAX // step:
        row = int((present & ((ticks < DAY_MIN // step) | (ticks > DAY_MAX // step))).argmax())
        raise data_error(_OUT_OF_RANGE.format(f"{ticks[row]} {unit}"), row, ticks[row])
    first: npt.NDArray[np.int64] = ticks.view(f"M8[{step}{unit}]").astype("M8[D]").view(np.int64)
    return first


def _unstep(
    ticks: npt.NDArray[np.int64], present: npt.NDArray[np.bool_], step: int
) -> npt.NDArray[np.int64]:
    limit = np.iinfo(np.int64).max // step
    outside = present & ((ticks > limit) | (ticks < -limit))
    if outside.any():
        row = int(outside.argmax())
        raise data_error(_OUT_OF_RANGE.format(f"{ticks[row]} x {step}"), row, ticks[row])
    return np.where(present, ticks * step, NULL_DAY)


def _days_of_numbers(column: Numbers) -> DayColumn:
    values, valid = column.values, column.valid
    if values.dtype.kind not in "iu":
        present = np.ones(len(values), np.bool_) if valid is None else valid
        if values.dtype.kind == "f":
            present = present & ~np.isnan(values)
        if not present.any():
            return _no_days(len(values))
        row = int(present.argmax())
        raise data_error(
            f"{values[row]} is not a date: the column holds {column.what}; dates are datetime64, "
            "or whole numbers of days since 1970-01-01",
            row,
            values[row],
        )
    narrow = values.dtype == np.int32 and valid is None
    days = values if narrow else values.astype(np.int64, copy=False)
    if values.dtype == np.uint64:  # what int64 cannot hold has become negative
        days = np.where(values > DAY_MAX, DAY_MAX + 1, days)
    if valid is not None:
        days = np.where(valid, days, NULL_DAY)
    try:
        return _checked(days, narrow)
    except DataError as error:
        row = error.row or 0
        message = _OUT_OF_RANGE.format(values[row])
        if compact_date(int(values[row])) is not None:
            message += "; if it is yyyymmdd, use pandas.to_datetime(..., format='%Y%m%d')"
        raise data_error(message, row, values[row]) from None


def of_categories(column: Categories, convert: Callable[[Column], T]) -> T:
    """A conversion of the categories; an error names the first row that has the category."""
    try:
        return convert(column.values)
    except DataError as error:
        if error.row is not None:
            rows = np.flatnonzero(column.codes == error.row)
            error.row = int(rows[0]) if len(rows) else None
        raise
