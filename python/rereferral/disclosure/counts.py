"""Every count of a release, with what is known of it, and the equations between them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from rereferral.disclosure.sheets import Sheet
from rereferral.errors import DataError
from rereferral.rules import Rule

__all__ = ["LOW", "MOST", "Counts", "Equation", "Place", "State", "bounds_of_rounded", "rounded"]

Ints = npt.NDArray[np.int64]

MOST = 10**10
"""Above every count; sums of these are exact in double precision."""

LOW = "low"
"""The symbol of a count that is not 0 and rounds to it."""


class Place(NamedTuple):
    """Where a count stands: a table, its row from 0, a column.

    A count that stands nowhere, as the complement of one that does, has the place of that one and
    a name of its own.
    """

    table: str
    row: int
    column: str


class State:
    """What is done with a count."""

    SHOWN = 0
    SMALL = 1  # hidden because it is small
    BESIDE = 2  # hidden so that a small one cannot be found
    NOWHERE = 3  # in no table: a complement, a difference
    KNOWN = 4  # in no table, and yet known to all
    SLACK = 5  # what an inequality leaves


@dataclasses.dataclass(frozen=True)
class Equation:
    """A sum of counts, with whole numbers before them, that is a constant.

    Attributes
    ----------
    counts, factors : tuple of int
        Which counts, and what stands before each.
    constant : int
        What the sum is.
    why : str
        From where it is known.
    while_shown : bool
        Whether it is told by a figure that is hidden with its counts.
    """

    counts: tuple[int, ...]
    factors: tuple[int, ...]
    constant: int
    why: str
    while_shown: bool = False


class Counts:
    """The counts of a release, numbered from 0.

    Attributes
    ----------
    places : list of Place
        Where each stands.
    value : list of int or None
        The count itself; None where only what was published is known.
    low, high : list of int
        What is known of it before any equation.
    state : list of int
        Of `State`.
    total : list of bool
        Whether it is of several areas together, and rounded as such.
    dear : list of bool
        Whether it is a total: of several areas together, or of all that a table is about.
    fixed : list of bool
        Whether it was published before, so that nothing can be done about it.
    equations : list of Equation
        Between them.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.places: list[Place] = []
        self.value: list[int | None] = []
        self.low: list[int] = []
        self.high: list[int] = []
        self.state: list[int] = []
        self.total: list[bool] = []
        self.dear: list[bool] = []
        self.fixed: list[bool] = []
        self.equations: list[Equation] = []
        self.number: dict[Place, int] = {}

    def __len__(self) -> int:
        return len(self.places)

    def add(
        self,
        place: Place,
        state: int,
        value: int | None,
        bounds: tuple[int, int] = (0, MOST),
        total: bool = False,
        dear: bool = False,
        fixed: bool = False,
    ) -> int:
        """Number a count."""
        number = len(self.places)
        self.places.append(place)
        self.state.append(state)
        self.value.append(value)
        self.low.append(bounds[0])
        self.high.append(bounds[1])
        self.total.append(total)
        self.dear.append(dear or total)
        self.fixed.append(fixed)
        self.number[place] = number
        return number

    def equate(
        self,
        terms: Iterable[tuple[int, int]],
        constant: int,
        why: str,
        while_shown: bool = False,
    ) -> None:
        """Keep an equation of (count, factor)."""
        counts, factors = zip(*terms, strict=True)
        self.equations.append(Equation(counts, factors, constant, why, while_shown))

    def is_hidden(self, number: int) -> bool:
        """Whether a symbol stands in the place of a count."""
        return self.state[number] in (State.SMALL, State.BESIDE)

    def told(self) -> list[Equation]:
        """The equations without those that are hidden with their counts."""
        return [
            e for e in self.equations if not (e.while_shown and any(map(self.is_hidden, e.counts)))
        ]

    def published_bounds(self, number: int) -> tuple[int, int]:
        """What anyone knows of a count from the cell itself, given what is done with it."""
        state, value, rule = self.state[number], self.value[number], self.rule
        if value is None:
            return self.low[number], self.high[number]
        if state == State.KNOWN:
            return value, value
        if state == State.SHOWN:
            return bounds_of_rounded(value, rule, rule.base(self.total[number]))
        if state == State.SMALL:
            return rule.small
        if state == State.BESIDE:
            return beside_bounds(rule, rule.base(self.total[number]))
        return 0, MOST

    def renew(self, numbers: Iterable[int] | None = None) -> None:
        """Set what is known of counts after their states have changed."""
        for number in range(len(self)) if numbers is None else numbers:
            self.low[number], self.high[number] = self.published_bounds(number)

    def is_secret(self, number: int) -> bool:
        """Whether nobody may find a count; it is in a table, or follows from what is."""
        value = self.value[number]
        return (
            value is not None
            and self.rule.is_small(value)
            and self.state[number] not in (State.KNOWN, State.SLACK)
            and not (self.fixed[number] and self.low[number] == self.high[number])
        )


