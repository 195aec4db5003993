"""Columns as pandas, numpy and Python hold them, brought to one of five kinds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import _core
from rereferral.arrow_in import ArrowColumn, is_arrow, read_column
from rereferral.errors import DataError
from rereferral.kinds import Categories, Column, Dates, Days, Mask, Numbers, native
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

__all__ = ["column_of"]


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
    if isinstance(values, ArrowColumn):
        return values.read()
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
    if is_arrow(values):
        return read_column(values)
    if hasattr(values, "__array__"):
        return _from_numpy(np.asarray(values))
    raise DataError(f"a column must be an array, a Series or a list, not {type(values).__name__}")


# -------------------------------------------------------------------------------------- pandas


def _from_pandas(series: pd.Series) -> Column:
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return _from_numpy(series.to_numpy())
    if isinstance(dtype, pd.CategoricalDtype):
        category = series.array  # series.cat.codes would copy
        return Categories(
            native(category.codes),
            _from_pandas(pd.Series(category.categories)),
            bool(category.ordered),
            distinct=True,
        )
    if isinstance(dtype, pd.DatetimeTZDtype):
        moments = series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        return Dates(native(moments), str(dtype.tz))
    if isinstance(dtype, pd.PeriodDtype | pd.IntervalDtype):
        raise DataError(f"dtype {dtype} is not a day; use .dt.to_timestamp() on periods")
    if isinstance(dtype, pd.SparseDtype):
        return _from_numpy(np.asarray(series.sparse.to_dense()))
    if isinstance(dtype, pd.ArrowDtype) or _is_pyarrow_text(dtype):
        column = _from_arrow_backed(series)
        if column is not None:
            return column
    if isinstance(dtype, pd.StringDtype | pd.ArrowDtype):
        return _from_objects(series.to_numpy(dtype=object))
    kind = getattr(dtype, "kind", "O")
    if kind in "biuf" and isinstance(getattr(dtype, "numpy_dtype", None), np.dtype):
        missing = series.isna().to_numpy(dtype=bool)
        values = series.array.to_numpy(dtype=dtype.numpy_dtype, na_value=dtype.numpy_dtype.type(0))
        return Numbers(values, ~missing if missing.any() else None)
    raise DataError(f"a column of dtype {dtype} is neither dates, numbers nor text")


def _is_pyarrow_text(dtype: Any) -> bool:
    return isinstance(dtype, pd.StringDtype) and dtype.storage.startswith("pyarrow")


def _from_arrow_backed(series: pd.Series) -> Column | None:
    """A column in pyarrow's memory, which its array gives by a public protocol of pyarrow's."""
    arrow = series.array.__arrow_array__()
    return read_column(arrow) if is_arrow(arrow) else None


# --------------------------------------------------------------------------------------- numpy


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
        return Numbers(native(array), None if mask is None else ~mask)
    if kind == "f":
        if array.dtype.itemsize not in (4, 8):
            array = _narrow(array)
        return Numbers(native(array), None if mask is None else ~mask)
    if kind == "M":
        if mask is not None:
            array = np.where(mask, np.datetime64("NaT"), array)
        return Dates(native(array))
    if kind in "US":
        return Text._from_fixed(array, None if mask is None else ~mask)
    if kind in "OT":
        objects = np.ascontiguousarray(array, dtype=object)
        if mask is not None:
            objects = np.where(mask, np.array(None, object), objects)
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


_FAMILIES = ((BOOL,), (INTEGER, FLOAT), (TEXT,), (DATE, DATETIME), (NUMPY_DATE,), (OTHER,))


def _from_objects(objects: npt.NDArray[np.object_]) -> Column:
    """A column from Python objects, all of one kind; whole numbers and doubles count as one."""
    objects = native(objects)
    kinds = object_kinds(objects)
    found = np.bincount(kinds, minlength=OTHER + 1)
    families = [family for family in _FAMILIES if found[list(family)].any()]
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
            f"{objects[row]!r} is {KIND_NAMES[int(kinds[row])]}, but row {first} holds "
            f"{KIND_NAMES[int(kinds[first])]} ({objects[first]!r}); make the column one kind",
            row,
            objects[row],
        )
    family = families[0]
    valid = kinds != NULL
    some = None if valid.all() else valid
    if family == (TEXT,):
        return Text._from_objects(objects, valid)
    if family == (BOOL,):
        return Numbers(np.where(valid, objects, False).astype(np.bool_), some)
    if family == (NUMPY_DATE,):
        moments = np.where(valid, objects, np.datetime64("NaT")).tolist()
        return Dates(native(np.array(moments, "M8")))
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
    # A double tells whole numbers apart up to 2**53; above it two of them may have become one.
    lost = whole & ((np.abs(doubles) > 2.0**53) | (values > 2**53) | (values < -(2**53)))
    if lost.any():
        row = int(lost.argmax())
        raise data_error(
            f"{objects[row]!r} is too large for a column that also holds fractions",
            row,
            objects[row],
        )
    return Numbers(doubles, None)


def _moment_error(error: DataError, objects: npt.NDArray[np.object_]) -> DataError:
    row = error.row or 0
    mend = {
        "a time zone": "say whose day counts: .dt.tz_convert(zone).dt.tz_localize(None)",
        "a time of day": "floor it with .dt.floor('D') or .dt.normalize()",
    }.get(str(error), "")
    return data_error(f"{str(objects[row])!r} has {error}; {mend}", row, objects[row])
