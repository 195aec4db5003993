"""Rows in groups: a code for each row, and a small table of the groups."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import _core
from rereferral.errors import RuleError
from rereferral.kinds import Mask

__all__ = ["Groups", "beside"]


class Groups:
    """The group of each row.

    Parameters
    ----------
    codes : ndarray of int32, shape (n_rows,)
        Number of the row's group, from 0.
    frame : DataFrame, n_groups rows
        The distinct groups in the order of their codes, a column for each key.
    """

    def __init__(self, codes: npt.NDArray[np.int32], frame: pd.DataFrame) -> None:
        self._codes = codes
        self._frame = frame

    @property
    def codes(self) -> npt.NDArray[np.int32]:
        """Number of each row's group."""
        return self._codes

    @property
    def frame(self) -> pd.DataFrame:
        """The distinct groups, by number."""
        return self._frame

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.frame)

    def tally(
        self, use: Mask | None, hit: Mask
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """By group, the rows in use (None: all are), and those of them whose `hit` is set."""
        n, hits = np.empty(self.n_groups, np.int64), np.empty(self.n_groups, np.int64)
        _core.tally(self.codes, use, hit, n, hits)
        return n, hits


def beside(
    groups: Groups | None, table: pd.DataFrame, rows: npt.NDArray[np.int32] | None = None
) -> pd.DataFrame:
    """Put the group columns before the columns of a result.

    Parameters
    ----------
    groups : Groups or None
        None leaves the table as it is.
    table : DataFrame
        A row for each group, or for each element of `rows`.
    rows : ndarray of int, or None
        The group of each row of the table.

    Raises
    ------
    RuleError
        A group column has the name of a column of the table.
    """
    if groups is None:
        return table
    for name in groups.frame.columns:
        if name in table.columns:
            raise RuleError(f"by: a key is named {name!r}, as a column of the table is; rename it")
    columns: dict[object, object] = {}
    for name in groups.frame.columns:
        values = groups.frame[name].array
        columns[name] = values if rows is None else values.take(rows)
    return pd.DataFrame(columns | dict(table.items()), copy=False)
