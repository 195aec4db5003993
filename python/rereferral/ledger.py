"""The ledger: every exclusion with its count, from the rows given to the rows counted."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from rereferral import _core
from rereferral.errors import RuleError
from rereferral.marks import Mask, Within, unmarked

__all__ = ["Ledger", "Mask", "Point", "compare_ledgers", "rows_of"]

_COLUMNS = ["table", "step", "reason", "removed", "remaining"]


def rows_of(left: Mask | None, n_rows: int) -> Mask:
    """The rows that are left as a read-only array, where None says that all are."""
    if left is None:
        left = np.ones(n_rows, np.bool_)
        left.flags.writeable = False
    return left


class Point:
    """A point of a ledger, at which somebody will ask which rows are left; see `Ledger.here`."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger: Ledger | None = ledger
        self._left: Mask | None = None

    @property
    def left(self) -> Mask | None:
        """The rows that are left at this point, as `Ledger.left`."""
        if self._ledger is not None:
            self._ledger._carry_out()
        return self._left

    def _pass(self, left: Mask | None) -> None:
        self._ledger, self._left = None, left


class Step(NamedTuple):
    """A step that waits to be carried out; the rows that stay meet every condition."""

    name: str
    reason: str
    conditions: list[Within]


class Ledger:
    """Counts what each step leaves of the rows of a table, and keeps which rows are left.

    Steps are only noted at first. When somebody asks what is left, all that wait are carried out in
    one pass over the rows. So what a step was given must not be written to afterwards.

    Parameters
    ----------
    table : str
        The name of the table in the ledger: ``"index"`` or ``"events"``.
    n_rows : int
        How many rows were given.
    """

    def __init__(self, table: str, n_rows: int) -> None:
        self.table = table
        self._n_rows = n_rows
        self._left: Mask | None = None
        self._lines = [(table, "given", "rows given", 0, n_rows)]
        self._waiting: list[Step | Point] = []

    @property
    def left(self) -> Mask | None:
        """The rows that are left; None: all.

        Never written to: a step that leaves out rows makes another array, so that this one may be
        kept; one that leaves out none keeps it.
        """
        self._carry_out()
        return self._left

    @property
    def remaining(self) -> int:
        """How many rows are left."""
        self._carry_out()
        return self._lines[-1][4]

    @property
    def kept(self) -> Mask:
        """The rows that are left as an array, which is read-only."""
        return rows_of(self.left, self._n_rows)

    def keep(self, step: str, reason: str, *rows: Within | None) -> None:
        """Take away what does not meet all of some conditions; None: every row meets it.

        Rows that are already gone are not counted twice.
        """
        self._waiting.append(Step(step, reason, [one for one in rows if one is not None]))

    def remove(self, step: str, reason: str, rows: Mask | None) -> None:
        """Take rows away; None: no row."""
        self.keep(step, reason, None if rows is None else unmarked(rows))

    def here(self) -> Point:
        """Mark a point whose rows may be asked for when later steps have been noted."""
        point = Point(self)
        self._waiting.append(point)
        return point

    def _carry_out(self) -> None:
        """Put the conditions of the steps that wait to the rows, and write their lines."""
        conditions: list[Within] = []
        masks: list[Mask | None] = []  # after each condition, where somebody asks
        for entry in [*self._waiting, Point(self)]:
            if isinstance(entry, Step):
                conditions += entry.conditions
                masks += [None] * len(entry.conditions)
            elif masks and masks[-1] is None:
                masks[-1] = _core.empty(self._n_rows, 8)
        counts: list[int] = []
        if conditions:
            counts = _core.rows_left(tuple(conditions), self._n_rows, self._left, tuple(masks))
        answers = zip(counts, masks, strict=True)
        now = of_left = self._lines[-1][4]
        for entry in self._waiting:
            if isinstance(entry, Point):
                entry._pass(self._left)
                continue
            before = now
            for _ in entry.conditions:
                now, mask = next(answers)
                if mask is not None and now < of_left:
                    mask.flags.writeable = False
                    self._left, of_left = mask, now
            self._lines.append((self.table, entry.name, entry.reason, before - now, now))
        self._waiting = []

    def copy(self) -> Ledger:
        """The same, to go on with apart."""
        self._carry_out()
        other = copy.copy(self)
        other._lines, other._waiting = list(self._lines), []
        return other

    @staticmethod
    def frame(*ledgers: Ledger) -> pd.DataFrame:
        """The lines of several ledgers, one after the other.

        Returns
        -------
        pandas.DataFrame
            ``table``, ``step``, ``reason``, ``removed``, ``remaining``.
        """
        for ledger in ledgers:
            ledger._carry_out()
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
