"""Columns of a table to the groups of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import _core
from rereferral.dates import days_of
from rereferral.days import NULL_DAY
from rereferral.errors import DataError
from rereferral.groups import Groups
from rereferral.kinds import Categories, Column, Dates, Days, Mask
from rereferral.text import Text

__all__ = ["Levels", "codes_in_use", "groups_of", "levels_of"]

_MOST = np.iinfo(np.int32).max
_MOST_JOINED = 60  # columns that the core joins at once, less some
_HEAD = 1 << 16  # rows in which a few hundred values occur, if the table is in no order

Ranks = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Levels:
    """One group column: codes of the rows, and the rank of each code among the sorted values."""

    codes: npt.NDArray[Any]  # of 8, 16 or 32 bits; -1 where null
    to: Ranks  # by code
    values: Any  # a pandas array, in order; null is the last where there is one

    @property
    def ranks(self) -> Ranks:
        """The rank of each row; -1 where null."""
        return _look_up(self.to, self.codes)

    @property
    def for_core(self) -> tuple[npt.NDArray[Any], Ranks, int, int]:
        """The column as the core joins it."""
        return self.codes, self.to, len(self.values) - 1, len(self.values)


def levels_of(column: Column) -> Levels:
    """The levels of a column, whose codes cannot be written to."""
    levels = _levels_of(column)
    codes = levels.codes.view()
    codes.flags.writeable = False
    values = levels.values
    if len(codes) and codes.min() < 0:
        if isinstance(values, pd.arrays.NumpyExtensionArray):
            values = pd.array(values.to_numpy())  # boolean, Int64, Float64: these have a null
        values = values.take([*range(len(values)), -1], allow_fill=True)
    return Levels(codes, levels.to, values)


def groups_of(parts: dict[str, Levels], n_rows: int, use: Mask | None = None) -> Groups:
    """`Table.groups` of columns whose levels are at hand."""
    frame: dict[str, Any] = {}
    so_far: list[tuple[npt.NDArray[Any], Ranks, int, int]] = []
    codes = np.zeros(n_rows, np.int32)
    size = 1
    left = list(parts.items())
    while left:
        # All columns at once where their product is small. Otherwise one at a time: groups so far
        # times values of one more are no more than rows times rows, which fit 64 bits.
        some: dict[str, Levels] = {}
        product = size
        while left and len(some) < _MOST_JOINED:
            name, levels = left[0]
            if some and product * len(levels.values) > _few(n_rows):
                break
            some[name] = levels
            product *= len(levels.values)
            del left[0]
        columns = [*so_far, *(levels.for_core for levels in some.values())]
        codes, kept = _joined(columns, n_rows, product, None if left else use)
        taken = {}
        for name, levels in reversed(some.items()):
            n = max(len(levels.values), 1)
            kept, rank = kept // n, kept % n
            taken[name] = levels.values.take(rank)
        frame = {name: held.take(kept) for name, held in frame.items()}
        frame |= {name: taken[name] for name in some}
        size = len(kept)
        so_far = [(codes, np.arange(size, dtype=np.int32), -1, size)]
    return Groups(codes, pd.DataFrame(frame, index=range(size)))


def _few(n_rows: int) -> int:
    """So many groups that a table of them is small beside the rows."""
    return min(max(4 * n_rows, 1 << 16), _MOST)


def _joined(
    columns: list[tuple[npt.NDArray[Any], Ranks, int, int]],
    n_rows: int,
    size: int,
    use: Mask | None,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Columns as one without gaps, and the number below `size` that each new code stands for.

    Only numbers of rows in use are kept; the codes of other rows mean nothing then.
    """
    if size <= _few(n_rows):
        codes, seen = np.empty(n_rows, np.int32), np.empty(size, np.bool_)
        _core.codes_join(columns, use, codes, seen)
        return _closed_up(codes, seen)
    wide = np.zeros(n_rows, np.int64)
    for column, to, null, n in columns:
        wide = wide * n + np.append(to, np.int32(null))[column]
    found, inverse = np.unique(wide, return_inverse=True)
    if len(found) > _MOST:
        raise DataError(f"{len(found)} groups are too many")
    codes = inverse.astype(np.int32)
    codes, kept = _closed_up(codes, _seen(codes, use, len(found)))
    return codes, found[kept]


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


def _closed_up(
    codes: npt.NDArray[np.int32], seen: Mask
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
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


def _levels_of(column: Column) -> Levels:
    if isinstance(column, Categories):
        return _levels_of_categories(column)
    if isinstance(column, Text):
        codes, distinct = column.codes()
        order = distinct.order()
        labels = distinct.take(order).to_numpy()
        to = _places(order, len(order))
        return Levels(_as_codes(codes), to, pd.array(labels, dtype=pd.StringDtype("python")))
    if isinstance(column, Dates | Days):
        days = days_of(column)
        codes, to, found = _codes_of(days, days != NULL_DAY)
        return Levels(codes, to, pd.array(found.view("M8[D]").astype("M8[s]"), dtype="M8[s]"))
    if column.values.dtype.kind == "b":
        codes, to, found = _codes_of(column.values.view(np.uint8), column.valid)
        found = found.astype(np.bool_)
    else:
        codes, to, found = _codes_of(column.values, column.valid)
    return Levels(codes, to, pd.array(found, dtype=found.dtype))


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


def _levels_of_categories(column: Categories) -> Levels:
    """By value; or in the order of the categories, where they carry one and are distinct."""
    inner = _levels_of(column.values)
    ranks, codes = inner.ranks, _as_codes(column.codes)
    if column.ordered and len(inner.values) == len(column.values):
        labels = pd.Index(inner.values.take(ranks))
        values = pd.Categorical.from_codes(np.arange(len(labels)), categories=labels, ordered=True)
        return Levels(codes, np.arange(len(labels), dtype=np.int32), values)
    if len(ranks) and ranks.min() < 0:  # a category that is null
        codes, ranks = _look_up(ranks, codes), np.arange(len(inner.values), dtype=np.int32)
    return Levels(codes, ranks, inner.values)
