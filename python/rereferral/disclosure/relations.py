"""Sums of counts, and which of those that could hold between tables do."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from rereferral.disclosure.counts import Counts

__all__ = ["WINDOW", "Key", "Parts", "Relations", "Terms", "equate_where_it_holds", "holds", "left"]

WINDOW = "window"
"""The column of tables with several windows."""

Parts: TypeAlias = Mapping[str, Mapping[str, Sequence[str]]]

Terms: TypeAlias = list[tuple[int, int]]
"""A sum: counts by their numbers, and what stands before each."""

Key: TypeAlias = tuple[str, str, str, int]
"""A sum by its name: the table of totals, the other table, the column, and the row."""


@dataclasses.dataclass(frozen=True)
class Relations:
    """Which of the equations that could hold between the tables of a release do.

    Attributes
    ----------
    apart : set of (str, str, str, int)
        Table of totals, table, column and row that do not add up; or table, equation, "" and row.
    nested : dict of (str, str, str) to int
        Table of totals, table and column that are of the same persons, of which the first holds
        the second (1) or the second the first (-1), as a longer window does.
    windows : dict of (str, str) to str
        Of a table with windows and a column how the longer ones go with the shorter: ``"same"``,
        ``"more"``, ``"fewer"`` or ``""``.
    """

    apart: set[Key] = dataclasses.field(default_factory=set)
    nested: dict[tuple[str, str, str], int] = dataclasses.field(default_factory=dict)
    windows: dict[tuple[str, str], str] = dataclasses.field(default_factory=dict)


def left(counts: Counts, terms: Iterable[tuple[int, int]], sign: int) -> int | None:
    """What the counts of an equation leave for one more."""
    total = 0
    for number, factor in terms:
        value = counts.value[number]
        if value is None:
            return None
        total += factor * value
    return -sign * total


def holds(counts: Counts, terms: Iterable[tuple[int, int]]) -> bool:
    """Whether a sum can be 0 by all that is known of its counts."""
    low = high = 0
    for number, factor in terms:
        value = counts.value[number]
        first, last = (counts.low[number], counts.high[number]) if value is None else (value, value)
        low += factor * (first if factor > 0 else last)
        high += factor * (last if factor > 0 else first)
    return low <= 0 <= high


def equate_where_it_holds(
    counts: Counts, terms: Terms, key: Key, found: Relations, why: str
) -> None:
    """Add that a sum is 0, or keep that it is not."""
    if key in found.apart:
        return
    if holds(counts, terms):
        counts.equate(terms, 0, why)
    else:
        found.apart.add(key)
