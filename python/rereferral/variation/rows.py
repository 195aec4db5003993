"""Counts and what they are parts of, of areas or of years, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.errors import DataError, RuleError
from rereferral.small_tables import column_of, small_table
from rereferral.symbols import SYMBOLS, numbers

__all__ = ["Rows", "read_rows"]

Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows with both numbers.

    Attributes
    ----------
    names : DataFrame
        The columns that name the rows.
    count, of : ndarray of float64, shape (rows,)
        The count, and what it is a part of, above 0.
    missing : DataFrame
        The rows without, by name, and why: ``reason``.
    """

    names: pd.DataFrame
    count: Floats
    of: Floats
    missing: pd.DataFrame

    @property
    def rate(self) -> Floats:
        """From 0 to 1."""
        return self.count / self.of

    def labels(self) -> list[str]:
        """Each row's name as text."""
        return [", ".join(map(str, cells)) for cells in self.names.itertuples(index=False)]


def read_rows(table: Any, count: str, of: str, by: str | Sequence[str]) -> Rows:
    """The rows of a table of counts that have both numbers.

    Parameters
    ----------
    table : DataFrame or other small table
        A row for each area or year: what `Links.rates` gives, or counts of one's own. Symbols (c,
        x, z, u, low) and empty fields are rows without.
    count, of : str
        Columns of the two counts.
    by : str or sequence of str
        The columns that name the rows.

    Raises
    ------
    DataError
        A column is not there, a name stands there twice, a count is negative or above what it is a
        part of, a cell holds no number and no known symbol, or no row has both numbers.
    """
    given = small_table(table, "the table")
    keys = [by] if isinstance(by, str) else list(by)
    if not keys:
        raise RuleError("by names no columns")
    for name in (count, of, *keys):
        column_of(given, name, "the table")
    names = given[keys]
    twice = names.duplicated()

    def name_of(row: int) -> str:
        return ", ".join(map(str, names.iloc[row]))

    if twice.any():
        raise DataError(f"{name_of(int(np.flatnonzero(twice)[0]))} stands in the table twice")
    top, bottom = (numbers(given[name], name, name_of) for name in (count, of))
    for name, (values, _) in ((count, top), (of, bottom)):
        for row in np.flatnonzero(values < 0).tolist():
            raise DataError(f"{name} of {name_of(row)} is {values[row]:g}")
    for row in np.flatnonzero(top[0] > bottom[0]).tolist():
        raise DataError(
            f"{count} of {name_of(row)} is {top[0][row]:g}, above its {of} of {bottom[0][row]:g}"
        )
    use = np.isfinite(top[0]) & (bottom[0] > 0)
    if not use.any():
        raise DataError(f"no row has both {count} and {of}")
    missing = names[~use].copy()
    missing["reason"] = [
        _reason(row, ((count, *top), (of, *bottom))) for row in np.flatnonzero(~use).tolist()
    ]
    return Rows(names[use].reset_index(drop=True), top[0][use], bottom[0][use], missing)


def _reason(row: int, columns: Sequence[tuple[str, Floats, dict[int, str]]]) -> str:
    for name, values, symbols in columns:
        if np.isnan(values[row]):
            symbol = symbols.get(row, "")
            return f"{name} is {SYMBOLS[symbol]} ({symbol})" if symbol else f"{name} is empty"
    return f"{columns[1][0]} is 0"
