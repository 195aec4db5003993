"""Windows of one cohort: a longer one holds what a shorter one does, and no more."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from rereferral.disclosure.counts import Counts, Place, State
from rereferral.disclosure.relations import WINDOW, Relations, left
from rereferral.disclosure.sheets import Sheet

__all__ = ["add_windows", "find_windows"]


def _windows_of(sheet: Sheet) -> list[list[int]]:
    """Rows that differ in their window alone, from the shortest window to the longest."""
    if WINDOW not in sheet.keys:
        return []
    groups: dict[tuple[str, ...], list[int]] = {}
    for row in range(len(sheet.frame)):
        rest = tuple(sheet.member(row, key) for key in sheet.keys if key != WINDOW)
        groups.setdefault(rest, []).append(row)
    lengths = {row: _length(sheet.member(row, WINDOW)) for rows in groups.values() for row in rows}
    if None in lengths.values():
        return list(groups.values())
    return [sorted(rows, key=lambda row: lengths[row] or 0.0) for rows in groups.values()]


def _length(window: str) -> float | None:
    """About how many days a window has; None where that cannot be read."""
    match = re.fullmatch(r"(\d+)\s*(day|week|month|year)?s?", window.strip())
    if match is None:
        return None
    days = {None: 1.0, "day": 1.0, "week": 7.0, "month": 30.4375, "year": 365.25}
    return float(match[1]) * days[match[2]]


def _pairs_of(
    counts: Counts, sheet: Sheet, column: str
) -> list[list[tuple[tuple[int, int], tuple[int, int]]]]:
    """By group all pairs of windows, the shorter first: count and row of each."""
    pairs = []
    for rows in _windows_of(sheet):
        there = [
            (number, row)
            for row in rows
            if (number := counts.number.get(Place(sheet.name, row, column))) is not None
        ]
        pairs.append(list(itertools.combinations(there, 2)))
    return pairs


def find_windows(counts: Counts, sheets: Iterable[Sheet], found: Relations) -> None:
    """Find of each column whether longer windows count the same, more, or fewer."""
    for sheet in sheets:
        for column in sheet.counts if WINDOW in sheet.keys else ():
            spans = [
                tuple(
                    (counts.low[n], counts.high[n]) if (v := counts.value[n]) is None else (v, v)
                    for n in (shorter, longer)
                )
                for pairs in _pairs_of(counts, sheet, column)
                for (shorter, _), (longer, _) in pairs
            ]
            exact = [pair for pair in spans if all(low == high for low, high in pair)]
            if exact and all(one == other for one, other in exact):
                kind = "same"
            elif all(one[0] <= other[1] for one, other in spans):
                kind = "more"
            elif all(one[1] >= other[0] for one, other in spans):
                kind = "fewer"
            else:
                kind = ""
            found.windows[sheet.name, column] = kind


def add_windows(counts: Counts, sheets: Iterable[Sheet], found: Relations) -> None:
    """Add that a longer window holds what a shorter one does: what lies between is a count too.

    Where longer windows count fewer, the others were not followed for so long: that is a matter of
    dates.
    """
    for sheet in sheets:
        for column in sheet.counts if WINDOW in sheet.keys else ():
            kind = found.windows.get((sheet.name, column), "")
            for pairs in _pairs_of(counts, sheet, column) if kind else ():
                for (shorter, first), (longer, second) in pairs:
                    terms = [(longer, 1), (shorter, -1)]
                    if kind == "same":
                        counts.equate(terms, 0, f"{WINDOW}: of the same")
                        continue
                    if kind == "fewer":
                        terms = [(shorter, 1), (longer, -1)]
                    name = f"{column} between {sheet.member(first, WINDOW)} and "
                    place = Place(sheet.name, second, name + sheet.member(second, WINDOW))
                    state = State.NOWHERE if kind == "more" else State.SLACK
                    between = counts.add(place, state, left(counts, terms, -1))
                    counts.renew([between])
                    counts.equate([*terms, (between, -1)], 0, f"{WINDOW}: longer")
