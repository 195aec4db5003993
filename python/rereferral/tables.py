"""Tables in: any table of the caller becomes days, keys, masks and groups, by whole columns."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.arrow_in import ArrowColumn, is_arrow, read_table
from rereferral.columns import column_of
from rereferral.dates import day_column_of
from rereferral.day_columns import DayColumn
from rereferral.errors import DataError
from rereferral.filters import condition_of
from rereferral.grouping import Levels, groups_of, levels_of
from rereferral.groups import Groups
from rereferral.key_columns import Category, FixedText, Integers, Key, key_in_place, key_of
from rereferral.kinds import Column, Mask
from rereferral.marks import Within, mask_of
from rereferral.text import Text, frozen
from rereferral.truths import truths_of

__all__ = ["Category", "FixedText", "Groups", "Integers", "Key", "Table", "open_table"]


def open_table(table: object, role: str) -> Table:
    """Open a table for reading.

    Parameters
    ----------
    table : DataFrame, Arrow table, mapping of columns, or Table
        An Arrow table is anything with ``__arrow_c_stream__`` or ``__arrow_c_array__`` (polars,
        pyarrow, DuckDB); a stream is read to its end here. A column of a mapping is an array, a
        Series, a list, a Text or an Arrow array. A Table gives another view of the same columns
        under a new role.
    role : str
        What messages call the table: "index", "events".

    Raises
    ------
    DataError
        It is not a table, its columns differ in length, or a name appears twice.
    """
    if isinstance(table, Table):
        return Table(table.source, role, table._raw, table._cache, table._keys)
    if isinstance(table, pd.DataFrame):
        repeated = table.columns[table.columns.duplicated()]
        if len(repeated):
            raise DataError(f"{role}: the column {repeated[0]!r} appears twice")
        return Table(table, role, {name: table[name] for name in table.columns}, {})
    if isinstance(table, Mapping):
        return Table(table, role, dict(table), {})
    if is_arrow(table):
        return Table(table, role, _read_arrow(table, role), {})
    raise DataError(
        f"{role} must be a DataFrame, an Arrow table or a mapping of columns, "
        f"not {type(table).__name__}"
    )


def _read_arrow(table: object, role: str) -> dict[str, ArrowColumn]:
    try:
        return read_table(table)
    except DataError as error:
        raise DataError(f"{role}: {error}") from None


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
        keys: Mapping[Any, tuple[str, tuple[Key, int]]] | None = None,
    ) -> None:
        self.source = source
        self.role = role
        self.names = list(raw)
        self._raw = raw
        self._cache = cache
        self._keys: dict[Any, tuple[str, tuple[Key, int]]] = dict(keys or {})
        self.n_rows = self._count()

    def _count(self) -> int:
        beside = "the table"
        n = len(self.source) if isinstance(self.source, pd.DataFrame) else None
        for name, values in self._raw.items():
            if isinstance(values, str | bytes) or not hasattr(values, "__len__"):
                raise DataError(
                    f"{self.role}: the column {name!r} must be an array, a Series or a list, "
                    f"not {values!r}"
                )
            if n is None:
                n, beside = len(values), repr(name)
            elif len(values) != n:
                raise DataError(
                    f"{self.role}: the column {name!r} has {len(values)} rows, but {beside} has {n}"
                )
        return n or 0

    @property
    def labels(self) -> pd.Index | None:
        """The row labels of a DataFrame; None where the table has none."""
        return self.source.index if isinstance(self.source, pd.DataFrame) else None

    def same(self, other: Table) -> bool:
        """Whether both were opened from one object."""
        return self.source is other.source

    @property
    def variants(self) -> tuple[tuple[Any, str], ...]:
        """The columns that have another key than their own, and the word for it."""
        return tuple((name, variant) for name, (variant, _) in self._keys.items())

    def once(self, key: object, make: Callable[[], Any]) -> Any:
        """What `make` gives, made at the first call with this key and kept beside the columns."""
        kept = ("once", self.variants, key)
        if kept not in self._cache:
            self._cache[kept] = make()
        return self._cache[kept]

    def with_columns(self, extra: Mapping[str, Any]) -> Table:
        """The table with further columns, which must not have the name of one it has."""
        repeated = [name for name in extra if self._known(name)]
        if repeated:
            raise DataError(f"{self.role} already has a column {repeated[0]!r}")
        # A copy of what is known: another table may give another column the same name.
        return Table(self.source, self.role, {**self._raw, **extra}, dict(self._cache), self._keys)

    def with_key(self, name: object, key: Key, blank: int, variant: str) -> Table:
        """The table with another key in place of a column's; the column itself stays as it is.

        `blank` is what `n_blank` then says. `variant` is a word for the key: of one column, two
        keys of one variant are the same.
        """
        keys = {**self._keys, name: (variant, (key, blank))}
        return Table(self.source, self.role, self._raw, self._cache, keys)

    def renamed(self, columns: Mapping[str, str]) -> Table:
        """The table with columns under other names: ``{new name: name in the table}``."""
        for given in columns.values():
            self.column(given)
        raw = {name: values for name, values in self._raw.items() if name not in columns}
        raw.update({name: self._raw[given] for name, given in columns.items()})
        keys = {name: held for name, held in self._keys.items() if name not in columns}
        keys.update({n: self._keys[given] for n, given in columns.items() if given in self._keys})
        return Table(self.source, self.role, raw, {}, keys)

    def has(self, name: object) -> bool:
        """Whether there is a column of this name."""
        return self._known(name)

    def raw(self, name: object) -> Any:
        """The column as the caller holds it; it must be there."""
        return self._raw[name]

    def _known(self, name: object) -> bool:
        try:
            return name in self._raw
        except TypeError:  # not hashable
            return False

    def fail(
        self, name: object, message: str, row: int | None = None, value: object = None
    ) -> DataError:
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
            raise self._unknown(name)
        key = ("column", name)
        if key not in self._cache:
            try:
                self._cache[key] = column_of(self._raw[name])
            except DataError as error:
                raise self._again(name, error) from None
        column: Column = self._cache[key]
        return column

    def _unknown(self, name: object, derivable: Sequence[str] = ()) -> DataError:
        """An error that says which column, or which name that stands for one, may be meant."""
        names = [str(n) for n in (*self.names, *derivable)]
        close = difflib.get_close_matches(str(name), names, n=3)
        # "year" is not like "financial_year" but may be short for it.
        close = close or [n for n in names if len(str(name)) > 2 and str(name) in n][:3]
        hint = f"; did you mean {' or '.join(repr(c) for c in close)}?" if close else ""
        if not close and self.names:
            shown = ", ".join(repr(n) for n in self.names[:20])
            hint = f"; it has {shown}" + (", ..." if len(self.names) > 20 else "")
        error = DataError(f"{self.role} has no column {name!r}{hint}")
        error.column = str(name)
        return error

    # ------------------------------------------------------------------------------------ days

    def days(self, name: object) -> npt.NDArray[np.int64]:
        """A column of dates as int64 days since 1970-01-01, NaT (the lowest int64) where null.

        Taken from datetime64 of any unit, date objects, Arrow dates and timestamps, categories of
        these, and whole numbers, which are days since 1970-01-01. Read-only, and by reference where
        the column holds just that.

        Raises
        ------
        DataError
            A time of day other than midnight, a time zone, a day more than 10,000,000 days from
            1970, text or fractions.
        """
        return self.day_column(name).days

    def day_column(self, name: object) -> DayColumn:
        """The same column as it is held: `days` makes its days when they are first asked for."""
        key = ("days", name)
        if key not in self._cache:
            column = self.column(name)
            try:
                self._cache[key] = day_column_of(column)
            except DataError as error:
                raise self._again(name, error) from None
        found: DayColumn = self._cache[key]
        return found

    # ---------------------------------------------------------------------------------- truths

    def truths(self, name: object) -> Mask:
        """Where a column of truth values is true. Null is not.

        Taken from truth values, and from what the reader of CSV files takes for them: 0 and 1,
        also as text, and "true" and "false" in any case. Text that is empty is null. Read-only.

        Raises
        ------
        DataError
            Another value, whose row is named, or dates.
        """
        key = ("truths", name)
        if key not in self._cache:
            column = self.column(name)
            try:
                self._cache[key] = frozen(truths_of(column))
            except DataError as error:
                raise self._again(name, error) from None
        found: Mask = self._cache[key]
        return found

    # ------------------------------------------------------------------------------------- key

    def key(self, name: object) -> Key:
        """A column as part of a key.

        Whole numbers and truth values of any width, and doubles that hold only whole numbers up to
        2**53 (pandas makes ids so when one is missing; float32 up to 2**24), become Integers; dates
        become Integers of days; text stays text, with blank values (empty, or white space only)
        null; categories keep their codes.

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
        if name in self._keys:
            _, instead = self._keys[name]
            return instead
        key = ("key", name)
        if key not in self._cache:
            in_place = key_in_place(self._raw[name]) if self._known(name) else None
            if in_place is not None:
                self._cache[key] = in_place
                return in_place
            column = self.column(name)
            try:
                self._cache[key] = key_of(column)
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
        conditions = self.conditions(filter)
        return mask_of(*conditions) if conditions else np.ones(self.n_rows, np.bool_)

    def conditions(self, filter: Mapping[Any, Any]) -> list[Within]:
        """The conditions of a filter of `mask`, all of which its rows meet."""
        if not isinstance(filter, Mapping):
            raise DataError(
                f"a filter of {self.role} must be a mapping of columns to values, "
                f"not {type(filter).__name__}"
            )
        found = []
        for name, condition in filter.items():
            column = self.column(name)
            try:
                found.append(condition_of(column, condition))
            except DataError as error:
                raise self._again(name, error) from None
        return found

    def groups(
        self,
        by: Any,
        derived: Mapping[str, Any] | None = None,
        derivable: Sequence[str] = (),
        use: Mask | None = None,
    ) -> Groups:
        """Sort the rows into groups.

        Parameters
        ----------
        by : name, array, list of them, or mapping of a name to an array
            An array has n_rows values. In a list a Series gives the group column its name, another
            array is called "by", "by_2" and so on by its place in the list.
        derived : mapping of a name to an array or its Levels, optional
            Columns that `by` may name where the table has none of the name.
        derivable : sequence of str
            The names of all such columns, for who misspells one.
        use : ndarray of bool, optional
            Only groups with a row that is used; the codes of the other rows mean nothing then.

        Returns
        -------
        Groups

        Raises
        ------
        DataError
            An unknown column, a wrong length, or a name that appears twice.
        """
        parts: dict[str, Levels] = {}
        if isinstance(by, pd.DataFrame):
            by = {name: by[name] for name in by.columns}
        if isinstance(by, Mapping):
            parts = {str(name): self._group_array(str(name), item) for name, item in by.items()}
        else:
            for position, item in enumerate(_as_list(by, self), start=1):
                name, levels = self._group_part(item, derived or {}, derivable, position)
                if name in parts:
                    raise DataError(f"{self.role}: the group column {name!r} is given twice")
                parts[name] = levels
        if not parts:
            raise DataError("by names no column")
        return groups_of(parts, self.n_rows, use)

    def _group_part(
        self, item: Any, derived: Mapping[str, Any], derivable: Sequence[str], position: int
    ) -> tuple[str, Levels]:
        if isinstance(item, str) or self._known(item):
            if not self._known(item):
                if item not in derived:
                    raise self._unknown(item, derivable)
                return str(item), self._group_array(str(item), derived[item])
            return str(item), self._levels(item)
        name = getattr(item, "name", None)
        if name is None:
            name = "by" if position == 1 else f"by_{position}"
        return str(name), self._group_array(str(name), item)

    def _levels(self, name: object) -> Levels:
        """The levels of a column, worked out once: many figures go by the same few columns."""
        key = ("levels", name)
        if key not in self._cache:
            column = self.column(name)
            try:
                self._cache[key] = levels_of(column)
            except DataError as error:
                raise self._again(name, error) from None
        found: Levels = self._cache[key]
        return found

    def _group_array(self, name: str, values: Any) -> Levels:
        if isinstance(values, Levels):
            return values
        if isinstance(values, pd.Series):
            if self.labels is not None and not values.index.equals(self.labels):
                raise DataError(
                    f"the group column {name!r} has other row labels than {self.role}; give it the "
                    "same index, or .to_numpy() to go by position"
                )
            values = _spelled(values)
        try:
            column = column_of(values)
        except DataError as error:
            raise self._again(name, error) from None
        if len(column) != self.n_rows:
            raise DataError(
                f"the group column {name!r} has {len(column)} values, but {self.role} has "
                f"{self.n_rows} rows"
            )
        try:
            return levels_of(column)
        except DataError as error:
            raise self._again(name, error) from None


def _spelled(series: pd.Series) -> pd.Series:
    """A Series of intervals (as of pandas.cut) or periods as their names, in their order."""
    if isinstance(series.dtype, pd.PeriodDtype):
        return series.astype(str).where(series.notna(), None)
    if isinstance(series.dtype, pd.CategoricalDtype) and isinstance(
        series.cat.categories.dtype, pd.IntervalDtype
    ):
        names = [str(interval) for interval in series.cat.categories]
        return series.cat.rename_categories(names)
    return series


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
    return (
        isinstance(
            item,
            np.ndarray
            | pd.Series
            | pd.Index
            | Text
            | list
            | tuple
            | pd.api.extensions.ExtensionArray,
        )
        or hasattr(item, "__arrow_c_array__")
        or hasattr(item, "__arrow_c_stream__")
    )
