"""Which days the data covers: one date for all, or one for each area."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from rereferral.day_columns import DayColumn
from rereferral.days import Days, day_of, iso
from rereferral.errors import RuleError
from rereferral.marks import Within, unmarked
from rereferral.tables import Table

__all__ = ["LONG_SILENCE", "Observation", "observation_of"]

LONG_SILENCE = 62
"""Days without any event, at the end of the observed time, that want an explanation."""

_FURTHEST = 10_000_000


@dataclasses.dataclass(frozen=True)
class Observation:
    """The first and the last observed day for the rows of a table, both inclusive.

    Attributes
    ----------
    first, last : int, numpy.ndarray of int64, or None
        One day for every row, a day for each, or not given.
    """

    first: int | Days | None
    last: int | Days | None

    def edge(self, direction: str) -> int | Days:
        """The day at which observation ends in the direction of search; it has been given."""
        limit = self.last if direction == "forward" else self.first
        assert limit is not None
        return limit

    def not_before(self, dates: DayColumn) -> tuple[Within | None, str] | None:
        """Which days do not come too early (None: all of them), and words for those that do."""
        first = self.first
        if first is None:
            return None
        rows = dates.within(first=first) if isinstance(first, int) else unmarked(dates.days < first)
        return rows, f"before {_words(first)}"

    def not_after(self, dates: DayColumn) -> tuple[Within | None, str] | None:
        """Which days do not come too late, as `not_before`."""
        last = self.last
        if last is None:
            return None
        rows = dates.within(last=last) if isinstance(last, int) else unmarked(dates.days > last)
        return rows, f"after {_words(last)}"

    def edge_in_words(self, direction: str) -> str:
        """The same day, for a ledger."""
        return _words(self.edge(direction))


def _words(limit: int | Days) -> str:
    return iso(limit) if isinstance(limit, int) else "the area's own date"


def observation_of(
    table: Table, scope: list[str] | None, observed_from: object, observed_until: object
) -> Observation:
    """Work out which days are observed for each row of a table.

    Parameters
    ----------
    table : Table
        The rows.
    scope : list of str or None
        Its scope columns. Without a scope the earliest `observed_until` and the latest
        `observed_from` hold for all.
    observed_from, observed_until : date, mapping of a scope to a date, column, or None
        A scope of several columns is a tuple. A column holds the date of each row's scope.

    Raises
    ------
    RuleError
        If something is not a date, the two are in the wrong order, or a scope that occurs in the
        table has no date.
    DataError
        If a column of dates lacks one.
    """
    first = _limit(table, scope, observed_from, "observed_from")
    last = _limit(table, scope, observed_until, "observed_until")
    if first is not None and last is not None:
        wrong = np.asarray(first) > np.asarray(last)
        if wrong.any():
            raise RuleError("observed_from is after observed_until")
    return Observation(first, last)


def _limit(table: Table, scope: list[str] | None, given: object, what: str) -> int | Days | None:
    if given is None:
        return None
    if isinstance(given, str) and table.has(given):
        return _limit_column(table, scope, given, what)
    if not isinstance(given, Mapping):
        return day_of(given, what)
    if not given:
        raise RuleError(f"{what} is empty; give a date for each area")
    dates = {area: day_of(date, f"{what}[{area!r}]") for area, date in given.items()}
    if scope is None:
        return min(dates.values()) if what == "observed_until" else max(dates.values())
    groups = table.groups(scope)
    days = np.empty(groups.n_groups, np.int64)
    for position, values in enumerate(groups.frame.itertuples(index=False, name=None)):
        days[position] = _date_of(values, dates, what)
    return days[groups.codes]


def _limit_column(table: Table, scope: list[str] | None, name: str, what: str) -> int | Days:
    """The dates of a column, one for each row; a row without one is not known to be observed."""
    dates = table.day_column(name)
    null = dates.null()
    if null is not None:
        row = int(null.argmax())
        raise table.fail(name, f"a date is missing, and {what} needs one for every row", row)
    if scope is not None or len(dates) == 0:
        return dates.days
    return dates.first if what == "observed_until" else dates.last


def _date_of(values: tuple[Any, ...], dates: dict[Any, int], what: str) -> int:
    """The date of one area. One that is not known takes part in nothing, so it has no limit."""
    if any(pd.isna(value) for value in values):
        return _FURTHEST if what == "observed_until" else -_FURTHEST
    area = values[0] if len(values) == 1 else values
    if area not in dates:
        raise RuleError(f"{what} has no date for {area!r}; give one for every area in the table")
    return dates[area]
