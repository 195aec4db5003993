"""Columns as pandas, numpy and Python hold them, brought to five kinds that the rest can rely on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import _core
from rereferral.errors import DataError
from rereferral.text import (
    BOOL,
    DATE,
    DATETIME,
    FLOAT,
    INTEGER,
    KIND_NAMES,
    NULL,
    NUMPY_DATE,
    OTHER,
    TEXT,
    Text,
    data_error,
    object_array,
    object_kinds,
)

__all__ = ["Categories", "Column", "Dates", "Days", "Numbers", "column_of"]

NULL_DAY = np.iinfo(np.int64).min

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Numbers:
    """Whole numbers, truth values or doubles; `valid` is None where none is null, NaN apart."""

    values: npt.NDArray[Any]
    valid: Mask | None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def what(self) -> str:
        """The kind in words, for messages."""
        return {"b": "truth values", "f": "numbers"}.get(self.values.dtype.kind, "whole numbers")


@dataclass(frozen=True)
class Dates:
    """Moments as numpy's datetime64 of any unit, NaT where null. `zone`: a time zone, or ""."""

    values: npt.NDArray[np.datetime64]
    zone: str = ""

    def __len__(self) -> int:
        return len(self.values)

    what = "dates"


@dataclass(frozen=True)
class Days:
    """Days since 1970-01-01, NaT where null, checked and in range."""

    values: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.values)

    what = "dates"


@dataclass(frozen=True)
class Categories:
    """Codes into a short column of values, -1 for null. `ordered`: the codes carry the order."""

    codes: npt.NDArray[Any]
    values: Column
    ordered: bool = False

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def what(self) -> str:
        """The kind in words, for messages."""
        return self.values.what if not isinstance(self.values, Text) else "text"


Column = Numbers | Dates | Days | Text | Categories


def column_of(values: object) -> Column:
    """Bring a column to one of the kinds above, by reference where its memory allows.

    Raises
    ------
    DataError
        The column is of a kind that is not understood, or mixes kinds. ``row`` says where; the
        message does not name the column, which the caller knows.
    """
    if isinstance(values, Text | Numbers | Dates | Days | Categories):
        return values
    if isinstance(values, pd.Series):
        return _from_pandas(values)
    if isinstance(values, pd.Index):
        return _from_pandas(values.to_series())
    if isinstance(values, pd.api.extensions.ExtensionArray):
        return _from_pandas(pd.Series(values, copy=False))
    if isinstance(values, np.ndarray):
        return _from_numpy(values)
    if isinstance(values, Sequence) and not isinstance(values, str | bytes | bytearray):
        return _from_objects(object_array(list(values)))
    raise DataError(f"a column must be an array, a Series or a list, not {type(values).__name__}")


# -------------------------------------------------------------------------------------- pandas


def _from_pandas(series: pd.Series) -> Column:
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return _from_numpy(series.to_numpy())
    if isinstance(dtype, pd.CategoricalDtype):
        return Categories(
            _native(series.cat.codes.to_numpy()),
            _from_pandas(pd.Series(series.cat.categories)),
            bool(series.cat.ordered),
        )
    if isinstance(dtype, pd.DatetimeTZDtype):
        moments = series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        return Dates(_native(moments), str(dtype.tz))
    if isinstance(dtype, pd.PeriodDtype | pd.IntervalDtype):
        raise DataError(f"dtype {dtype} is not a day; use .dt.to_timestamp() on periods")
    if isinstance(dtype, pd.SparseDtype):
        return _from_numpy(np.asarray(series.sparse.to_dense()))
    if isinstance(dtype, pd.StringDtype):
        return Text.from_any(series)
    if isinstance(dtype, pd.ArrowDtype):
        return _from_arrow_backed(series, dtype)
    kind = getattr(dtype, "kind", "O")
    if kind in "biuf" and isinstance(getattr(dtype, "numpy_dtype", None), np.dtype):
        missing = series.isna().to_numpy(dtype=bool)
        values = series.array.to_numpy(dtype=dtype.numpy_dtype, na_value=dtype.numpy_dtype.type(0))
        return Numbers(values, ~missing if missing.any() else None)
    raise DataError(f"a column of dtype {dtype} is neither dates, numbers nor text")


def _from_arrow_backed(series: pd.Series, dtype: pd.ArrowDtype) -> Column:
    kind = dtype.kind
    if kind in "biu":
        missing = series.isna().to_numpy(dtype=bool)
        wanted = np.dtype(dtype.numpy_dtype)
        values = series.to_numpy(dtype=wanted, na_value=wanted.type(0))
        return Numbers(values, ~missing if missing.any() else None)
    if kind == "f":
        return _from_numpy(series.to_numpy(dtype=dtype.numpy_dtype, na_value=np.nan))
    return _from_objects(series.to_numpy(dtype=object))


# --------------------------------------------------------------------------------------- numpy


