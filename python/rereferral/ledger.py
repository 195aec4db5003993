"""The ledger: every exclusion with its count, from the rows given to the rows counted."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.errors import RuleError

__all__ = ["Ledger", "Mask", "compare_ledgers", "rows_of"]

Mask = npt.NDArray[np.bool_]

_COLUMNS = ["table", "step", "reason", "removed", "remaining"]


def rows_of(left: Mask | None, n_rows: int) -> Mask:
    """The rows that are left as a read-only array, where None says that all are."""
    if left is None:
        left = np.ones(n_rows, np.bool_)
        left.flags.writeable = False
    return left


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
    left : numpy.ndarray of bool, or None
        The rows that are left; None: all. Never written to: a step that leaves out rows makes
        another array, so that this one may be kept.
    """

    def __init__(self, table: str, n_rows: int) -> None:
        self.table = table
        self.left: Mask | None = None
        self._lines = [(table, "given", "rows given", 0, n_rows)]

    @property
    def remaining(self) -> int:
        """How many rows are left."""
        return self._lines[-1][4]

    @property
    def kept(self) -> Mask:
        """The rows that are left as an array, which is read-only."""
        return rows_of(self.left, self._lines[0][4])

    def remove(self, step: str, reason: str, rows: Mask | None) -> None:
        """Take rows away; those already gone are not counted twice. None: no row."""
        remaining = self.remaining
        if rows is not None:
            # Left and not among the rows: of truth values that is the larger.
            left = ~rows if self.left is None else self.left > rows
            remaining = int(np.count_nonzero(left))
            if remaining < self.remaining:
                left.flags.writeable = False
                self.left = left
        self._lines.append((self.table, step, reason, self.remaining - remaining, remaining))

    def copy(self) -> Ledger:
        """The same, to go on with apart."""
        other = copy.copy(self)
        other._lines = list(self._lines)
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
        return pd.DataFrame(lines, columns=_COLUMNS)


def compare_ledgers(
    first: Any, second: Any, names: tuple[str, str] = ("first", "second")
) -> pd.DataFrame:
    """Two ledgers side by side: where they leave out different rows, and how many.

    Parameters
    ----------
    first, second : Links, or DataFrame
        What `link` returned, or its ledger.
    names : pair of str
        What the two are called in the columns.

    Returns
    -------
    pandas.DataFrame
        One row for each line of either ledger, in their order: ``table``, ``step``, ``reason``;
        ``removed_first``, ``remaining_first``, ``removed_second``, ``remaining_second`` (Int64),
        and ``difference``, of the rows removed, second less first, where a line that only one has
        removed none in the other. Lines are the same where table, step and reason are; the nth such
        line goes with the nth. So the differences of a table add up to that of its last lines.

    Raises
    ------
    RuleError
        If something is not a ledger, as that of several windows is not.

    Examples
    --------
    >>> import numpy as np, rereferral as rr
    >>> days = np.array(["2019-01-31", "2019-06-30"], dtype="datetime64[D]")
    >>> closed = {"child": [1, 1], "on": days}
    >>> kw = dict(person="child", index_date="on", event_date="on", observed_until="2020-03-31")
    >>> year, half = rr.link(closed, closed, **kw), rr.link(closed, closed, window="6 months", **kw)
    >>> table = rr.compare_ledgers(year, half, ("12 months", "6 months"))
    >>> table[table["step"] == "follow-up"][["removed_12 months", "removed_6 months", "difference"]]
       removed_12 months  removed_6 months  difference
    4                  1                 0          -1
    """
    sides = []
    for given, name in zip((first, second), names, strict=True):
        table = getattr(given, "ledger", given)
        if not isinstance(table, pd.DataFrame) or list(table.columns) != _COLUMNS:
            raise RuleError(
                f"{type(given).__name__} has no one ledger; give links of one window, or its ledger"
            )
        key = ["table", "step", "reason"]
        table = table.assign(nth=table.groupby(key).cumcount())
        sides.append(table.set_index([*key, "nth"]).add_suffix(f"_{name}"))
    if names[0] == names[1]:
        raise RuleError(f"names must differ; both are {names[0]!r}")
    order = _merged_order(list(sides[0].index), list(sides[1].index))
    together = pd.concat([side.reindex(order) for side in sides], axis=1).astype("Int64")
    removed = [together[f"removed_{name}"].fillna(0) for name in names]
    together["difference"] = removed[1] - removed[0]
    return together.reset_index().drop(columns="nth")


def _merged_order(first: list[Any], second: list[Any]) -> list[Any]:
    """The lines of both, each in its own order; lines of the second behind the one they follow."""
    order = list(first)
    place = 0
    for line in second:
        if line in order:
            place = order.index(line) + 1
        else:
            order.insert(place, line)
            place += 1
    return order
