"""Columns out by the Arrow C data interface, for any reader of Arrow, without pyarrow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from rereferral import _core
from rereferral.columns import column_of
from rereferral.dates import days_of
from rereferral.errors import DataError
from rereferral.key_columns import Category, Integers
from rereferral.kinds import Categories, Column, Dates, Days, Mask, Numbers, native
from rereferral.text import Text

__all__ = ["export_array", "export_stream"]

_FORMATS = {
    "i1": "c",
    "u1": "C",
    "i2": "s",
    "u2": "S",
    "i4": "i",
    "u4": "I",
    "i8": "l",
    "u8": "L",
    "f4": "f",
    "f8": "g",
}
_UNITS = {"s": "tss:", "ms": "tsm:", "us": "tsu:", "ns": "tsn:"}

_ORDERED, _NULLABLE = 1, 2

# (format, name, flags, length, null count, buffers, children, dictionary), as the core takes it.
_Field = tuple[str, str, int, int, int, tuple[Any, ...], tuple[Any, ...], Any]


def export_stream(columns: Mapping[str, Any], requested_schema: object = None) -> object:
    """Hand columns out as an Arrow table.

    Parameters
    ----------
    columns : mapping of a name to a column
        A column is an array, a Text, a pandas Categorical, an Integers or Category of
        `rereferral.tables`, or what `rereferral.tables.open_table` takes in a mapping; all of one
        length. Dates of unit D become date32; NaT is null; categories become dictionaries.
    requested_schema : capsule, optional
        A wish, which the interface leaves the producer free to pass over, as this one does.

    Returns
    -------
    capsule
        "arrow_array_stream", which holds one array, and looks at the memory of the columns: do not
        change them afterwards.

    Raises
    ------
    DataError
        A column has no Arrow type, or the lengths differ.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from rereferral.arrow import export_stream
    >>> class Table:
    ...     def __arrow_c_stream__(self, requested_schema=None):
    ...         return export_stream({"gap_days": np.array([3, -1], np.int32)}, requested_schema)
    >>> from rereferral.tables import open_table
    >>> open_table(Table(), "links").names
    ['gap_days']
    """
    fields: list[_Field] = []
    for name, values in columns.items():
        try:
            fields.append(_field(str(name), _column(values)))
        except DataError as error:
            raise DataError(f"column {name!r}: {error}") from None
        if fields[-1][3] != fields[0][3]:
            raise DataError(
                f"the column {name!r} has {fields[-1][3]} rows, but {fields[0][1]!r} has "
                f"{fields[0][3]}"
            )
    n_rows = fields[0][3] if fields else 0
    return _core.arrow_export_stream(("+s", "", 0, n_rows, 0, (None,), tuple(fields), None))


def export_array(values: Any, requested_schema: object = None) -> tuple[object, object]:
    """Hand one column out as an Arrow array: the capsules of its schema and of the array."""
    capsules: tuple[object, object] = _core.arrow_export_array(_field("", _column(values)))
    return capsules


def _column(values: Any) -> Column:
    if isinstance(values, Integers):
        whole = values.values.view(np.uint64) if values.unsigned_high else values.values
        return Numbers(whole, values.valid)
    if isinstance(values, Category):
        return Categories(values.codes, _column(values.categories))
    return column_of(values)


def _field(name: str, column: Column) -> _Field:
    if isinstance(column, Text):
        buffers = (*_validity(column.valid), column.offsets, column.data)
        return ("U", name, _NULLABLE, len(column), _nulls(column.valid), buffers, (), None)
    if isinstance(column, Categories):
        return _dictionary(name, column)
    if isinstance(column, Days):
        column = Dates(days_of(column).view("M8[D]"))
    if isinstance(column, Dates):
        return _dates(name, column)
    values, valid = column.values, column.valid
    if values.dtype.kind == "b":
        bits = np.packbits(values, bitorder="little")
        return (
            "b",
            name,
            _NULLABLE,
            len(values),
            _nulls(valid),
            (*_validity(valid), bits),
            (),
            None,
        )
    return _plain(_FORMATS[values.dtype.str[1:]], name, values, valid)


def _plain(
    format: str,
    name: str,
    values: npt.NDArray[Any],
    valid: Mask | None,
    dictionary: Any = None,
    flags: int = _NULLABLE,
) -> _Field:
    buffers = (*_validity(valid), native(values))
    return (format, name, flags, len(values), _nulls(valid), buffers, (), dictionary)


def _validity(valid: Mask | None) -> tuple[npt.NDArray[np.uint8] | None]:
    return (None if valid is None else np.packbits(valid, bitorder="little"),)


def _nulls(valid: Mask | None) -> int:
    return 0 if valid is None else len(valid) - int(np.count_nonzero(valid))


def _dates(name: str, column: Dates) -> _Field:
    unit, step = np.datetime_data(column.values.dtype)
    values = column.values
    if unit not in ("D", *_UNITS) or step != 1:
        raise DataError(f"dates of dtype {values.dtype} have no Arrow type")
    valid = ~np.isnat(values)
    some = None if valid.all() else valid
    ticks = values.view(np.int64)
    if unit != "D":
        return _plain(_UNITS[unit] + column.zone, name, ticks, some)
    if some is not None:
        ticks = np.where(valid, ticks, 0)
    bounds = np.iinfo(np.int32)
    if len(ticks) and (ticks.min() < bounds.min or ticks.max() > bounds.max):
        raise DataError("a day does not fit the 32 bits of an Arrow date")
    return _plain("tdD", name, ticks.astype(np.int32), some)


def _dictionary(name: str, column: Categories) -> _Field:
    codes = native(column.codes)
    size = len(column.values)
    if len(codes) and (codes.min() < -1 or codes.max() >= size):
        raise DataError(f"a code lies outside the {size} categories")
    valid = codes >= 0
    some = None if valid.all() else valid
    dictionary = _field("", column.values)
    flags = _NULLABLE | (_ORDERED if column.ordered else 0)
    return _plain(_FORMATS[codes.dtype.str[1:]], name, codes, some, dictionary, flags)
