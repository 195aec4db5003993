"""Columns that were read become a pandas DataFrame, where that can be had without a copy."""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.text import Text

__all__ = ["frame_of", "lent", "text_array"]

NAT = np.iinfo(np.int64).min
SECONDS_A_DAY = 86_400
CHUNK = 1 << 16  # rows whose mask stays in the cache

# Columns of the CSV reader that pyarrow holds, by the addresses of their offsets and their bytes.
# Its buffers keep a column alive; nothing else can be at those addresses meanwhile, and what is
# there cannot be written to.
_LENT: WeakValueDictionary[tuple[int, int], Text] = WeakValueDictionary()


def lent(offsets: int, data: int) -> Text | None:
    """The column of the CSV reader that lies at these addresses, if one does."""
    return _LENT.get((offsets, data))


def frame_of(columns: dict[str, Any]) -> pd.DataFrame:
    """Turn columns into a DataFrame and empty the dict, so that no column is held twice.

    Parameters
    ----------
    columns : dict
        datetime64[D] or datetime64[s], int64, float64 and bool arrays, masked where something is
        null, `Text`, and pandas Categoricals. Days are overwritten: they become seconds in place.

    Returns
    -------
    DataFrame
        datetime64[s], which holds the years 1 to 9999; int64 or Int64; float64; bool or boolean;
        string; category.
    """
    names = list(columns)
    return pd.DataFrame({name: _pandas_column(columns.pop(name)) for name in names}, copy=False)


def _pandas_column(column: Any) -> Any:
    if isinstance(column, Text):
        return text_array(column)
    if isinstance(column, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(column)
        values = np.ma.getdata(column)
        if values.dtype == np.bool_:
            return pd.arrays.BooleanArray(values, mask)
        return pd.arrays.IntegerArray(values, mask)
    if isinstance(column, np.ndarray) and column.dtype == np.dtype("datetime64[D]"):
        return _seconds(column)
    return column


def _seconds(days: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    ticks = days.view(np.int64)
    for start in range(0, len(ticks), CHUNK):
        part = ticks[start : start + CHUNK]
        np.multiply(part, SECONDS_A_DAY, out=part, where=part != NAT)
    return ticks.view("datetime64[s]")


def text_array(text: Text) -> pd.api.extensions.ExtensionArray:
    """Turn text into a pandas string array: over the same bytes with pyarrow, else of str."""
    try:
        import pyarrow as pa
    except ImportError:
        return pd.array(text.to_numpy(), dtype="string[python]")
    bitmap = None
    if text.valid is not None:
        bitmap = pa.py_buffer(np.packbits(text.valid, bitorder="little"))
    offsets, data = text.offsets, text.data
    if text._sealed:
        place = offsets.ctypes.data, data.ctypes.data
        _LENT[place] = text
        buffers = [
            pa.foreign_buffer(place[0], offsets.nbytes, text),
            pa.foreign_buffer(place[1], data.nbytes, text),
        ]
    else:
        buffers = [pa.py_buffer(offsets), pa.py_buffer(data)]
    array = pa.Array.from_buffers(pa.large_string(), len(text), [bitmap, *buffers])
    try:
        return pd.arrays.ArrowStringArray(array)
    except ValueError:  # pandas 2.1 holds short offsets only, of which one array may not be enough
        chunked = pa.chunked_array([array]).cast(pa.string())
        return pd.arrays.ArrowStringArray(chunked)
