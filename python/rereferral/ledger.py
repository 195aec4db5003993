"""The ledger: every exclusion with its count, from the rows given to the rows counted."""

from __future__ import annotations

import copy

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["Ledger"]


class Ledger:
    """Counts what each step leaves of the rows of a table, and keeps which rows are left.

    Parameters
    ----------
    table : str
        The name of the table in the ledger: ``"index"`` or ``"events"``.
    n_rows : int
        How many rows were given.

    Attributes
    ----------
    kept : numpy.ndarray of bool
        The rows that are left.
    """

    def __init__(self, table: str, n_rows: int) -> None:
        self.table = table
        self.kept = np.ones(n_rows, np.bool_)
        self._lines = [(table, "given", "rows given", 0, n_rows)]

    @property
    def remaining(self) -> int:
        """How many rows are left."""
        return self._lines[-1][4]

    def remove(self, step: str, reason: str, rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Take rows away; those already gone are not counted twice. Returns what was removed."""
        removed = rows & self.kept
        count = int(np.count_nonzero(removed))
        self.kept &= ~removed
        self._lines.append((self.table, step, reason, count, self.remaining - count))
        return removed

    def copy(self) -> Ledger:
        """The same, to go on with apart."""
        other = copy.copy(self)
        other.kept, other._lines = self.kept.copy(), list(self._lines)
        return other

    @staticmethod
    def frame(*ledgers: Ledger) -> pd.DataFrame:
        """The lines of several ledgers, one after the other.

        Returns
        -------
        pandas.DataFrame
            ``table``, ``step``, ``reason``, ``removed``, ``remaining``.
        """
        lines = [line for ledger in ledgers for line in ledger._lines]
        return pd.DataFrame(lines, columns=["table", "step", "reason", "removed", "remaining"])
