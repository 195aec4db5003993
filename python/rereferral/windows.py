"""The far ends of the windows: by span, by a column of days, and the longest of several."""

from __future__ import annotations

import dataclasses
from functools import cached_property

import numpy as np

from rereferral import _core
from rereferral.day_columns import DayColumn
from rereferral.days import NULL_DAY, Days, add_span, by_day
from rereferral.definition import Definition
from rereferral.kinds import Categories, Mask, Numbers
from rereferral.marks import Within, unmarked
from rereferral.spans import OPEN, Span
from rereferral.tables import Table

__all__ = ["Reach", "longest_reach", "window_days"]

_LONGEST = 1_000_000


def window_days(table: Table, name: str) -> tuple[Days, Mask]:
    """The windows of a column in whole days, and where they are missing (0 there)."""
    column = table.column(name)
    if isinstance(column, Categories) and isinstance(column.values, Numbers):
        known = column.codes >= 0
        values = np.append(column.values.values, 0)[column.codes]
        column = Numbers(values, known)
    if not isinstance(column, Numbers) or column.values.dtype.kind not in "iuf":
        what = getattr(column, "what", "text")
        raise table.fail(name, f"a column of windows holds whole days, not {what}")
    values = column.values
    null = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), np.bool_)
    if column.valid is not None:
        null = null | ~column.valid
    days = np.where(null, 0, values)
    wrong = (days < 0) | (days > _LONGEST) | (days != np.floor(days))
    if wrong.any():
        row = int(wrong.argmax())
        said = f"{values[row]} is not a whole number of days from 0 to {_LONGEST:,}"
        raise table.fail(name, said, row, values[row])
    return days.astype(np.int64), null


@dataclasses.dataclass(frozen=True, eq=False)
class Reach:
    """One window on the anchors of all index rows.

    Attributes
    ----------
    window : Span, ndarray of int64, or list of Span
        A span, days by row, or several spans of which the one that ends last holds, row by row.
    dates : DayColumn
        The dates of the index rows.
    moved : ndarray of int64, or None
        The day on which the window hangs, where it is not the row's own.
    """

    definition: Definition
    window: Span | Days | list[Span]
    dates: DayColumn
    moved: Days | None = None

    @property
    def forward(self) -> bool:
        """The direction of search."""
        return self.definition.direction == "forward"

    @property
    def anchor(self) -> Days:
        """The day on which the window hangs."""
        return self.dates.days if self.moved is None else self.moved

    @property
    def open(self) -> bool:
        """Whether it never ends."""
        return isinstance(self.window, Span) and self.window == OPEN

    @cached_property
    def end(self) -> Days:
        """The far end of each row's window: the last admissible day, backward the first."""
        return self._end(self.anchor, self.definition.window_end == "exclusive")

    @cached_property
    def full_end(self) -> Days:
        """The day at the full length, whether or not it is admissible."""
        if self.definition.window_end == "exclusive":
            return self._end(self.anchor, False)
        return self.end

    def _end(self, anchor: Days, exclusive: bool) -> Days:
        if isinstance(self.window, Span):
            return _span_end(self.definition, self.window, anchor, exclusive)
        if isinstance(self.window, list):
            ends = [_span_end(self.definition, span, anchor, exclusive) for span in self.window]
            furthest = np.maximum if self.forward else np.minimum
            return np.asarray(furthest.reduce(ends))
        days = self.window - exclusive
        end = anchor + days if self.forward else anchor - days
        return np.where(anchor == NULL_DAY, NULL_DAY, end)

    @property
    def _by_own_day(self) -> bool:
        """Whether the row's own date says all: then ends never go back when the dates go on."""
        return self.moved is None and not isinstance(self.window, np.ndarray)

    def ends_by(self, edge: int | Days, lag: Span | None = None) -> Within | None:
        """The rows whose window at its full length, and a lag more, does not end after a day.

        None: every row. Where dates alone decide, it ends later for all of them from one on.
        """

        def late(days: Days) -> Mask:
            end = self._end(days, False)
            return (end if lag is None else by_day(end, lambda day: add_span(day, lag))) > edge

        if isinstance(edge, int) and self._by_own_day:
            first = self.dates.first_day(lambda day: late(np.array([day]))[0])
            return self.dates.within(last=first - 1)
        return unmarked(late(self.anchor))

    def begins_from(self, edge: int | Days) -> Within | None:
        """The rows whose window, which looks back, does not begin before a day; as `ends_by`."""
        exclusive = self.definition.window_end == "exclusive"
        if isinstance(edge, int) and self._by_own_day:
            first = self.dates.first_day(
                lambda day: self._end(np.array([day]), exclusive)[0] >= edge
            )
            return self.dates.within(first=first)
        return unmarked(self.end < edge)

    @property
    def core_window(self) -> tuple[object, ...]:
        """The window for the core: without an end where ends are bounds by row."""
        if isinstance(self.window, Span):
            return self.definition.core_window(self.window)
        window = list(self.definition.core_window(OPEN))
        window[3] = False
        return tuple(window)

    @property
    def row_ends(self) -> Days | None:
        """The ends as bounds by row, where the core's window has none."""
        return None if isinstance(self.window, Span) else self.end


def _span_end(definition: Definition, span: Span, anchor: Days, exclusive: bool) -> Days:
    window = list(definition.core_window(span))
    window[3] = exclusive and span != OPEN
    # The near end is of no interest here, so that no day is left out on its account.
    window[2], window[4] = ("days", 0), True

    def ends(days: Days) -> Days:
        first, last = np.empty((2, len(days)), np.int64)
        _core.window_bounds(tuple(window), days, first, last)
        return last if definition.direction == "forward" else first

    return by_day(anchor, ends)


def longest_reach(definition: Definition, dates: DayColumn, moved: Days | None) -> Reach:
    """The reach of the longest of several windows, which may differ from row to row."""
    spans = definition.windows
    if OPEN in spans:
        return Reach(definition, OPEN, dates, moved)
    anchor = dates if moved is None else DayColumn(moved, 1)
    first, last = anchor.first, anchor.last
    if last < first:
        return Reach(definition, spans[0], dates, moved)
    if last - first > 4 * len(dates):
        return Reach(definition, list(spans), dates, moved)
    every_day = np.arange(first, last + 1, dtype=np.int64)
    ends = {span: _span_end(definition, span, every_day, False) for span in spans}
    sign = 1 if definition.direction == "forward" else -1
    for span in spans:
        if all((sign * (ends[span] - other) >= 0).all() for other in ends.values()):
            return Reach(definition, span, dates, moved)
    return Reach(definition, list(spans), dates, moved)
