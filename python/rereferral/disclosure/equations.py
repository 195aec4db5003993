"""What counts add up to within a row, and from line to line of a ledger."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from rereferral.disclosure.counts import Counts, Place, State
from rereferral.disclosure.relations import Relations, Terms, equate_where_it_holds, holds, left
from rereferral.disclosure.sheets import Sheet
from rereferral.errors import DataError, RuleError

__all__ = [
    "EQUATIONS",
    "Declared",
    "add_ledgers",
    "add_rows",
    "declared_of",
    "is_ledger",
    "lacking_of",
]

EQUATIONS = (
    "n = linked + not_linked",
    "assessed = below_threshold + above_threshold",
    "below_threshold = stepped_down + not_stepped_down",
    "not_stepped_down = followed + not_followed",
    "followed = rereferred + not_rereferred",
    "closures = rereferred_closures + closures_not_rereferred",
    "children <= closures",
    "rereferrals <= rereferred_closures",
    "children = rereferred_children + children_not_rereferred",
    "rereferred_children <= rereferrals",
)
"""What holds in each row of a table with these columns; one of an equation may be in no table."""

OF_DATES = frozenset({"not_followed", "stepped_down_not_followed", "not_looked_back"})
"""Complements that say nothing of anybody: they depend on dates alone, and may be found.

Where all are followed, everybody knows so.
"""

_NAME = re.compile(r"[A-Za-z_]\w*")

Declared: TypeAlias = tuple[tuple[str, str | None], ...]
"""Equations within rows, and of which table each is; None: of all that have its columns."""


def _terms(text: str) -> tuple[list[tuple[str, int]], bool]:
    """The columns of an equation with their signs, all on one side, and whether it is one."""
    sides = re.split(r"(<=|=)", text)
    if len(sides) != 3:
        raise RuleError(f'"{text}" is no equation such as "n = linked + not_linked"')
    terms: list[tuple[str, int]] = []
    for side, sign in ((sides[0], 1), (sides[2], -1)):
        parts = re.split(r"\s*([+-])\s*", side.strip())
        parts = parts[1:] if parts[0] == "" else ["+", *parts]
        for mark, name in zip(parts[::2], parts[1::2], strict=True):
            if not _NAME.fullmatch(name):
                raise RuleError(f'"{text}": "{name}" is not the name of a column')
            terms.append((name, sign if mark == "+" else -sign))
    return terms, sides[1] == "="


def declared_of(equations: Iterable[str] | Mapping[str, Iterable[str]]) -> Declared:
    """Equations as users give them: for all tables, or by table."""
    if isinstance(equations, Mapping):
        return tuple((text, table) for table, texts in equations.items() for text in texts)
    return tuple((text, None) for text in equations)


def lacking_of(text: str, columns: set[str]) -> list[str]:
    """The names of an equation that are not among some columns."""
    return [name for name, _ in _terms(text)[0] if name not in columns]


def add_rows(counts: Counts, sheets: Iterable[Sheet], declared: Declared, found: Relations) -> None:
    """Add the equations within the rows of tables."""
    everywhere = [(text, None, False) for text in EQUATIONS]
    for text, table, must in [*everywhere, *((*one, True) for one in declared)]:
        terms, equal = _terms(text)
        for sheet in sheets:
            if table not in (None, sheet.name):
                continue
            missing = [name for name, _ in terms if name not in sheet.counts]
            if len(missing) > (1 if equal else 0) or (sheet.name, text, "", 0) in found.apart:
                continue
            absent = next((term for term in terms if term[0] in missing), None)
            rows = _rows_with(counts, sheet, terms)
            wrong = [row for row, these in rows if not _possible(counts, these, absent, equal)]
            if wrong and (must or absent is not None):
                error = DataError(f'table "{sheet.name}", row {wrong[0]}: "{text}" does not hold')
                error.row = wrong[0]
                raise error
            if wrong:
                found.apart.add((sheet.name, text, "", 0))
                continue
            for row, these in rows:
                _add_row(counts, Place(sheet.name, row, text), these, absent, equal)


def is_ledger(sheet: Sheet) -> bool:
    """Whether a table is a ledger: what each line removed, and what remained."""
    return {"removed", "remaining"} <= set(sheet.counts)


def add_ledgers(counts: Counts, sheets: Iterable[Sheet], found: Relations) -> None:
    """Add that a line of a ledger leaves of the line before what it does not remove."""
    for sheet in sheets:
        if not is_ledger(sheet):
            continue
        tables = sheet.members.get("table", [""] * len(sheet.frame))
        for row in range(1, len(sheet.frame)):
            places = [(row - 1, "remaining"), (row, "removed"), (row, "remaining")]
            numbers = [counts.number.get(Place(sheet.name, r, column)) for r, column in places]
            if tables[row] != tables[row - 1] or None in numbers:
                continue
            terms = [(n, f) for n, f in zip(numbers, (1, -1, -1), strict=True) if n is not None]
            equate_where_it_holds(counts, terms, (sheet.name, "", "ledger", row), found, "ledger")


def _rows_with(
    counts: Counts, sheet: Sheet, terms: Iterable[tuple[str, int]]
) -> list[tuple[int, Terms]]:
    """The rows in which no cell of an equation is empty, with its counts and their signs."""
    there = [(name, sign) for name, sign in terms if name in sheet.counts]
    rows = []
    for row in range(len(sheet.frame)):
        found = [
            (number, sign)
            for name, sign in there
            if (number := counts.number.get(Place(sheet.name, row, name))) is not None
        ]
        if len(found) == len(there):
            rows.append((row, found))
    return rows


def _possible(counts: Counts, found: Terms, absent: tuple[str, int] | None, equal: bool) -> bool:
    if equal and absent is None:
        return holds(counts, found)
    rest = left(counts, found, 1 if absent is None else absent[1])
    return rest is None or rest >= 0


def _add_row(
    counts: Counts, place: Place, found: Terms, absent: tuple[str, int] | None, equal: bool
) -> None:
    text = place.column
    if equal and absent is None:
        counts.equate(found, 0, text)
        return
    name, sign = absent or (f"what {text} leaves", 1)
    value = left(counts, found, sign)
    state = State.SLACK if absent is None else State.NOWHERE
    if name in OF_DATES:
        state = State.KNOWN if value == 0 else State.SLACK
    number = counts.add(place._replace(column=name), state, value)
    counts.renew([number])
    counts.equate([*found, (number, sign)], 0, text)
