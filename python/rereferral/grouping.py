"""Columns of a table to the groups of its rows.

The ranks of a row's values, one a column, are joined to one number; numbers without a row are
dropped. Columns are read as they are held, days too: what follows from a day is looked up while
columns are joined, and is never written by row. Nor is the number of a row, where only counts are
asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import _core
from rereferral.columns import column_of
from rereferral.dates import days_of
from rereferral.day_columns import DayColumn
from rereferral.days import NULL_DAY
from rereferral.errors import DataError
from rereferral.groups import Groups
from rereferral.kinds import Categories, Column, Dates, Days, Mask
from rereferral.text import Text

__all__ = ["Levels", "codes_in_use", "groups_of", "levels_by_day", "levels_of"]

_MOST = np.iinfo(np.int32).max
_MOST_JOINED = 60  # columns that the core joins at once, less some
_HEAD = 1 << 16  # rows in which a few hundred values occur, if the table is in no order
_CENTURY = 36_524  # days, so few that a table of them is small

Codes: TypeAlias = npt.NDArray[Any]  # of 8, 16 or 32 bits; -1 where null
Ranks: TypeAlias = npt.NDArray[np.int32]
Counts: TypeAlias = npt.NDArray[np.int64]
Coded: TypeAlias = tuple[Any, Ranks, int, int]  # a column as the core joins it


@dataclass(frozen=True)
class Levels:
    """One group column: codes of the rows, and the rank of each code among the sorted values."""

    codes: Codes | DayColumn  # the code of a day is its distance from the first
    to: Ranks  # by code
    values: Any  # a pandas array, in order; null is the last where there is one

    @property
    def for_core(self) -> Coded:
        """The column as the core joins it."""
        held = self.codes.for_core if isinstance(self.codes, DayColumn) else self.codes
        return held, self.to, len(self.values) - 1, len(self.values)


def levels_of(column: Column) -> Levels:
    """The levels of a column, whose codes cannot be written to."""
    held, to, values = _levels_of(column)
    codes = held.view()
    codes.flags.writeable = False
    return Levels(codes, to, _with_null(values) if len(codes) and codes.min() < 0 else values)


def levels_by_day(days: DayColumn, of: Callable[[npt.NDArray[np.int64]], Any]) -> Levels:
    """The levels of what `of` makes of days: of each day once, where there are not too many."""
    if days.last < days.first or days.last - days.first > _CENTURY:
        return levels_of(column_of(of(days.days)))
    codes, to, values = _levels_of(column_of(of(np.arange(days.first, days.last + 1))))
    return Levels(days, _look_up(to, codes), _with_null(values) if days.n_null else values)


def _with_null(values: Any) -> Any:
    if isinstance(values, pd.arrays.NumpyExtensionArray):
        values = pd.array(values.to_numpy())  # boolean, Int64, Float64: these have a null
    return values.take([*range(len(values)), -1], allow_fill=True)


def groups_of(parts: dict[str, Levels], n_rows: int, use: Mask | None = None) -> Groups:
    """`Table.groups` of columns whose levels are at hand."""
    values: dict[str, Any] = {}
    so_far: list[Coded] = []
    size = 1
    left = list(parts.items())
    while True:
        # All columns at once where their product is small. Otherwise one at a time: groups so far
        # times values of one more are no more than rows times rows, which fit 64 bits.
        some: dict[str, Levels] = {}
        while left and len(some) < _MOST_JOINED:
            name, levels = left[0]
            if some and size * len(levels.values) > _few(n_rows):
                break
            some[name] = levels
            size *= len(levels.values)
            del left[0]
        columns = [*so_far, *(levels.for_core for levels in some.values())]
        values_of = partial(_values_of, some, values)
        if not left:
            return _Joined(columns, size, n_rows, use, values_of)
        codes, kept = _joined(columns, n_rows, size, None)
        values, size = values_of(kept), len(kept)
        so_far = [(codes, np.arange(size, dtype=np.int32), -1, size)]


def _values_of(some: dict[str, Levels], before: dict[str, Any], numbers: Counts) -> dict[str, Any]:
    """The values that numbers stand for: of columns joined before, and of some behind them."""
    taken = {}
    for name, levels in reversed(some.items()):
        n = max(len(levels.values), 1)
        numbers, rank = numbers // n, numbers % n
        taken[name] = levels.values.take(rank)
    values = {name: held.take(numbers) for name, held in before.items()}
    return values | {name: taken[name] for name in some}


class _Joined(Groups):
    """Groups of columns, which are joined when something is asked of them."""

    def __init__(
        self,
        columns: list[Coded],
        size: int,
        n_rows: int,
        use: Mask | None,
        values_of: Callable[[Counts], dict[str, Any]],
    ) -> None:
        self._columns = columns
        self._size = size
        self._n_rows = n_rows
        self._use = use
        self._values_of = values_of
        self._kept: Counts | None = None  # the number of each group

    @cached_property
    def codes(self) -> Ranks:
        codes, self._kept = _joined(self._columns, self._n_rows, self._size, self._use)
        return codes

    @cached_property
    def frame(self) -> pd.DataFrame:
        if self._kept is None:
            _ = self.codes
        assert self._kept is not None
        return pd.DataFrame(self._values_of(self._kept), index=range(len(self._kept)))

    def tally(self, use: Mask | None, hit: Mask) -> tuple[Counts, Counts]:
        if "codes" in self.__dict__ or self._size > _small(self._n_rows):
            return super().tally(use, hit)
        n, hits = np.empty(self._size, np.int64), np.empty(self._size, np.int64)
        seen = np.empty(self._size, np.bool_)
        _core.codes_tally(self._columns, self._use, use, hit, seen, n, hits)
        self._kept = np.flatnonzero(seen)
        return n[self._kept], hits[self._kept]


def _small(n_rows: int) -> int:
    """So many groups that counts of them are small beside the rows."""
    return max(n_rows // 32, 1 << 12)


def _few(n_rows: int) -> int:
    """So many groups that a table of them is small beside the rows."""
    return min(max(4 * n_rows, 1 << 16), _MOST)


def _joined(columns: list[Coded], n_rows: int, size: int, use: Mask | None) -> tuple[Ranks, Counts]:
    """Columns as one without gaps, and the number below `size` that each new code stands for.

    Only numbers of rows in use are kept; the codes of other rows mean nothing then.
    """
    if size <= _few(n_rows):
        return _closed_up(*_numbers(columns, n_rows, size, use))
    wide = np.zeros(n_rows, np.int64)
    for column in columns:
        n_ranks = column[3]
        wide = wide * n_ranks + _numbers([column], n_rows, n_ranks, None)[0]
    found, inverse = np.unique(wide, return_inverse=True)
    if len(found) > _MOST:
        raise DataError(f"{len(found)} groups are too many")
    codes = inverse.astype(np.int32)
    codes, kept = _closed_up(codes, _seen(codes, use, len(found)))
    return codes, found[kept]


def _numbers(columns: list[Coded], n_rows: int, size: int, use: Mask | None) -> tuple[Ranks, Mask]:
    """The numbers of the rows, below `size`, and which of them rows in use have."""
    numbers, seen = np.empty(n_rows, np.int32), np.empty(size, np.bool_)
    _core.codes_join(columns, use, numbers, seen)
    return numbers, seen


def codes_in_use(codes: npt.NDArray[Any], n: int) -> Mask:
    """Which codes below n occur. The first rows tell, where all of them do."""
    head = codes[:_HEAD]
    seen = _codes_below(head, n)
    return seen if seen.all() or len(head) == len(codes) else _codes_below(codes, n)


def _codes_below(codes: npt.NDArray[Any], n: int) -> Mask:
    column = _as_codes(codes), np.arange(n, dtype=np.int32), n, n + 1
    seen = np.empty(n + 1, np.bool_)
    _core.codes_join([column], None, None, seen)
    return seen[:n]


def _closed_up(codes: Ranks, seen: Mask) -> tuple[Ranks, Counts]:
    """Codes without gaps where only some were seen, and the old code of each new one."""
    kept = np.flatnonzero(seen)
    if len(kept) < len(seen):
        _core.codes_map(codes, np.maximum(np.cumsum(seen) - 1, 0).astype(np.int32), -1, codes)
    return codes, kept


def _seen(codes: npt.NDArray[Any], use: Mask | None, size: int) -> npt.NDArray[np.bool_]:
    """Which codes below `size` occur."""
    seen = np.empty(size, np.bool_)
    _core.codes_seen(np.ascontiguousarray(codes, np.int32), use, seen)
    return seen


def _places(kept: npt.NDArray[np.int64], size: int) -> Ranks:
    """Where each number below `size` stands in `kept`; 0 for those that do not."""
    if len(kept) > _MOST:
        raise DataError(f"{len(kept)} groups are too many")
    places = np.zeros(size, np.int32)
    places[kept] = np.arange(len(kept), dtype=np.int32)
    return places


def _look_up(ranks: npt.NDArray[Any], codes: npt.NDArray[Any]) -> Ranks:
    """The rank of each code; code -1 has rank -1."""
    found = np.empty(len(codes), np.int32)
    _core.codes_map(
        np.ascontiguousarray(codes, np.int32), np.ascontiguousarray(ranks, np.int32), -1, found
    )
    return found


# --------------------------------------------------------------------------------- one column


def _levels_of(column: Column) -> tuple[Codes, Ranks, Any]:
    """Codes, the rank of each code, and the sorted values without null."""
    if isinstance(column, Categories):
        return _levels_of_categories(column)
    if isinstance(column, Text):
        codes, distinct = column.codes()
        order = distinct.order()
        labels = distinct.take(order).to_numpy()
        to = _places(order, len(order))
        return _as_codes(codes), to, pd.array(labels, dtype=pd.StringDtype("python"))
    if isinstance(column, Dates | Days):
        days = days_of(column)
        codes, to, found = _codes_of(days, days != NULL_DAY)
        return codes, to, pd.array(found.view("M8[D]").astype("M8[s]"), dtype="M8[s]")
    if column.values.dtype.kind == "b":
        codes, to, found = _codes_of(column.values.view(np.uint8), column.valid)
        found = found.astype(np.bool_)
    else:
        codes, to, found = _codes_of(column.values, column.valid)
    return codes, to, pd.array(found, dtype=found.dtype)


def _as_codes(codes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Codes in a type that the core joins: as narrow as they are, if they are narrow."""
    narrow = codes.dtype in (np.int8, np.int16, np.int32)
    return np.ascontiguousarray(codes, codes.dtype if narrow else np.int32)