def _native(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Contiguous, aligned and in native byte order, by reference if it is so already."""
    return np.require(array, array.dtype.newbyteorder("="), ["C", "A"])


def _from_numpy(array: npt.NDArray[Any]) -> Column:
    if array.ndim != 1:
        raise DataError(f"a column must have one dimension, not {array.ndim}")
    mask: Mask | None = None
    if isinstance(array, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(array)
        array = array.data
        mask = mask if mask.any() else None
    array = array.view(np.ndarray)
    kind = array.dtype.kind
    if kind in "biu":
        return Numbers(_native(array), None if mask is None else ~mask)
    if kind == "f":
        if array.dtype.itemsize not in (4, 8):
            array = _narrow(array)
        return Numbers(_native(array), None if mask is None else ~mask)
    if kind == "M":
        if mask is not None:
            array = np.where(mask, np.datetime64("NaT"), array)
        return Dates(_native(array))
    if kind in "US":
        return Text.from_any(array if mask is None else np.ma.MaskedArray(array, mask))
    if kind in "OT":
        objects = np.ascontiguousarray(array, dtype=object)
        if mask is not None:
            objects = np.where(mask, None, objects)
        return _from_objects(objects)
    raise DataError(f"a column of dtype {array.dtype} is neither dates, numbers nor text")


def _narrow(array: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Half and long doubles to doubles, without loss or with an error."""
    narrow = array.astype(np.float64)
    changed = (narrow != array) & ~np.isnan(narrow)
    if changed.any():
        row = int(changed.argmax())
        raise data_error(f"{array[row]!r} does not fit a double", row, array[row])
    return narrow


# ------------------------------------------------------------------------------------- objects


def _from_objects(objects: npt.NDArray[np.object_]) -> Column:
    """A column from Python objects, all of one kind; whole numbers and doubles count as one."""
    objects = _native(objects)
    kinds = object_kinds(objects)
    found = np.bincount(kinds, minlength=OTHER + 1)
    families = [
        family
        for family in ((BOOL,), (INTEGER, FLOAT), (TEXT,), (DATE, DATETIME), (NUMPY_DATE,), (OTHER,))
        if found[list(family)].any()
    ]
    if not families:
        return Text.nulls(len(objects))
    if len(families) > 1 or families[0] == (OTHER,):
        present = kinds != NULL
        first = int(present.argmax())
        family = next(f for f in families if kinds[first] in f)
        if family == (OTHER,):
            raise data_error(
                f"{objects[first]!r} ({type(objects[first]).__name__}) is neither a date, a number "
                "nor text",
                first,
                objects[first],
            )
        row = int((present & ~np.isin(kinds, family)).argmax())
        raise data_error(
            f"{objects[row]!r} is {KIND_NAMES[int(kinds[row])]}, but the column begins with "
            f"{KIND_NAMES[int(kinds[first])]} ({objects[first]!r} in row {first}): make it one kind",
            row,
            objects[row],
        )
    family = families[0]
    valid = kinds != NULL
    some = None if valid.all() else valid
    if family == (TEXT,):
        return Text._from_objects(objects, kinds)
    if family == (BOOL,):
        return Numbers(np.where(valid, objects, False).astype(np.bool_), some)
    if family == (NUMPY_DATE,):
        return Dates(_native(np.array(np.where(valid, objects, np.datetime64("NaT")).tolist(), "M8")))
    if family == (DATE, DATETIME):
        days = np.empty(len(objects), np.int64)
        try:
            _core.days_from_objects(objects, kinds, days)
        except DataError as error:
            raise _moment_error(error, objects) from None
        return Days(days)
    return _numbers_from_objects(objects, kinds, valid, some)


def _numbers_from_objects(
    objects: npt.NDArray[np.object_],
    kinds: npt.NDArray[np.uint8],
    valid: Mask,
    some: Mask | None,
) -> Numbers:
    whole = kinds == INTEGER
    values = np.empty(len(objects), np.int64)
    try:
        high = _core.integers_from_objects(objects, whole, values)
    except DataError as error:
        row = error.row or 0
        raise data_error(f"{objects[row]!r} is {error}", row, objects[row]) from None
    if not (kinds == FLOAT).any():
        return Numbers(values.view(np.uint64) if high else values, some)
    doubles = np.where(valid, objects, np.nan).astype(np.float64)
    lost = whole & (np.abs(doubles) > 2.0**53)
    if lost.any():
        row = int(lost.argmax())
        raise data_error(
            f"{objects[row]!r} is too large for a column that also holds fractions", row, objects[row]
        )
    return Numbers(doubles, None)


def _moment_error(error: DataError, objects: npt.NDArray[np.object_]) -> DataError:
    row = error.row or 0
    mend = {
        "a time zone": "say whose day counts: .dt.tz_convert(zone).dt.tz_localize(None)",
        "a time of day": "floor it with .dt.floor('D') or .dt.normalize()",
    }.get(str(error), "")
    return data_error(f"{str(objects[row])!r} has {error}; {mend}", row, objects[row])
