"""Rows in groups: a code for each row, and a small table of the groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral import _core
from rereferral.errors import RuleError

__all__ = ["Groups", "beside"]


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

    def with_rows(self, use: npt.NDArray[np.bool_]) -> Groups:
        """Only the groups with a row that is used; the codes of the other rows mean nothing then.

        Parameters
        ----------
        use : ndarray of bool, shape (n_rows,)
            The rows to go by.
        """
        present = np.empty(self.n_groups, np.bool_)
        _core.codes_seen(self.codes, use, present)
        if present.all():
            return self
        closed_up = np.maximum(np.cumsum(present) - 1, 0).astype(np.int32)
        codes = np.empty(len(self.codes), np.int32)
        _core.codes_map(self.codes, closed_up, -1, codes)
        return Groups(codes, self.frame[present].reset_index(drop=True))


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
