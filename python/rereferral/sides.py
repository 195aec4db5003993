"""The two tables of a linkage: their columns, and which of their rows are left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rereferral.conditions import (
    Conditions,
    condition_in_words,
    conditions_in_words,
    table_filters,
)
from rereferral.day_columns import DayColumn
from rereferral.days import Days, add_span, birthday
from rereferral.keys import encode, key_names
from rereferral.ledger import Ledger
from rereferral.marks import Mask, Within, marked, mask_of, not_negative
from rereferral.observation import Observation, observation_of
from rereferral.spans import Span
from rereferral.tables import Category, Key, Table

__all__ = ["NULL_KEY", "Mask", "Side", "remove_duplicates"]

NULL_KEY = 0xFFFFFFFF


class Side:
    """One of the two tables: its columns, and which of its rows are left.

    Attributes
    ----------
    table : Table
    dates : DayColumn
        The date of each row.
    person, scope : list of str
        Columns of the key; `scope` may be None.
    ledger : Ledger
        What was left out so far.
    filtered : str
        The conditions of its filter in words; "" without one.
    """

    def __init__(
        self, table: Table, role: str, date: str, person: list[str], scope: list[str] | None
    ) -> None:
        self.table = table
        self.date = date
        self.dates: DayColumn = table.day_column(date)
        self.person = person
        self.scope = scope
        self.ledger = Ledger(role, table.n_rows)
        self.filtered = ""

    @property
    def days(self) -> Days:
        """The date of each row as a day; made when it is first asked for."""
        return self.dates.days

    @property
    def key(self) -> list[str]:
        """The columns of the whole key, the area before the person."""
        return [*(self.scope or []), *self.person]

    def remove_nulls(self, *also: tuple[Mask | None, str]) -> None:
        """Leave out rows without a key or a date, and those that `also` tells, with its reasons."""
        for names, what in ((self.person, "person"), (self.scope or [], "scope")):
            for name in names:
                there = _present(self.table.key(name))
                self.ledger.keep("null", f"{name} is missing ({what})", there)
        self.ledger.keep("null", f"{self.date} is missing", self.dates.within())
        for null, reason in also:
            self.ledger.remove("null", reason, null)

    def remove_filtered(self, normal: Conditions | None, step: str) -> None:
        """Leave out rows that do not meet a filter."""
        if normal is not None:
            self.filtered = conditions_in_words(normal)
            self.ledger.keep(step, f"not: {self.filtered}", *self._conditions(normal))

    def mask(self, normal: Conditions) -> Mask:
        """The rows that meet conditions."""
        return mask_of(*self._conditions(normal))

    def _conditions(self, normal: Conditions) -> list[Within]:
        return [rows for one in table_filters(normal) for rows in self.table.conditions(one)]

    def remove_ineligible_ages(self, conditions: Conditions | None) -> None:
        """Leave out rows whose person is not of the age that is asked on the row's date."""
        for column, condition in (conditions or {}).items():
            born = self._start(column)

            def reached(years: Any, born: Days = born) -> Days:
                return birthday(born, years)

            met = _meets(condition, self.days, reached, lambda years: years + 1)
            words = f"not: age on {self.date} {condition_in_words(condition)}"
            self.ledger.keep("eligible", words, marked(met))

    def remove_ineligible_lengths(self, conditions: Conditions | None) -> None:
        """Leave out rows that are not as long after a start as is asked."""
        for column, condition in (conditions or {}).items():
            start = self._start(column)

            def reached(span: Span, start: Days = start) -> Days:
                return add_span(start, span)

            met = _meets(condition, self.days, reached, None)
            words = f"not: {self.date} since {column} {condition_in_words(condition)}"
            self.ledger.keep("eligible", words, marked(met))

    def remove_short_history(self, column: str, span: Span) -> None:
        """Leave out rows that lie less than a span after the date in a column."""
        too_short = add_span(self._start(column), span) > self.days
        self.ledger.remove("eligible", f"less than {span} since {column}", too_short)

    def _start(self, column: str) -> Days:
        """The dates of a column; rows without one are not eligible. What comes back has no null."""
        dates = self.table.day_column(column)
        null = dates.null()
        self.ledger.keep("eligible", f"{column} is missing", dates.within())
        return dates.days if null is None else np.where(null, self.days, dates.days)

    def remove_unobserved(self, observed_from: object, observed_until: object) -> Observation:
        """Leave out rows outside the observed time, and say what that is."""
        observed = observation_of(self.table, self.scope, observed_from, observed_until)
        for inside in (observed.not_before(self.dates), observed.not_after(self.dates)):
            if inside is not None:
                self.ledger.keep("observed", f"{self.date} is {inside[1]}", inside[0])
        return observed


def _present(key: Key) -> Within | None:
    """Where a part of a key is not missing; None: everywhere."""
    if isinstance(key, Category):
        return not_negative(key.codes) if len(key) > 0 and key.codes.min() < 0 else None
    return None if key.valid is None else marked(key.valid)


def _meets(condition: tuple[Any, ...], days: Days, reached: Any, above: Any) -> Mask:
    """Whether the time that has passed meets a condition.

    ``reached(x)`` is the first day on which x has passed, ``above(x)`` the next x where time is
    counted in whole units (an age stays one for a year); without it a time is x on one day only.
    """

    def at_least(x: Any) -> Mask:
        return np.asarray(days >= reached(x))

    def more_than(x: Any) -> Mask:
        return at_least(above(x)) if above is not None else np.asarray(days > reached(x))

    comparisons: dict[str, Callable[[Any], Mask]] = {
        "<": lambda x: ~at_least(x),
        "<=": lambda x: ~more_than(x),
        ">": more_than,
        ">=": at_least,
        "==": lambda x: at_least(x) & ~more_than(x),
        "!=": lambda x: ~at_least(x) | more_than(x),
    }
    if condition[0] == "in":
        met = np.zeros(len(days), np.bool_)
        for value in condition[1]:
            met |= comparisons["=="](value)
        return met
    met = np.ones(len(days), np.bool_)
    for place in range(0, len(condition), 2):
        met &= comparisons[condition[place]](condition[place + 1])
    return met


def remove_duplicates(index: Side, events: Side, row_id: object) -> Days:
    """Leave out repeated rows, and find for each index row the event row that it is; -1: none."""
    names = key_names(row_id, "row_id")
    alone = index.table.same(events.table) and names[0] == names[1]
    tables = (
        [(index.table, names[0])] if alone else [(index.table, names[0]), (events.table, names[1])]
    )
    codes, _ = encode(tables)
    index_code, event_code = codes[0], codes[-1]
    for side, code, columns in ((index, index_code, names[0]), (events, event_code, names[1])):
        repeated = code != NULL_KEY
        present = np.flatnonzero(side.ledger.kept & repeated)
        repeated[present[np.unique(code[present], return_index=True)[1]]] = False
        side.ledger.remove("duplicates", f"{' and '.join(columns)} repeats (row_id)", repeated)
    row = np.full(len(index_code), -1, np.int64)
    present = np.flatnonzero(events.ledger.kept & (event_code != NULL_KEY))
    if len(present) > 0:
        by_code = present[np.argsort(event_code[present], kind="stable")]
        place = np.searchsorted(event_code[by_code], index_code)
        place[place == len(by_code)] = 0
        same = (event_code[by_code[place]] == index_code) & (index_code != NULL_KEY)
        row[same] = by_code[place[same]]
    if alone:
        # Without an id a row of the one table is still itself.
        row = np.where(index_code == NULL_KEY, np.arange(len(row)), row)
    return row
