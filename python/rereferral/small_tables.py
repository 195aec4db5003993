"""Tables of hundreds of rows: a row for each area or year, as users hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from rereferral.errors import DataError

__all__ = ["column_of", "small_table"]


def small_table(table: Any, name: str) -> pd.DataFrame:
    """A table of hundreds of rows as a DataFrame with rows from 0 on.

    Parameters
    ----------
    table : DataFrame, dict of columns, or anything with ``to_pandas()``
        As the user gives it; it is not changed.
    name : str
        What the table is, for messages.

    Raises
    ------
    DataError
        It is no table.
    """
    if isinstance(table, pd.DataFrame):
        # What `groupby` puts into the index says what a row is about.
        named = [label for label in table.index.names if label not in (None, *table.columns)]
        return table.reset_index(level=named).reset_index(drop=True)
    if isinstance(table, Mapping):
        return pd.DataFrame(dict(table))
    if hasattr(table, "to_pandas"):
        return pd.DataFrame(table.to_pandas()).reset_index(drop=True)
    raise DataError(f"{name} is a {type(table).__name__}, not a table")


def column_of(table: pd.DataFrame, column: str, name: str) -> pd.Series:
    """A column of a table; `name` is what the table is, for messages.

    Raises
    ------
    DataError
        There is no such column, or more than one.
    """
    if column not in table.columns:
        have = ", ".join(map(str, table.columns))
        raise DataError(f'{name} has no column "{column}"; it has {have}')
    found = table[column]
    if isinstance(found, pd.DataFrame):
        raise DataError(f'{name} has the column "{column}" {found.shape[1]} times')
    return found
