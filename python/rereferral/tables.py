"""Tables in: any table of the caller becomes days, keys, masks and groups, whole columns at a time."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import _core
from rereferral.columns import NULL_DAY, Categories, Column, Dates, Days, Numbers, column_of
from rereferral.errors import DataError
from rereferral.filters import column_mask
from rereferral.grouping import Groups, groups_of
from rereferral.text import Text

__all__ = ["Category", "Groups", "Integers", "Key", "Table", "open_table"]

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


@dataclass(frozen=True, eq=False)
class Integers:
    """A key column of whole numbers.

    Attributes
    ----------
    values : int64 array, contiguous
        Anything where null.
    valid : bool array or None
        False where null; None: no value is null.
    unsigned_high : bool
        The bits are those of unsigned numbers, one of which at least is 2**63 or more.
    """

    values: npt.NDArray[np.int64]
    valid: npt.NDArray[np.bool_] | None
    unsigned_high: bool = False

    def __len__(self) -> int:
        return len(self.values)

    def is_null(self) -> npt.NDArray[np.bool_]:
        """True where the value is null."""
        return np.zeros(len(self), np.bool_) if self.valid is None else ~self.valid


@dataclass(frozen=True, eq=False)
class Category:
    """A key column of int32 codes (-1: null) into distinct `categories`, none of them null."""

    codes: npt.NDArray[np.int32]
    categories: Integers | Text

    def __len__(self) -> int:
        return len(self.codes)

    def is_null(self) -> npt.NDArray[np.bool_]:
        """True where the value is null."""
        return self.codes < 0

    def decode(self) -> Integers | Text:
        """The column without categories: the value of each row."""
        null = self.is_null()
        rows = np.where(null, 0, self.codes)
        valid = ~null if null.any() else None
        if isinstance(self.categories, Text):
            if len(self.categories) == 0:
                return Text.nulls(len(self))
            plain = self.categories.take(rows)
            return Text._trusted(plain.offsets, plain.data, valid)
        if len(self.categories) == 0:
            return Integers(np.zeros(len(self), np.int64), valid)
        return Integers(self.categories.values[rows], valid, self.categories.unsigned_high)


Key: TypeAlias = Integers | Text | Category


def open_table(table: object, role: str) -> Table:
    """Open a table for reading.

    Parameters
    ----------
    table : DataFrame, mapping of columns, or Table
        A column of a mapping is an array, a Series, a list or a Text. A Table gives another view of
        the same columns under a new role.
    role : str
        What messages call the table: "index", "events".

    Raises
    ------
    DataError
        It is not a table, its columns differ in length, or a name appears twice.
    """
    if isinstance(table, Table):
        return Table(table.source, role, table._raw, table._cache)
    if isinstance(table, pd.DataFrame):
        repeated = table.columns[table.columns.duplicated()]
        if len(repeated):
            raise DataError(f"{role}: the column {repeated[0]!r} appears twice")
        return Table(table, role, {name: table[name] for name in table.columns}, {})
    if isinstance(table, Mapping):
        return Table(table, role, dict(table), {})
    raise DataError(
        f"{role} must be a DataFrame, an Arrow table or a mapping of columns, "
        f"not {type(table).__name__}"
    )


class Table:
    """A table of the caller's, read column by column; made by `open_table`.

    Attributes
    ----------
    source : object
        What the caller gave. Two tables are the same when their sources are one object.
    role : str
        What messages call it.
    n_rows : int
    names : list
        Of the columns, in their order.
    """

    def __init__(
        self,
        source: object,
        role: str,
        raw: dict[Any, Any],
        cache: dict[Any, Any],
    ) -> None:
        self.source = source
        self.role = role
        self.names = list(raw)
        self._raw = raw
        self._cache = cache
        self.n_rows = self._count()

    def _count(self) -> int:
        if isinstance(self.source, pd.DataFrame):
            return len(self.source)
        first: Any = None
        n = 0
        for name, values in self._raw.items():
            try:
                length = len(values)
            except TypeError:
                raise DataError(
                    f"{self.role}: the column {name!r} must be an array, a Series or a list, "
                    f"not {type(values).__name__}"
                ) from None
            if first is None:
                first, n = name, length
            elif length != n:
                raise DataError(
                    f"{self.role}: the column {name!r} has {length} rows, but {first!r} has {n}"
                )
        return n

    @property
    def labels(self) -> pd.Index | None:
        """The row labels of a DataFrame; None where the table has none."""
        return self.source.index if isinstance(self.source, pd.DataFrame) else None

    def same(self, other: Table) -> bool:
        """Whether both were opened from one object."""
        return self.source is other.source

    def once(self, key: object, make: Callable[[], Any]) -> Any:
        """What `make` gives, made at the first call with this key and kept beside the columns."""
        kept = ("once", key)
        if kept not in self._cache:
            self._cache[kept] = make()
        return self._cache[kept]

    def with_columns(self, extra: Mapping[str, Any]) -> Table:
        """This table with further columns, which must not have the name of one it has."""
        repeated = [name for name in extra if self._known(name)]
        if repeated:
            raise DataError(f"{self.role} already has a column {repeated[0]!r}")
        # A copy of what is known: another table may give another column the same name.
        return Table(self.source, self.role, {**self._raw, **extra}, dict(self._cache))

    def renamed(self, columns: Mapping[str, str]) -> Table:
        """This table with columns under other names: ``{new name: name in the table}``."""
        for given in columns.values():
            self.column(given)
        raw = {name: values for name, values in self._raw.items() if name not in columns}
        raw.update({name: self._raw[given] for name, given in columns.items()})
        return Table(self.source, self.role, raw, {})

    def has(self, name: object) -> bool:
        """Whether there is a column of this name."""
        return self._known(name)

    def _known(self, name: object) -> bool:
        try:
            return name in self._raw
        except TypeError:  # not hashable
            return False

    def fail(self, name: object, message: str, row: int | None = None, value: object = None) -> DataError:
        """A DataError that names the table, the column and, where given, the row."""
        place = f"{self.role}: column {name!r}" + ("" if row is None else f", row {row}")
        error = DataError(f"{place}: {message}")
        error.column = str(name)
        error.row = row
        error.value = None if value is None else str(value)[:120]
        return error

    def _again(self, name: object, error: DataError) -> DataError:
        """The error of a column, with the names of table and column."""
        return self.fail(name, str(error), error.row, error.value)

    def column(self, name: object) -> Column:
        """The column, in one of the kinds of `rereferral.columns`.

        Raises
        ------
        DataError
            There is no such column, or it is of no kind that is understood.
        """
        if not self._known(name):
            close = difflib.get_close_matches(str(name), [str(n) for n in self.names], n=3)
            hint = f"; did you mean {' or '.join(repr(c) for c in close)}?" if close else ""
            if not close and self.names:
                shown = ", ".join(repr(n) for n in self.names[:20])
                hint = f"; it has {shown}" + (", ..." if len(self.names) > 20 else "")
            error = DataError(f"{self.role} has no column {name!r}{hint}")
            error.column = str(name)
            raise error
        key = ("column", name)
        if key not in self._cache:
            try:
                self._cache[key] = column_of(self._raw[name])
            except DataError as error:
                raise self._again(name, error) from None
        column: Column = self._cache[key]
        return column

    # ------------------------------------------------------------------------------------ days

    def days(self, name: object) -> npt.NDArray[np.int64]:
        """A column of dates as int64 days since 1970-01-01, NaT (the lowest int64) where null.

        Taken from datetime64 of any unit, date objects, Arrow dates and timestamps, categories of
        these, and whole numbers, which are days since 1970-01-01. By reference where the column
        holds just that: do not write into it.

        Raises
        ------
        DataError
            A time of day other than midnight, a time zone, a day more than 10,000,000 days from
            1970, text or fractions.
        """
        key = ("days", name)
        if key not in self._cache:
            column = self.column(name)
            try:
                self._cache[key] = days_of(column)
            except DataError as error:
                raise self._again(name, error) from None
        days: npt.NDArray[np.int64] = self._cache[key]
        return days

    # ------------------------------------------------------------------------------------- key

    def key(self, name: object) -> Key:
        """A column as part of a key.

        Whole numbers and truth values of any width, and doubles that hold only whole numbers up to
        2**53 (pandas makes ids so when one is missing), become Integers; dates become Integers of
        days; text stays text, with blank values (empty, or white space only) null; categories keep
        their codes.

        Raises
        ------
        DataError
            A number is not whole, or the column mixes kinds. The row and the value are named.
        """
        return self._key(name)[0]

    def n_blank(self, name: object) -> int:
        """How many values of a key column are text that is blank, and are therefore null."""
        return self._key(name)[1]

    def _key(self, name: object) -> tuple[Key, int]:
        key = ("key", name)
        if key not in self._cache:
            column = self.column(name)
            try:
                self._cache[key] = _key_of(column)
            except DataError as error:
                raise self._again(name, error) from None
        found: tuple[Key, int] = self._cache[key]
        return found

    # ------------------------------------------------------------------------ masks and groups

    def mask(self, filter: Mapping[Any, Any]) -> npt.NDArray[np.bool_]:
        """The rows that a filter keeps.

        Parameters
        ----------
        filter : mapping
            Column to a value, a list of values (any of them), or ``(operator, value)`` with
            ``< <= > >= == !=``. Several columns must all hold. Dates are given as dates or as ISO
            text. An ordered categorical is compared in its own order, text by code point.

        Returns
        -------
        bool array of n_rows

        Raises
        ------
        DataError
            A value cannot be compared with its column. One that occurs nowhere is no error.

        Notes
        -----
        A null value never matches, not even ``("!=", value)``.
        """
        if not isinstance(filter, Mapping):
            raise DataError(
                f"a filter of {self.role} must be a mapping of columns to values, "
                f"not {type(filter).__name__}"
            )
        keep = np.ones(self.n_rows, np.bool_)
        for name, condition in filter.items():
            column = self.column(name)
            try:
                keep &= column_mask(column, condition)
            except DataError as error:
                raise self._again(name, error) from None
        return keep

    def groups(
        self,
        by: Any,
        derived: Mapping[str, Any] | None = None,
    ) -> Groups:
        """Sort the rows into groups.

        Parameters
        ----------
        by : name, array, list of them, or mapping of a name to an array
            An array has n_rows values. In a list a Series gives the group column its name, another
            array is called "by", "by_2" and so on by its place in the list.
        derived : mapping of a name to an array, optional
            Columns that `by` may name where the table has none of the name.

        Returns
        -------
        Groups

        Raises
        ------
        DataError
            An unknown column, a wrong length, or a name that appears twice.
        """
        parts: dict[str, Column] = {}
        if isinstance(by, Mapping):
            parts = {str(name): self._group_array(str(name), item) for name, item in by.items()}
        else:
            for position, item in enumerate(_as_list(by, self), start=1):
                name, column = self._group_part(item, derived or {}, position)
                if name in parts:
                    raise DataError(f"{self.role}: the group column {name!r} is given twice")
                parts[name] = column
        if not parts:
            raise DataError("by names no column")
        try:
            return groups_of(parts, self.n_rows)
        except DataError as error:
            raise self._again(error.column, error) from None

    def _group_part(
        self, item: Any, derived: Mapping[str, Any], position: int
    ) -> tuple[str, Column]:
        if isinstance(item, str) or self._known(item):
            if not self._known(item) and item in derived:
                return str(item), self._group_array(str(item), derived[item])
            return str(item), self.column(item)
        name = getattr(item, "name", None)
        if name is None:
            name = "by" if position == 1 else f"by_{position}"
        return str(name), self._group_array(str(name), item)

    def _group_array(self, name: str, values: Any) -> Column:
        try:
            column = column_of(values)
        except DataError as error:
            raise self._again(name, error) from None
        if len(column) != self.n_rows:
            raise DataError(
                f"the group column {name!r} has {len(column)} values, but {self.role} has "
                f"{self.n_rows} rows"
            )
        return column


def _as_list(by: Any, table: Table) -> list[Any]:
    """`by` as a list of names and arrays: a list of neither is itself one array."""
    if isinstance(by, str) or table._known(by):
        return [by]
    if isinstance(by, tuple | list):
        if all(isinstance(item, str) or table._known(item) or _is_array(item) for item in by):
            return list(by)
        return [list(by)]
    return [by]


def _is_array(item: object) -> bool:
    return isinstance(
        item,
        np.ndarray | pd.Series | pd.Index | Text | list | tuple | pd.api.extensions.ExtensionArray,
    ) or hasattr(item, "__arrow_c_array__") or hasattr(item, "__arrow_c_stream__")


# ----------------------------------------------------------------------------------------- days


def days_of(column: Column) -> npt.NDArray[np.int64]:
    """`Table.days` of a column that has no name yet."""
    if isinstance(column, Days):
        return column.values
    if isinstance(column, Dates):
        return _days_of_dates(column)
    if isinstance(column, Numbers):
        return _days_of_numbers(column)
    if isinstance(column, Categories):
        values = np.append(_of_categories(column, days_of), NULL_DAY)
        return np.ascontiguousarray(values[column.codes])
    valid = np.ones(len(column), np.bool_) if column.valid is None else column.valid
    if not valid.any():
        return np.full(len(column), NULL_DAY)
    row = int(valid.argmax())
    raise _place(
        f"{column[row]!r} is text, not a date; use pandas.to_datetime(..., format='%Y-%m-%d')",
        row,
        column[row],
    )


def _place(message: str, row: int, value: object) -> DataError:
    error = DataError(message)
    error.row, error.value = row, str(value)[:120]
    return error


def _days_of_dates(column: Dates) -> npt.NDArray[np.int64]:
    values = column.values
    present = ~np.isnat(values)
    if column.zone and present.any():
        row = int(present.argmax())
        raise _place(
            f"{values[row]} UTC has a time zone ({column.zone}); say whose day counts: "
            ".dt.tz_convert(zone).dt.tz_localize(None)",
            row,
            values[row],
        )
    unit, step = np.datetime_data(values.dtype)
    if unit == "generic":
        return np.full(len(values), NULL_DAY)
    ticks = values.view(np.int64)
    if unit in ("Y", "M", "W"):
        ticks, unit, step = _coarse_days(ticks, present, unit, step), "D", 1
    elif step != 1:
        ticks, step = _unstep(ticks, present, step), 1
    if unit in ("fs", "as"):  # int64 holds less than a day of them on either side of 1970
        if (ticks[present] != 0).any():
            row = int((present & (ticks != 0)).argmax())
            raise _place(_TIME_OF_DAY.format(values[row]), row, values[row])
        return np.where(present, 0, NULL_DAY)
    per_day = _PER_DAY[unit]
    days = None if per_day == 1 else np.empty(len(ticks), np.int64)
    try:
        _core.days_from_ticks(ticks, per_day, days)
    except DataError as error:
        row = error.row or 0
        message = _TIME_OF_DAY if "time" in str(error) else _OUT_OF_RANGE
        raise _place(message.format(values[row]), row, values[row]) from None
    return ticks if days is None else days


_TIME_OF_DAY = "{} has a time of day; floor it with .dt.floor('D'), or .astype('datetime64[D]')"
_OUT_OF_RANGE = "{} is out of range: a day must lie within 10,000,000 days of 1970-01-01"


def _coarse_days(
    ticks: npt.NDArray[np.int64], present: npt.NDArray[np.bool_], unit: str, step: int
) -> npt.NDArray[np.int64]:
    """Years, months and weeks to their first day; out of range stays out of range."""
    low, high = ticks.min(where=present, initial=0), ticks.max(where=present, initial=0)
    if low < DAY_MIN // step or high > DAY_MAX // step:
        row = int((present & ((ticks < DAY_MIN // step) | (ticks > DAY_MAX // step))).argmax())
        raise _place(_OUT_OF_RANGE.format(f"{ticks[row]} {unit}"), row, ticks[row])
    first: npt.NDArray[np.int64] = (
        ticks.view(f"M8[{step}{unit}]").astype("M8[D]").view(np.int64)
    )
    return first


def _unstep(
    ticks: npt.NDArray[np.int64], present: npt.NDArray[np.bool_], step: int
) -> npt.NDArray[np.int64]:
    limit = np.iinfo(np.int64).max // step
    outside = present & ((ticks > limit) | (ticks < -limit))
    if outside.any():
        row = int(outside.argmax())
        raise _place(_OUT_OF_RANGE.format(f"{ticks[row]} x {step}"), row, ticks[row])
    return np.where(present, ticks * step, NULL_DAY)


def _days_of_numbers(column: Numbers) -> npt.NDArray[np.int64]:
    values, valid = column.values, column.valid
    if values.dtype.kind not in "iu":
        present = np.ones(len(values), np.bool_) if valid is None else valid
        if values.dtype.kind == "f":
            present = present & ~np.isnan(values)
        if not present.any():
            return np.full(len(values), NULL_DAY)
        row = int(present.argmax())
        raise _place(
            f"{values[row]} is not a date: the column holds {column.what}; dates are datetime64, "
            "or whole numbers of days since 1970-01-01",
            row,
            values[row],
        )
    outside = (values < DAY_MIN) | (values > DAY_MAX)
    if values.dtype == np.int64:
        outside &= values != NULL_DAY
    if valid is not None:
        outside &= valid
    if outside.any():
        row = int(outside.argmax())
        raise _place(_OUT_OF_RANGE.format(values[row]), row, values[row])
    days = values.astype(np.int64, copy=False)
    if valid is not None:
        days = np.where(valid, days, NULL_DAY)
    return days


def _of_categories(column: Categories, convert: Any) -> Any:
    """A conversion of the categories; an error names the first row that has the category."""
    try:
        return convert(column.values)
    except DataError as error:
        if error.row is not None:
            rows = np.flatnonzero(column.codes == error.row)
            error.row = int(rows[0]) if len(rows) else None
        raise


# ----------------------------------------------------------------------------------------- keys


def _key_of(column: Column) -> tuple[Key, int]:
    if isinstance(column, Text):
        return column.present()
    if isinstance(column, Categories):
        return _key_of_categories(column)
    if isinstance(column, Numbers):
        return _integers(column), 0
    days = days_of(column)
    valid = days != NULL_DAY
    if valid.all():
        return Integers(days, None), 0
    return Integers(np.where(valid, days, 0), valid), 0


def _integers(column: Numbers) -> Integers:
    values, valid = column.values, column.valid
    if values.dtype.kind == "f":
        whole = np.empty(len(values), np.int64)
        present = np.empty(len(values), np.bool_)
        numbers = values.astype(np.float64, copy=False)
        if valid is not None:
            numbers = np.where(valid, numbers, np.nan)
        try:
            nulls = _core.whole_from_double(numbers, whole, present)
        except DataError as error:
            row = error.row or 0
            raise _place(f"{values[row]} is {error}, so it is no key", row, values[row]) from None
        return Integers(whole, present if nulls else None)
    high = values.dtype == np.uint64 and bool((values > np.uint64(2**63 - 1)).any())
    integers = values.view(np.int64) if values.dtype == np.uint64 else values.astype(np.int64, copy=False)
    return Integers(integers, valid, high)


def _key_of_categories(column: Categories) -> tuple[Category, int]:
    values, _ = _of_categories(column, _key_of)
    codes = column.codes
    if isinstance(values, Category):  # categories of categories
        return _key_of_categories(Categories(np.append(values.codes, -1)[codes], values.categories))
    # Null or blank categories become null, and repeated ones become one.
    distinct, kept = _distinct(values)
    blank = 0
    if kept is not None:
        if isinstance(column.values, Text) and isinstance(values, Text):
            was = column.values.valid
            now = values.valid
            gone = np.zeros(len(values), np.bool_) if now is None else ~now
            if was is not None:
                gone &= was
            blank = int(np.append(gone, False)[codes].sum())
        codes = np.append(kept, np.int32(-1))[codes]
    return Category(np.ascontiguousarray(codes, np.int32), distinct), blank


def _distinct(
    values: Integers | Text,
) -> tuple[Integers | Text, npt.NDArray[np.int32] | None]:
    """The distinct values that are not null, and the new code of each; None if nothing changes."""
    n = len(values)
    if isinstance(values, Text):
        codes, distinct = values.codes()
        return (values, None) if len(distinct) == n else (distinct, codes)
    found, uniques = pd.factorize(values.values)
    if values.valid is None and len(uniques) == n:
        return values, None
    if values.valid is not None:
        present = values.valid
        found, uniques = pd.factorize(values.values[present])
        codes = np.full(n, -1, np.int32)
        codes[present] = found
        return Integers(np.asarray(uniques, np.int64), None, values.unsigned_high), codes
    return Integers(np.asarray(uniques, np.int64), None, values.unsigned_high), found.astype(np.int32)
