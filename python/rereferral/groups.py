"""Rows in groups: a code for each row, and a small table of the groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

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