def bounds_of_rounded(value: int, rule: Rule, base: int) -> tuple[int, int]:
    """The counts that are shown as this one is: rounded half up, or hidden among the zeros."""
    if rule.zeroed and value <= rule.small[1]:
        return 0, rule.small[1]
    if base == 1:
        return value, value
    shown = rounded(value, base)
    if shown == 0:
        # 0 itself is shown, what rounds to it is marked.
        return (0, 0) if value == 0 else (1, (base - 1) // 2)
    first, last = shown - base // 2, shown + (base - 1) // 2
    if rule.zeroed:
        first = max(first, rule.small[1] + 1)
    return max(first, 0), last


def beside_bounds(rule: Rule, base: int) -> tuple[int, int]:
    """What the log tells of a count that is hidden beside: it is neither 0 nor small."""
    return (rule.small[1] + 1 if base == 1 else 1), MOST


def rounded(value: int, base: int) -> int:
    """A count to the nearest multiple, half up."""
    return (2 * value + base) // (2 * base) * base


def true_counts(counts: Counts, sheet: Sheet, kinds: Mapping[Place, int] | None = None) -> None:
    """Add the counts of a table as they are; `kinds` says what was done, if it was published."""
    for column in sheet.counts:
        for row, cell in enumerate(sheet.frame[column].tolist()):
            if pd.isna(cell):
                continue
            value = _whole(cell, sheet, row, column)
            state = State.SHOWN
            small = counts.rule.is_small(value)
            place = Place(sheet.name, row, column)
            if kinds is not None:
                state = kinds.get(place, State.SHOWN)
            elif small and counts.rule.base(sheet.total) == 1:
                state = State.SMALL
            number = counts.add(
                place,
                state,
                value,
                total=sheet.total,
                dear=not sheet.keys,
                fixed=kinds is not None,
            )
            counts.renew([number])


def shown_counts(counts: Counts, sheet: Sheet, kinds: Mapping[Place, int]) -> None:
    """Add the counts of a table as it was published, with symbols where counts are hidden.

    `kinds` says of hidden counts whether they are small ones or beside; all are small by default.
    """
    rule = counts.rule
    for column in sheet.counts:
        for row, cell in enumerate(sheet.frame[column].tolist()):
            place = Place(sheet.name, row, column)
            text = "" if cell is None or cell is pd.NA else str(cell).strip().strip("[]")
            if text in ("", "nan", "x", "z"):
                continue
            if text == rule.symbol:
                state = kinds.get(place, State.SMALL)
                bounds = rule.small
                if state == State.BESIDE:
                    bounds = beside_bounds(rule, rule.base(sheet.total))
                counts.add(place, state, None, bounds, sheet.total)
                continue
            base = rule.base(sheet.total)
            if text == LOW:
                bounds = (1, (base - 1) // 2)
            else:
                value = _whole(text.replace(",", ""), sheet, row, column)
                bounds = _meant(value, rule, base)
            counts.add(place, State.SHOWN, None, bounds, sheet.total)


def _meant(shown: int, rule: Rule, base: int) -> tuple[int, int]:
    """The counts that a published number stands for."""
    if rule.zeroed and shown == 0:
        return 0, rule.small[1]
    if base == 1 or shown % base:
        return shown, shown  # exact, whatever the rule says of it
    return bounds_of_rounded(shown, rule, base)


def _whole(cell: Any, sheet: Sheet, row: int, column: str) -> int:
    try:
        value = int(cell)
        if float(cell) != value or value < 0:
            raise ValueError
    except (ValueError, OverflowError):
        error = DataError(
            f'table "{sheet.name}", column "{column}", row {row}: {cell!r} is not a count'
        )
        error.row, error.column, error.value = row, column, str(cell)
        raise error from None
    return value