def _codes_of(
    values: npt.NDArray[Any], valid: Mask | None
) -> tuple[npt.NDArray[np.int32], Ranks, npt.NDArray[Any]]:
    """Codes, their ranks and the sorted distinct values of numbers; NaN is null."""
    some = values if valid is None else values[valid]
    if len(some) and values.dtype.kind in "iu":
        low, high = int(some.min()), int(some.max())
        if high - low < min(max(2 * len(values), 1 << 16), _MOST):  # a table, instead of a hash
            wide = np.dtype(np.uint64 if values.dtype == np.uint64 else np.int64)
            codes = np.subtract(values, wide.type(low), dtype=wide).astype(np.int32)
            codes = codes if valid is None else np.where(valid, codes, np.int32(-1))
            kept = np.flatnonzero(_seen(codes, valid, high - low + 1))
            found = (kept.astype(wide) + wide.type(low)).astype(values.dtype)
            return codes, _places(kept, high - low + 1), found
    codes, found = pd.factorize(some)
    order = np.argsort(found)
    every = np.full(len(values), -1, np.int32)
    every[slice(None) if valid is None else valid] = codes
    return every, _places(order, len(order)), found[order]


def _levels_of_categories(column: Categories) -> tuple[Codes, Ranks, Any]:
    """By value; or in the order of the categories, where they carry one and are distinct."""
    inner, to, values = _levels_of(column.values)
    ranks, codes = _look_up(to, inner), _as_codes(column.codes)
    if column.ordered and len(values) == len(column.values):
        labels = pd.Index(values.take(ranks))
        values = pd.Categorical.from_codes(np.arange(len(labels)), categories=labels, ordered=True)
        return codes, np.arange(len(labels), dtype=np.int32), values
    if len(ranks) and ranks.min() < 0:  # a category that is null
        codes, ranks = _look_up(ranks, codes), np.arange(len(values), dtype=np.int32)
    return codes, ranks, values
