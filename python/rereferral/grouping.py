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

__all__ = ["Levels", "groups_of", "levels_of"]

_MOST = np.iinfo(np.int32).max

Ranks = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Levels:
    """One group column: the rank of each row among the sorted distinct values; null is the last."""

    ranks: Ranks
    values: Any  # a pandas array, in order


def levels_of(column: Column) -> Levels:
    """The ranks of a column, which cannot be written to."""
    levels = _null_last(_levels_of(column))
    levels.ranks.flags.writeable = False
    return levels


def groups_of(parts: dict[str, Levels], n_rows: int) -> Groups:
    """`Table.groups` of columns whose levels are at hand."""
    frame: dict[str, Any] = {}
    codes: npt.NDArray[Any] = np.zeros(n_rows, np.int32)
    size = min(n_rows, 1)
    for name, levels in parts.items():
        ranks, values = levels.ranks, levels.values
        # Groups of the columns so far times values of this one: after each column no more than
        # there are rows, so the product never overflows.
        wide = np.dtype(np.int32 if size * len(values) <= _MOST else np.int64)
        if size > 1:
            codes = codes.astype(wide, copy=False) * wide.type(len(values)) + ranks
        else:
            codes = ranks
        codes, kept = _close_up(codes, size * len(values))
        frame = {earlier: held.take(kept // len(values)) for earlier, held in frame.items()}
        frame[name] = values.take(kept % len(values)) if len(values) else values
        size = len(kept)
    return Groups(codes.astype(np.int32, copy=False), pd.DataFrame(frame, index=range(size)))


def _null_last(levels: Levels) -> Levels:
    """Levels in which null, so far of rank -1, is the last value where there is one."""
    null = levels.ranks < 0
    if not null.any():
        return Levels(levels.ranks.view(), levels.values)
    n = len(levels.values)
    values = levels.values
    if isinstance(values, pd.arrays.NumpyExtensionArray):
        values = pd.array(values.to_numpy())  # boolean, Int64, Float64: these have a null
    ranks = np.where(null, np.int32(n), levels.ranks)
    return Levels(ranks, values.take([*range(n), -1], allow_fill=True))


def _close_up(codes: npt.NDArray[Any], size: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Codes below `size` without gaps, in the same order, and the old code of each new one."""
    if size > min(max(4 * len(codes), 1 << 16), _MOST):
        kept, closed = np.unique(codes, return_inverse=True)
        return closed, kept.astype(np.int64)
    kept = np.flatnonzero(_seen(codes, None, size))
    if len(kept) == size:
        return codes, kept
    return _look_up(_places(kept, size), codes), kept


def _seen(codes: npt.NDArray[Any], use: Mask | None, size: int) -> npt.NDArray[np.bool_]:
    """Which codes below `size` occur."""
    seen = np.empty(size, np.bool_)
    _core.codes_seen(np.ascontiguousarray(codes, np.int32), use, seen)
    return seen


def _places(kept: npt.NDArray[np.int64], size: int) -> Ranks:
    """Where each number below `size` stands in `kept`; of use only for those that do."""
    if len(kept) > _MOST:
        raise DataError(f"{len(kept)} groups are too many")
    places = np.empty(size, np.int32)
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
        ranks = _look_up(_places(order, len(order)), codes)
        return Levels(ranks, pd.array(labels, dtype=pd.StringDtype("python")))
    if isinstance(column, Dates | Days):
        days = days_of(column)
        ranks, found = _ranks_of(days, days != NULL_DAY)
        return Levels(ranks, pd.array(found.view("M8[D]").astype("M8[s]"), dtype="M8[s]"))
    if column.values.dtype.kind == "b":
        ranks, found = _ranks_of(column.values.view(np.uint8), column.valid)
        found = found.astype(np.bool_)
    else:
        ranks, found = _ranks_of(column.values, column.valid)
    return Levels(ranks, pd.array(found, dtype=found.dtype))


def _ranks_of(values: npt.NDArray[Any], valid: Mask | None) -> tuple[Ranks, npt.NDArray[Any]]:
    """Ranks and the sorted distinct values of numbers; NaN is null."""
    some = values if valid is None else values[valid]
    if len(some) and values.dtype.kind in "iu":
        low, high = int(some.min()), int(some.max())
        if high - low < min(max(2 * len(values), 1 << 16), _MOST):  # a table, instead of a hash
            wide = np.dtype(np.uint64 if values.dtype == np.uint64 else np.int64)
            codes = np.subtract(values, wide.type(low), dtype=wide).astype(np.int32)
            codes = codes if valid is None else np.where(valid, codes, np.int32(-1))
            kept = np.flatnonzero(_seen(codes, valid, high - low + 1))
            found = (kept.astype(wide) + wide.type(low)).astype(values.dtype)
            return _look_up(_places(kept, high - low + 1), codes), found
    codes, found = pd.factorize(some)
    order = np.argsort(found)
    ranks = _look_up(_places(order, len(order)), codes)
    if valid is not None:
        every = np.full(len(values), -1, np.int32)
        every[valid] = ranks
        ranks = every
    return ranks, found[order]


def _levels_of_categories(column: Categories) -> Levels:
    """By value; or in the order of the categories, where they carry one and are distinct."""
    inner = _levels_of(column.values)
    if not column.ordered or len(inner.values) != len(column.values):
        return Levels(_look_up(inner.ranks, column.codes), inner.values)
    labels = pd.Index(inner.values.take(inner.ranks))
    values = pd.Categorical.from_codes(np.arange(len(labels)), categories=labels, ordered=True)
    return Levels(column.codes.astype(np.int32, copy=False), values)
