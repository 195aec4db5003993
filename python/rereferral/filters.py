"""Which rows a condition on one column keeps."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.dates import days_of
from rereferral.days import NULL_DAY
from rereferral.errors import DataError
from rereferral.kinds import Categories, Column, Dates, Days, Numbers, in_words
from rereferral.marks import MOST_INTERVALS, Mask, Within, marked, mask_of
from rereferral.text import Text

__all__ = ["condition_of"]

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

_EPOCH = date(1970, 1, 1).toordinal()


def condition_of(column: Column, condition: Any) -> Within:
    """The rows of a column that meet one condition of `Table.mask`. Null meets none."""
    if isinstance(condition, tuple):
        if len(condition) != 2 or condition[0] not in _COMPARE:
            raise DataError(
                f"the condition {condition!r} is not (operator, value), with an operator of "
                f"{' '.join(_COMPARE)}; give several values as a list"
            )
        name, value = condition
        if _is_many(value):
            raise DataError(f"the condition {condition!r} compares with several values; give one")
        found = _compare(column, name, _scalar(value))
    elif _is_many(condition):
        found = _among(column, [_scalar(value) for value in condition])
    else:
        found = _compare(column, "==", _scalar(condition))
    return found if isinstance(found, Within) else marked(found)


def _is_many(value: Any) -> bool:
    return isinstance(
        value,
        list
        | tuple
        | set
        | frozenset
        | range
        | np.ndarray
        | pd.Series
        | pd.Index
        | Text
        | pd.api.extensions.ExtensionArray,
    ) and not (isinstance(value, np.ndarray) and value.ndim == 0)


def _scalar(value: Any) -> Any:
    """A value as Python has it; a null one is refused, because null never matches."""
    if isinstance(value, np.datetime64):
        value = pd.NaT if np.isnat(value) else _python_date(value)
    elif isinstance(value, np.generic | np.ndarray):
        value = value.item()
    if (
        value is None
        or value is pd.NA
        or value is pd.NaT
        or (isinstance(value, float) and math.isnan(value))
    ):
        raise DataError("null cannot be asked for: a null value meets no condition")
    return value


def _python_date(value: np.datetime64) -> date:
    day = value.astype("M8[D]")
    if day != value:
        raise DataError(f"{value} has a time of day; give a day")
    found = day.item()
    if not isinstance(found, date):
        raise DataError(f"{value} is outside the years 1 to 9999")
    return found


def _refuse(column: Column, value: Any) -> DataError:
    return DataError(
        f"{value!r} ({type(value).__name__}) cannot be compared with {in_words(column)}"
    )


def _is_null(column: Column) -> bool:
    """A column of nulls alone, which has no kind and can be compared with anything."""
    if isinstance(column, Categories):
        return len(column.values) == 0 or _is_null(column.values)
    return isinstance(column, Text) and bool(column.is_null().all())


def _compare(column: Column, name: str, value: Any) -> Within | Mask:
    if _is_null(column):
        return np.zeros(len(column), np.bool_)
    if isinstance(column, Categories):
        return _compare_categories(column, name, value)
    if isinstance(column, Text):
        if not isinstance(value, str):
            raise _refuse(column, value)
        if name == "==":
            return column.isin([value])
        order = column.compare(value)
        return np.asarray(_COMPARE[name](order, 0) & (order != 2))
    if isinstance(column, Dates | Days):
        days = days_of(column)
        return np.asarray(_COMPARE[name](days, _day(column, value)) & (days != NULL_DAY))
    return _compare_numbers(column, name, value)


def _day(column: Column, value: Any) -> int:
    """Days since 1970-01-01 of a date, or of ISO text."""
    if isinstance(value, str):
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            raise DataError(f"{value!r} is not a date; write it as 2019-04-01")
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise DataError(f"{value!r} is no day of the calendar") from None
    if not isinstance(value, date):
        raise _refuse(column, value)
    if isinstance(value, datetime):
        midnight = datetime(value.year, value.month, value.day)
        if value.tzinfo is not None or value != midnight:
            raise DataError(f"{value} has a time of day or a time zone; give a day")
    return value.toordinal() - _EPOCH


def _compare_numbers(column: Numbers, name: str, value: Any) -> Mask:
    values = column.values
    if not isinstance(value, bool | int | float):
        raise _refuse(column, value)
    if values.dtype.kind == "f":
        mask = _compare_doubles(values, name, value)
    else:
        mask = _compare_whole(values, name, value)
    return mask if column.valid is None else mask & column.valid


def _compare_doubles(values: npt.NDArray[Any], name: str, value: float) -> Mask:
    """Doubles against any number, exactly; the nearest double stands for one that is none."""
    double = _double(value)
    if double < value:
        name = {"<": "<=", ">=": ">"}.get(name, name)
    elif double > value:
        name = {"<=": "<", ">": ">="}.get(name, name)
    if double != value and name in ("==", "!="):
        return np.asarray(~np.isnan(values) & (name == "!="))
    return np.asarray(_COMPARE[name](values, double) & ~np.isnan(values))


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _range_of(dtype: np.dtype[Any]) -> range:
    bounds = np.iinfo(dtype)
    return range(int(bounds.min), int(bounds.max) + 1)


def _compare_whole(values: npt.NDArray[Any], name: str, value: float) -> Mask:
    """Whole numbers against any number, exactly: nothing goes through a double."""
    if values.dtype.kind == "b":
        values = values.view(np.uint8)
    held = _range_of(values.dtype)
    if isinstance(value, float):
        if math.isinf(value):
            value = held.stop if value > 0 else held.start - 1
        elif value != math.floor(value):
            if name in ("==", "!="):
                return np.full(len(values), name == "!=")
            value = math.ceil(value) if name in ("<", ">=") else math.floor(value)
        else:
            value = int(value)
    value = int(value)
    if value not in held:
        return np.full(len(values), bool(_COMPARE[name](0, 1 if value > 0 else -1)))
    return np.asarray(_COMPARE[name](values, values.dtype.type(value)))


def _compare_categories(column: Categories, name: str, value: Any) -> Within | Mask:
    if column.ordered and name not in ("==", "!="):
        ranks = np.flatnonzero(mask_of(condition_of(column.values, value)))
        if len(ranks) != 1:
            raise DataError(f"{value!r} is none of the ordered categories")
        codes = column.codes
        return np.asarray(_COMPARE[name](codes, ranks[0]) & (codes >= 0))
    return _by_code(column, condition_of(column.values, (name, value)))


def _by_code(column: Categories, values: Within) -> Within:
    """The rows of a column whose value is one of some of its values."""
    keep = mask_of(values)
    kept = np.flatnonzero(keep)
    # A few codes are compared in less time than a table of all is looked up.
    few = len(kept) <= MOST_INTERVALS
    among = tuple((code, code) for code in kept.tolist()) if few else keep
    signed = column.codes.dtype.kind == "i"
    codes = np.ascontiguousarray(column.codes, column.codes.dtype if signed else np.int64)
    return Within(codes, among)


def _among(column: Column, values: list[Any]) -> Within | Mask:
    if _is_null(column):
        return np.zeros(len(column), np.bool_)
    if isinstance(column, Categories):
        return _by_code(column, condition_of(column.values, values))
    if isinstance(column, Text):
        for value in values:
            if not isinstance(value, str):
                raise _refuse(column, value)
        return column.isin(values)
    if isinstance(column, Dates | Days):
        days = days_of(column)
        wanted = np.array([_day(column, value) for value in values], np.int64)
        return np.isin(days, wanted)
    return _among_numbers(column, values)


def _one_of(values: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> Mask:
    """`numpy.isin`, which takes a hundred times as long for one value."""
    return np.asarray(values == wanted[0] if len(wanted) == 1 else np.isin(values, wanted))


def _among_numbers(column: Numbers, values: list[Any]) -> Mask:
    held = column.values.view(np.uint8) if column.values.dtype.kind == "b" else column.values
    wanted: list[Any] = []
    for value in values:
        if not isinstance(value, bool | int | float):
            raise _refuse(column, value)
        if held.dtype.kind == "f":
            wanted += [_double(value)] if _double(value) == value else []
        elif math.isfinite(_double(value)) and value == int(value):
            wanted += [int(value)] if int(value) in _range_of(held.dtype) else []
    mask = _one_of(held, np.array(wanted, held.dtype))
    return mask if column.valid is None else mask & column.valid
