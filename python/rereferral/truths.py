"""Columns of truth values, which tables also hold as 0 and 1, in numbers or in text."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rereferral.errors import DataError
from rereferral.kinds import Categories, Column, Mask, Numbers, in_words
from rereferral.text import Text, data_error

__all__ = ["truths_of"]

_FALSE, _TRUE, _NULL, _NEITHER = 0, 1, 2, 3
# What the reader of CSV files takes; an empty field is null.
_WORDS = {"0": _FALSE, "1": _TRUE, "false": _FALSE, "true": _TRUE, "": _NULL}


def truths_of(column: Column) -> Mask:
    """Where a column is true: not where it is false or null.

    Raises
    ------
    DataError
        A value is neither, or the column holds dates. ``row`` says where.
    """
    if isinstance(column, Numbers) and column.values.dtype.kind == "b":
        return column.values if column.valid is None else column.values & column.valid
    read = _read(column)
    neither = read == _NEITHER
    if neither.any():
        row = int(neither.argmax())
        value = _value(column, row)
        raise data_error(
            f"{value!r} is none of 0, 1, true, false; map the values to True and False", row, value
        )
    return np.asarray(read == _TRUE)


def _read(column: Column) -> npt.NDArray[np.uint8]:
    if isinstance(column, Categories):
        values = np.append(_read(column.values), np.uint8(_NULL))
        return np.asarray(values[column.codes])  # the last is for null, which is -1
    if isinstance(column, Text):
        codes, distinct = column.codes()
        words = [_NULL if text is None else _WORDS.get(_lower(text), _NEITHER) for text in distinct]
        return np.array([*words, _NULL], np.uint8)[codes]
    if isinstance(column, Numbers):
        values = column.values
        read = np.full(len(values), _NEITHER, np.uint8)
        read[values == 0] = _FALSE
        read[values == 1] = _TRUE
        if values.dtype.kind == "f":
            read[np.isnan(values)] = _NULL
        if column.valid is not None:
            read[~column.valid] = _NULL
        return read
    raise DataError(f"it holds {in_words(column)}, not truth values")


def _lower(text: str) -> str:
    return text.lower() if text.isascii() else text


def _value(column: Column, row: int) -> object:
    if isinstance(column, Categories):
        return _value(column.values, int(column.codes[row]))
    if isinstance(column, Text):
        return column[row]
    assert isinstance(column, Numbers)
    return column.values[row].item()
