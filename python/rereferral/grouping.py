"""Columns of a table to the groups of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.dates import days_of
from rereferral.errors import DataError
from rereferral.groups import Groups
from rereferral.kinds import NULL_DAY, Categories, Column, Dates, Days, Numbers
from rereferral.text import Text

__all__ = ["groups_of"]


@dataclass(frozen=True)
class _Levels:
    """One group column: codes into sorted distinct values, of which the last may stand for null."""

    codes: npt.NDArray[np.integer[Any]]
    values: Any  # a pandas array or Series of the levels, null among them
    size: int


def groups_of(parts: dict[str, Column], n_rows: int) -> Groups:
    """`Table.groups` of columns that are at hand."""
    levels: dict[str, _Levels] = {}
    for name, column in parts.items():
        try:
            levels[name] = _levels_of(column)
        except DataError as error:
            error.column = name
            raise
    combined = np.zeros(n_rows, np.int64)
    size = 1
    sizes = list(levels.values())
    # Which combinations exist is told by codes of earlier columns; they are closed up whenever the
    # product of the sizes would outgrow the rows, so it never overflows.
    steps: list[tuple[npt.NDArray[np.int64], int]] = []
    for part in sizes:
        combined *= part.size
        combined += part.codes
        combined, kept = _close_up(combined, size * part.size)
        steps.append((kept, part.size))
        size = len(kept)
    frame = {}
    at = np.arange(size)
    for (name, part), (kept, width) in zip(reversed(levels.items()), reversed(steps), strict=True):
        at = kept[at]
        frame[name] = _take(part.values, at % width)
        at = at // width
    ordered = pd.DataFrame({name: frame[name] for name in levels}, index=range(size))
    if size > np.iinfo(np.int32).max:
        raise DataError(f"{size} groups are too many")
    return Groups(combined.astype(np.int32), ordered)


def _close_up(
    codes: npt.NDArray[np.int64], size: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Codes below `size` without gaps, in the same order, and the old code of each new one."""
    if size <= max(4 * len(codes), 1 << 16):
        seen = np.zeros(size, np.bool_)
        seen[codes] = True
        kept = np.flatnonzero(seen)
        if len(kept) == size:
            return codes, kept
        new = np.cumsum(seen, dtype=np.int64) - 1
        return new[codes], kept
    kept, closed = np.unique(codes, return_inverse=True)
    return closed.astype(np.int64, copy=False), kept


def _take(values: Any, rows: npt.NDArray[np.int64]) -> Any:
    return values.take(rows)


def _levels_of(column: Column) -> _Levels:
    if isinstance(column, Categories):
        return _levels_of_categories(column)
    if isinstance(column, Text):
        codes, distinct = column.codes()
        values = np.array(list(distinct), dtype=object)
        order = np.array(sorted(range(len(values)), key=values.__getitem__), np.int64)
        return _ranked(codes, order, pd.array(values[order], dtype=pd.StringDtype("python")))
    if isinstance(column, Dates | Days):
        days = days_of(column)
        codes, found = pd.factorize(days)
        order = np.argsort(found)
        if len(found) and found[order[0]] == NULL_DAY:  # null sorts last here
            codes = np.where(codes == order[0], np.int64(-1), codes)
            order = order[1:]
            shift = np.empty(len(found), np.int64)
            shift[order] = np.arange(len(order))
            ranks = np.append(shift, len(order))
            return _Levels(ranks[codes], _with_null(_day_values(found[order])), len(order) + 1)
        return _ranked(codes, order, _day_values(found[order]))
    return _levels_of_numbers(column)


def _day_values(days: npt.NDArray[np.int64]) -> Any:
    return pd.array(days.view("M8[D]").astype("M8[s]"), dtype=np.dtype("M8[s]"))


def _levels_of_numbers(column: Numbers) -> _Levels:
    values, valid = column.values, column.valid
    codes, found = pd.factorize(values)
    used = np.ones(len(found), np.bool_)
    if valid is not None:
        codes = np.where(valid, codes, -1)
        used[:] = False
        used[codes[codes >= 0]] = True
    order = np.argsort(found, kind="stable")
    order = order[used[order]]
    ranks = np.full(len(found) + 1, len(order), np.int64)
    ranks[order] = np.arange(len(order))
    levels = found[order]
    null = bool((codes < 0).any())
    extension = pd.array(levels)  # Int64, Float64 or boolean, which can hold a null
    if not null:
        extension = pd.array(levels, dtype=levels.dtype)
    return _Levels(ranks[codes], _with_null(extension) if null else extension, len(order) + null)


def _ranked(
    codes: npt.NDArray[np.integer[Any]], order: npt.NDArray[np.int64], values: Any
) -> _Levels:
    """Levels from codes by appearance, the order that sorts them, and the sorted values."""
    ranks = np.empty(len(order) + 1, np.int64)
    ranks[order] = np.arange(len(order))
    ranks[-1] = len(order)  # where code -1 lands
    null = bool((codes < 0).any())
    return _Levels(ranks[codes], _with_null(values) if null else values, len(order) + null)


def _with_null(values: Any) -> Any:
    return values.take([*range(len(values)), -1], allow_fill=True)


def _levels_of_categories(column: Categories) -> _Levels:
    inner = _levels_of(column.values)
    codes = column.codes
    if column.ordered:
        inner_null = (
            inner.codes == inner.size - 1 if bool(pd.isna(inner.values[-1:]).any()) else None
        )
        if inner_null is None and inner.size == len(column.values):
            back = np.empty(inner.size, np.int64)
            back[inner.codes] = np.arange(inner.size)
            labels = inner.values.take(inner.codes)
            values = pd.Categorical.from_codes(
                np.arange(inner.size), categories=pd.Index(labels), ordered=True
            )
            null = bool((codes < 0).any())
            ranks = np.append(np.arange(inner.size), inner.size)
            return _Levels(ranks[codes], _with_null(values) if null else values, inner.size + null)
    has_null = inner.size > 0 and bool(pd.isna(inner.values[-1:]).any())
    null = bool((codes < 0).any())
    if null and not has_null:
        values, size = _with_null(inner.values), inner.size + 1
    else:
        values, size = inner.values, inner.size
    ranks = np.append(inner.codes, size - 1)
    return _Levels(ranks[codes], values, size)
