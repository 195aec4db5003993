"""Rows in groups: a code for each row, and a small table of the groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.errors import DataError, RuleError

__all__ = ["Groups", "group_rows"]


@dataclass(frozen=True, eq=False)
class Groups:
    """The group of each row.

    Attributes
    ----------
    codes : ndarray of int32, shape (n_rows,)
        Number of the row's group, from 0.
    frame : DataFrame, n_groups rows
        The distinct groups in the order of their codes, a column for each key.
    """

    codes: npt.NDArray[np.int32]
    frame: pd.DataFrame

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.frame)


def group_rows(by: Any, n_rows: int) -> Groups | None:
    """Number the distinct values of one or several columns, in their sorted order.

    Parameters
    ----------
    by : None, array, Series, list or dict of arrays, or DataFrame
        The keys, each of `n_rows` values. Missing values are a group of their own, the last. A
        list of single values is one key; the keys of a list of arrays take the names of their
        Series, or else ``by`` and ``by_2``, ``by_3``, ...
    n_rows : int
        Rows of the table that is grouped.

    Returns
    -------
    Groups or None
        None where `by` is None: all rows are one group without a name. Otherwise groups that
        occur, and no others; categories come in the order of their categories.

    Raises
    ------
    RuleError
        A key has another number of rows, has more than one dimension, or shares its name.
    DataError
        The values of a key have no order: text among numbers.
    """
    if by is None:
        return None
    columns = _named(by)
    codes: npt.NDArray[np.int64] = np.zeros(n_rows, np.int64)
    frame = pd.DataFrame(index=range(min(n_rows, 1)))
    for name, values in columns.items():
        key, uniques = _number(name, values, n_rows)
        size = max(len(uniques), 1)
        # Below n_rows groups before and n_rows values here: far from 2**63 for any table in memory.
        present, codes = np.unique(codes * size + key, return_inverse=True)
        frame = frame.iloc[present // size].reset_index(drop=True)
        frame[name] = pd.Series(uniques).iloc[present % size].reset_index(drop=True)
    if len(frame) > np.iinfo(np.int32).max:
        raise RuleError(f"by makes {len(frame)} groups, more than can be counted")
    return Groups(codes.astype(np.int32), frame)


def _named(by: Any) -> dict[Any, Any]:
    """Give every key its name."""
    if isinstance(by, pd.DataFrame):
        if not by.columns.is_unique:
            raise RuleError("by has two columns of one name")
        return {name: by[name] for name in by.columns}
    if isinstance(by, Mapping):
        return dict(by)
    listed = isinstance(by, list | tuple)
    if listed and (len(by) == 0 or np.ndim(by[0]) == 0):
        listed = False
    named: dict[Any, Any] = {}
    for position, values in enumerate(by if listed else [by], start=1):
        name = getattr(values, "name", None)
        if name is None:
            name = "by" if position == 1 else f"by_{position}"
        if name in named:
            raise RuleError(f"by has two keys of the name {name!r}: give a dict")
        named[name] = values
    return named


def _number(name: Any, values: Any, n_rows: int) -> tuple[npt.NDArray[np.int64], Any]:
    """Codes of one key in sorted order, missing values last, and the distinct values."""
    if not isinstance(values, pd.Series | pd.Index | pd.api.extensions.ExtensionArray):
        values = pd.Series(values if isinstance(values, list | tuple) else np.asarray(values))
    if np.ndim(values) != 1 or len(values) != n_rows:
        raise RuleError(f"by: key {name!r} has shape {np.shape(values)}, the table {n_rows} rows")
    try:
        codes, uniques = pd.factorize(pd.Series(values)._values, sort=True)
    except TypeError as error:
        raise DataError(f"by: the values of key {name!r} have no order: {error}") from None
    missing = codes < 0
    if missing.any():
        codes = np.where(missing, len(uniques), codes)
        uniques = pd.api.extensions.take(
            uniques, np.append(np.arange(len(uniques)), -1), allow_fill=True
        )
    return codes.astype(np.int64), uniques
