"""A compact text column: offsets and UTF-8 bytes instead of millions of Python strings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, SupportsIndex, overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import _core
from rereferral.errors import DataError

__all__ = ["Text"]

# What object_kinds says of an object; the numbers are those of py_columns.c.
NULL, BOOL, INTEGER, FLOAT, TEXT, DATE, DATETIME, NUMPY_DATE, OTHER = range(9)
KIND_NAMES = {
    BOOL: "a truth value",
    INTEGER: "a whole number",
    FLOAT: "a number",
    TEXT: "text",
    DATE: "a date",
    DATETIME: "a date",
    NUMPY_DATE: "a date",
    OTHER: "something else",
}


def object_kinds(objects: npt.NDArray[np.object_]) -> npt.NDArray[np.uint8]:
    """Say of each object of an array what it is, in the numbers above."""
    kinds = np.empty(len(objects), np.uint8)
    _core.object_kinds(objects, date, datetime, pd.NA, pd.NaT, kinds)
    return kinds


def frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same memory, as an array that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


class Text:
    """An immutable column of text.

    Value ``i`` is ``data[offsets[i]:offsets[i + 1]]``, as in Arrow's large UTF-8 layout.

    Parameters
    ----------
    offsets : int64 or int32 array of n + 1
        Where each value starts in `data`, and where the last one ends. Never falls. As an attribute
        it is int64.
    data : uint8 array
        UTF-8 bytes.
    valid : bool array of n, or None
        False where the value is null; None where no value is.

    Raises
    ------
    TypeError, ValueError
        The arrays have another dtype or shape.
    DataError
        The offsets leave the data, or a value is not UTF-8.

    Notes
    -----
    The arrays are kept, not copied: they must not be changed afterwards.

    Examples
    --------
    >>> from rereferral.text import Text
    >>> names = Text.from_any(["Leeds", None, "York"])
    >>> names
    Text(['Leeds', None, 'York'])
    >>> names.isin(["York"])
    array([False, False,  True])
    """

    __slots__ = ("__weakref__", "_blank", "_sealed", "data", "given_offsets", "valid")
    given_offsets: npt.NDArray[np.int64] | npt.NDArray[np.int32]
    data: npt.NDArray[np.uint8]
    valid: npt.NDArray[np.bool_] | None
    _blank: int | None
    _sealed: bool

    def __init__(
        self,
        offsets: npt.NDArray[np.int64] | npt.NDArray[np.int32],
        data: npt.NDArray[np.uint8],
        valid: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        blank = _core.text_check(offsets, data, valid)
        self._set(offsets, data, valid, blank)

    def _set(
        self,
        offsets: npt.NDArray[np.int64] | npt.NDArray[np.int32],
        data: npt.NDArray[np.uint8],
        valid: npt.NDArray[np.bool_] | None,
        blank: int | None = None,
        sealed: bool = False,
    ) -> None:
        object.__setattr__(self, "given_offsets", frozen(offsets))
        object.__setattr__(self, "data", frozen(data))
        object.__setattr__(self, "valid", None if valid is None else frozen(valid))
        object.__setattr__(self, "_blank", blank)
        object.__setattr__(self, "_sealed", sealed)

    @property
    def offsets(self) -> npt.NDArray[np.int64]:
        """Where each value starts in `data`, and where the last one ends."""
        wide = self.given_offsets.astype(np.int64, copy=False)
        if wide is not self.given_offsets:
            object.__setattr__(self, "given_offsets", frozen(wide))
        return wide

    @classmethod
    def _trusted(
        cls,
        offsets: npt.NDArray[np.int64] | npt.NDArray[np.int32],
        data: npt.NDArray[np.uint8],
        valid: npt.NDArray[np.bool_] | None,
    ) -> Text:
        """Make one from arrays that the package made itself, without a check."""
        self = cls.__new__(cls)
        self._set(offsets, data, valid)
        return self

    @classmethod
    def _read(
        cls,
        offsets: npt.NDArray[np.int64],
        data: npt.NDArray[np.uint8],
        valid: npt.NDArray[np.bool_] | None,
        visible: bool,
    ) -> Text:
        """Make one from arrays of the CSV reader, which nobody can write to.

        Their nulls are empty and all else is not. `visible`: no byte is white space, so that no
        value is blank.
        """
        self = cls.__new__(cls)
        self._set(offsets, data, valid, 0 if visible else None, sealed=True)
        return self

    @classmethod
    def nulls(cls, n: int) -> Text:
        """A column of `n` nulls."""
        return cls._trusted(np.zeros(n + 1, np.int64), np.empty(0, np.uint8), np.zeros(n, np.bool_))

    def is_null(self) -> npt.NDArray[np.bool_]:
        """True where the value is null."""
        return np.zeros(len(self), np.bool_) if self.valid is None else ~self.valid

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Text column cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a Text column cannot be changed")

    def __reduce__(self) -> tuple[Any, ...]:
        return Text, (
            np.array(self.given_offsets),
            np.array(self.data),
            None if self.valid is None else np.array(self.valid),
        )

    @classmethod
    def from_any(cls, values: object) -> Text:
        """Make a column from text as numpy, pandas or Python holds it.

        Parameters
        ----------
        values : Text, array of dtype U, S, O or StringDType, Series, Arrow array, or list
            None, NaN, ``pandas.NA`` and ``NaT`` are null. Bytes (dtype S) must be UTF-8. Of a
            categorical the labels are taken.

        Returns
        -------
        Text

        Raises
        ------
        DataError
            A value is not text; ``row`` says which.
        """
        from rereferral.columns import column_of
        from rereferral.kinds import Categories, in_words

        column = column_of(values)
        if isinstance(column, Categories) and isinstance(column.values, Text):
            labels = column.values
            rows = np.where(column.codes < 0, len(labels), column.codes)
            column = _with_null(labels).take(rows)
        if not isinstance(column, Text):
            raise DataError(f"the column holds {in_words(column)}, not text")
        return column

    @classmethod
    def _from_fixed(cls, values: npt.NDArray[Any], valid: npt.NDArray[np.bool_] | None) -> Text:
        """From numpy's text of a fixed width: UTF-32 (dtype U), or bytes of UTF-8 (dtype S)."""
        size = 4 if values.dtype.kind == "U" else 1
        width = values.dtype.itemsize // size
        native = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
        flat = native.view(np.uint32 if size == 4 else np.uint8) if width and len(native) else None
        if flat is None:
            flat = np.empty(0, np.uint32 if size == 4 else np.uint8)
        offsets = np.empty(len(values) + 1, np.int64)
        if size == 4:
            data = _core.text_from_ucs4(flat, width, offsets)
        else:
            data = _core.text_from_bytes(flat, width, offsets)
            _core.text_check(offsets, data, valid)
        return cls._trusted(offsets, data, valid)

    @classmethod
    def _from_objects(cls, objects: npt.NDArray[np.object_], valid: npt.NDArray[np.bool_]) -> Text:
        """From Python's str where `valid`, which the caller has made sure of."""
        offsets = np.empty(len(objects) + 1, np.int64)
        data = _core.text_from_objects(objects, valid, offsets)
        return cls._trusted(offsets, data, None if valid.all() else valid)

    def __len__(self) -> int:
        return len(self.given_offsets) - 1

    @property
    def nbytes(self) -> int:
        """Bytes of the three arrays."""
        return sum(a.nbytes for a in (self.given_offsets, self.data, self.valid) if a is not None)

    @overload
    def __getitem__(self, item: int | np.integer[Any]) -> str | None: ...
    @overload
    def __getitem__(self, item: slice | npt.NDArray[Any] | list[Any]) -> Text: ...
    def __getitem__(self, item: Any) -> str | Text | None:
        """One value; or the column of a slice, a mask or an array of rows."""
        n = len(self)
        if isinstance(item, slice):
            start, stop, step = item.indices(n)
            if step == 1:
                stop = max(start, stop)
                valid = None if self.valid is None else self.valid[start:stop]
                return Text._trusted(self.given_offsets[start : stop + 1], self.data, valid)
            return self.take(np.arange(start, stop, step, dtype=np.int64))
        if isinstance(item, SupportsIndex) and not isinstance(item, np.ndarray):
            row = item.__index__()
            if not -n <= row < n:
                raise IndexError(f"row {row} of a column of {n}")
            return self._value(row % n)
        rows = np.asarray(item)
        if rows.size == 0 and rows.dtype.kind == "f":
            rows = rows.astype(np.int64)
        if rows.dtype.kind == "b":
            if rows.shape != (n,):
                raise IndexError(f"a mask of shape {rows.shape} on a column of {n}")
            return self.take(np.flatnonzero(rows))
        if rows.dtype.kind not in "iu":
            raise IndexError(f"rows of dtype {rows.dtype}; give whole numbers or a mask")
        rows = rows.astype(np.int64)
        return self.take(np.where(rows < 0, rows + n, rows))

    def _value(self, row: int) -> str | None:
        if self.valid is not None and not self.valid[row]:
            return None
        start, end = self.given_offsets[row : row + 2]
        return self.data[start:end].tobytes().decode()

    def __iter__(self) -> Iterator[str | None]:
        for row in range(len(self)):
            yield self._value(row)

    def _with_mask(self, start: int, stop: int, valid: npt.NDArray[np.bool_] | None) -> Text:
        """A sealed column's rows from `start` to `stop`, of which those of a mask are present."""
        own = None if self.valid is None else self.valid[start:stop]
        # Under a null of the reader's lies nothing, which is blank where it is no null.
        kept = own is None or (valid is not None and not (valid > own).any())
        part = Text.__new__(Text)
        offsets = self.given_offsets[start : stop + 1]
        part._set(offsets, self.data, valid, 0 if kept and self._blank == 0 else None)
        return part

    def take(self, rows: npt.ArrayLike) -> Text:
        """The values of the rows `rows` (int64, from 0), in that order.

        Raises
        ------
        IndexError
            A row is not in the column.
        """
        wanted = np.ascontiguousarray(rows, dtype=np.int64)
        if wanted.ndim != 1:
            raise IndexError("rows must have one dimension")
        outside = (wanted < 0) | (wanted >= len(self))
        if outside.any():
            raise IndexError(f"row {wanted[outside][0]} of a column of {len(self)}")
        offsets = np.empty(len(wanted) + 1, np.int64)
        valid = None if self.valid is None else np.empty(len(wanted), np.bool_)
        data = _core.text_take(self.offsets, self.data, self.valid, wanted, offsets, valid)
        return Text._trusted(offsets, data, valid)

    def isin(self, values: object) -> npt.NDArray[np.bool_]:
        """Whether each value is one of `values` (text; what `from_any` takes). Null never is."""
        among = Text.from_any(values)
        found = np.empty(len(self), np.bool_)
        _core.text_isin(
            self.offsets, self.data, self.valid, among.offsets, among.data, among.valid, found
        )
        return found

    def __eq__(self, other: object) -> Any:
        """Value by value, a bool array; null equals nothing. `other`: a str, or as many values."""
        if isinstance(other, str):
            return self.isin([other])
        if not isinstance(other, Text | np.ndarray | list | tuple | pd.Series | pd.Index):
            return NotImplemented
        beside = Text.from_any(other)
        if len(beside) != len(self):
            raise DataError(f"a column of {len(self)} cannot be compared with one of {len(beside)}")
        same = np.empty(len(self), np.bool_)
        _core.text_equal(
            self.offsets, self.data, self.valid, beside.offsets, beside.data, beside.valid, same
        )
        return same

    def __ne__(self, other: object) -> Any:
        """Value by value; as in a filter, null differs from nothing either."""
        same = self.__eq__(other)
        if same is NotImplemented:
            return same
        different = ~same & ~self.is_null()
        return different if isinstance(other, str) else different & ~Text.from_any(other).is_null()

    __hash__ = None  # type: ignore[assignment]

    def compare(self, value: str) -> npt.NDArray[np.int8]:
        """-1, 0 or 1 where a value is before, the same as or after `value`, 2 where it is null.

        By code point, as Python orders text.
        """
        order = np.empty(len(self), np.int8)
        _core.text_compare(self.offsets, self.data, self.valid, value, order)
        return order

    def order(self) -> npt.NDArray[np.int64]:
        """The rows in the order of their values, by code point, stably; null last."""
        order = np.empty(len(self), np.int64)
        _core.text_order(self.offsets, self.data, self.valid, order)
        return order

    def codes(self) -> tuple[npt.NDArray[np.int32], Text]:
        """Codes in the order of first appearance (-1 for null), and the distinct values."""
        codes = np.empty(len(self), np.int32)
        distinct = _core.text_codes(self.given_offsets, self.data, self.valid, codes)
        rows = np.empty(distinct, np.int64)
        _core.first_rows(codes, rows)
        return codes, self.take(rows)

    def present(self) -> tuple[Text, int]:
        """The column with its blank values (empty, or white space only) null, and their count."""
        blank = self._blank
        if blank is None:
            blank = _core.text_check(self.given_offsets, self.data, self.valid)
            object.__setattr__(self, "_blank", blank)
        if blank == 0:
            return self, 0
        present = np.empty(len(self), np.bool_)
        _core.text_present(self.offsets, self.data, self.valid, present)
        filled = Text._trusted(self.given_offsets, self.data, present)
        object.__setattr__(filled, "_blank", 0)
        return filled, blank

    def to_numpy(self, dtype: npt.DTypeLike = object) -> npt.NDArray[Any]:
        """An array of str and None (`dtype` object), or of a fixed width (`dtype` "U").

        Raises
        ------
        DataError
            A fixed width is asked for and a value is null.
        """
        objects = np.empty(len(self), object)
        _core.text_to_objects(self.offsets, self.data, self.valid, objects)
        if np.dtype(dtype) == np.dtype(object):
            return objects
        if self.valid is not None and not self.valid.all():
            row = int((~self.valid).argmax())
            raise data_error(f"row {row} is null, which dtype {dtype} cannot hold", row, None)
        return objects.astype(dtype)

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("a Text column becomes an array only by copying")
        return self.to_numpy(object if dtype is None else dtype)

    def to_pandas(self) -> pd.Series:
        """A pandas Series of text, in pyarrow's memory where that is installed, without a copy."""
        from rereferral.frames import text_array

        return pd.Series(text_array(self))

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        """The column as an Arrow array of large UTF-8, without a copy."""
        from rereferral.arrow import export_array

        return export_array(self, requested_schema)

    def __repr__(self) -> str:
        n = len(self)
        if n <= 10:
            return f"Text({list(self)!r})"
        ends = [repr(self._value(i)) for i in (0, 1, 2, n - 3, n - 2, n - 1)]
        return f"Text([{', '.join(ends[:3])}, ..., {', '.join(ends[3:])}], n={n})"


def _with_null(text: Text) -> Text:
    """The column with a null at its end."""
    n = len(text)
    valid = np.ones(n + 1, np.bool_)
    valid[n] = False
    if text.valid is not None:
        valid[:n] = text.valid
    return Text._trusted(np.append(text.offsets, text.offsets[-1:]), text.data, valid)


def object_array(values: list[Any]) -> npt.NDArray[np.object_]:
    """Hold a list as objects, one each, whatever they are."""
    return np.fromiter(values, dtype=object, count=len(values))


def data_error(message: str, row: int | None, value: object) -> DataError:
    """A DataError with its place."""
    error = DataError(message)
    error.row = row
    error.value = None if value is None else str(value)[:120]
    return error
