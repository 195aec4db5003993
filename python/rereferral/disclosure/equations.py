"""What the counts of a release add up to: within a row, between rows and between tables."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

from rereferral.disclosure.counts import Counts, Place, State
from rereferral.disclosure.sheets import Sheet
from rereferral.errors import DataError, RuleError

__all__ = [
    "EQUATIONS",
    "Declared",
    "add_differences",
    "add_parts",
    "add_rows",
    "add_totals",
    "declared_of",
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
    "rereferred_children <= children",
    "rereferred_children <= rereferrals",
)
"""What holds in each row of a table with these columns; one of an equation may be in no table."""

OF_DATES = frozenset({"not_followed", "stepped_down_not_followed", "not_looked_back"})
"""Complements that say nothing of anybody: they depend on dates alone, and may be found.

Where all are followed, everybody knows so.
"""

DISTINCT = frozenset({"children", "rereferrals", "rereferred_children", "persons"})
"""Counts of what may be counted in several parts of a whole: no more than these together."""

WINDOW = "window"
"""The column of tables with several windows."""

_NAME = re.compile(r"[A-Za-z_]\w*")


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


Declared: TypeAlias = tuple[tuple[str, str | None], ...]
"""Equations within rows, and of which table each is; None: of all that have its columns."""


def declared_of(equations: Iterable[str] | Mapping[str, Iterable[str]]) -> Declared:
    """Equations as users give them: for all tables, or by table."""
    if isinstance(equations, Mapping):
        return tuple((text, table) for table, texts in equations.items() for text in texts)
    return tuple((text, None) for text in equations)


def add_rows(
    counts: Counts,
    sheets: Iterable[Sheet],
    declared: Declared,
    not_these: Collection[tuple[str, str, str]] = (),
) -> list[tuple[str, str, str]]:
    """Add the equations within the rows of tables: `EQUATIONS`, and those that are declared.

    One column of an equation may be in no table: a complement, which nobody may find either.

    Parameters
    ----------
    counts : Counts
        Of all tables.
    sheets : iterable of Sheet
        The tables.
    declared : Declared
        Equations that must hold; those of `EQUATIONS` are left out of tables where they do not.
    not_these : collection of (str, str, str)
        Table, equation and "" that are known not to hold.

    Returns
    -------
    list of (str, str, str)
        Where equations do not hold, as `not_these` has it.

    Raises
    ------
    DataError
        An equation that must hold does not, or a part exceeds its whole.
    """
    everywhere = [(text, None, False) for text in EQUATIONS]
    apart = []
    for text, table, must in [*everywhere, *((*one, True) for one in declared)]:
        terms, equal = _terms(text)
        for sheet in sheets:
            if table not in (None, sheet.name):
                continue
            missing = [name for name, _ in terms if name not in sheet.counts]
            if len(missing) > (1 if equal else 0) or (sheet.name, text, "") in not_these:
                continue
            absent = next((term for term in terms if term[0] in missing), None)
            rows = _rows_with(counts, sheet, terms)
            wrong = [row for row, found in rows if not _possible(counts, found, absent, equal)]
            if wrong and (must or absent is not None):
                error = DataError(f'table "{sheet.name}", row {wrong[0]}: "{text}" does not hold')
                error.row = wrong[0]
                raise error
            if wrong:
                apart.append((sheet.name, text, ""))
                continue
            for row, found in rows:
                _add_row(counts, Place(sheet.name, row, text), found, absent, equal)
    return apart


_Terms: TypeAlias = list[tuple[int, int]]


def _rows_with(
    counts: Counts, sheet: Sheet, terms: Iterable[tuple[str, int]]
) -> list[tuple[int, _Terms]]:
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


def _possible(counts: Counts, found: _Terms, absent: tuple[str, int] | None, equal: bool) -> bool:
    if equal and absent is None:
        return _holds(counts, found)
    left = _left(counts, found, 1 if absent is None else absent[1])
    return left is None or left >= 0


def _add_row(
    counts: Counts, place: Place, found: _Terms, absent: tuple[str, int] | None, equal: bool
) -> None:
    text = place.column
    if equal and absent is None:
        counts.equate(found, 0, text)
        return
    name, sign = absent or (f"what {text} leaves", 1)
    value = _left(counts, found, sign)
    state = State.SLACK if absent is None else State.NOWHERE
    if name in OF_DATES:
        state = State.KNOWN if value == 0 else State.SLACK
    number = counts.add(place._replace(column=name), state, value)
    counts.renew([number])
    counts.equate([*found, (number, sign)], 0, text)


def _left(counts: Counts, terms: Iterable[tuple[int, int]], sign: int) -> int | None:
    """What the counts of an equation leave for one more."""
    total = 0
    for number, factor in terms:
        value = counts.value[number]
        if value is None:
            return None
        total += factor * value
    return -sign * total


def _holds(counts: Counts, terms: Iterable[tuple[int, int]]) -> bool:
    """Whether a sum can be 0 by all that is known of its counts."""
    low = high = 0
    for number, factor in terms:
        value = counts.value[number]
        first, last = (counts.low[number], counts.high[number]) if value is None else (value, value)
        low += factor * (first if factor > 0 else last)
        high += factor * (last if factor > 0 else first)
    return low <= 0 <= high


def add_totals(
    counts: Counts,
    sheets: Sequence[Sheet],
    parts: Mapping[str, Mapping[str, Sequence[str]]],
    not_these: Collection[tuple[str, str, str]] = (),
) -> list[tuple[str, str, str]]:
    """Add what rows of one table sum to in another one with fewer groups, or with the same.

    Columns of one name are taken for the same measure where all sums agree.

    Parameters
    ----------
    counts : Counts
        Of all tables.
    sheets : sequence of Sheet
        The tables.
    parts : mapping
        Members of groups that stand beside their own parts, and are not summed with them.
    not_these : collection of (str, str, str)
        Table, table and column that are known not to agree.

    Returns
    -------
    list of (str, str, str)
        Where they do not agree.
    """
    apart = []
    for total in sheets:
        for fine in sheets:
            if total is fine or not set(total.keys) <= set(fine.by):
                continue
            if WINDOW in fine.keys and WINDOW not in total.keys:
                continue  # windows hold one another; nobody adds them up
            same = set(total.keys) == set(fine.keys)
            if same and (total.name, fine.name) != tuple(sorted((total.name, fine.name))):
                continue
            rows = _rows_of(total, fine, {} if same else parts)
            for column in total.counts:
                if column not in fine.counts or (total.name, fine.name, column) in not_these:
                    continue
                sums = _sums(counts, (total, fine), column, rows)
                if not sums:
                    continue
                if column in DISTINCT and not same:
                    if not _add_distinct(counts, (total, fine), column, sums):
                        apart.append((total.name, fine.name, column))
                    continue
                if all(_holds(counts, terms) for terms in sums):
                    for terms in sums:
                        counts.equate(terms, 0, f"{total.name} from {fine.name}")
                else:
                    apart.append((total.name, fine.name, column))
    return apart


def _add_distinct(
    counts: Counts, sheets: tuple[Sheet, Sheet], column: str, sums: Sequence[_Terms]
) -> bool:
    """Add that a whole is at most the sum of its parts, and none of them more than the whole.

    Where that is not so, the name means something else: nothing is added, and False returned.
    """
    total, fine = sheets
    lines: list[tuple[int, str, _Terms]] = []
    for terms in sums:
        (whole, _), *parts = terms
        row = counts.places[whole].row
        rest = [(number, -factor) for number, factor in terms]
        lines.append((row, f"{column} in more than one row of {fine.name}", rest))
        for k, part in enumerate(parts):
            lines.append((row, f"{column} not in {fine.name}, {k}", [(whole, 1), part]))
    left = [_left(counts, found, -1) for _, _, found in lines]
    if any(value is not None and value < 0 for value in left):
        return False
    for (row, name, found), value in zip(lines, left, strict=True):
        number = counts.add(Place(total.name, row, name), State.SLACK, value)
        counts.renew([number])
        counts.equate([*found, (number, -1)], 0, name)
    return True


def _rows_of(
    total: Sheet, fine: Sheet, parts: Mapping[str, Mapping[str, Sequence[str]]]
) -> dict[int, list[int]]:
    """For each row of a table of totals the rows of another that it holds."""
    summed = [key for key in fine.keys if key not in total.keys]
    # What both say of all their rows must be the same too: one area's table is not another's.
    match = [column for column in total.by if column in fine.by and column not in summed]
    holds: dict[tuple[str, ...], list[int]] = {}
    for row in range(len(fine.frame)):
        if any(_is_total(fine, row, key, parts) for key in summed):
            continue
        holds.setdefault(tuple(fine.member(row, key) for key in match), []).append(row)
    return {
        row: holds.get(tuple(total.member(row, key) for key in match), [])
        for row in range(len(total.frame))
    }


def _is_total(
    sheet: Sheet, row: int, key: str, parts: Mapping[str, Mapping[str, Sequence[str]]]
) -> bool:
    """Whether a row stands beside its own parts."""
    within = parts.get(key, {}).get(sheet.member(row, key))
    return within is not None and not set(within).isdisjoint(sheet.members[key])


def _sums(
    counts: Counts, sheets: tuple[Sheet, Sheet], column: str, rows: Mapping[int, Sequence[int]]
) -> list[list[tuple[int, int]]]:
    total, fine = sheets
    sums = []
    for row, within in rows.items():
        number = counts.number.get(Place(total.name, row, column))
        terms = [counts.number.get(Place(fine.name, part, column)) for part in within]
        if number is None or not terms or None in terms:
            continue
        sums.append([(number, 1), *((part, -1) for part in terms if part is not None)])
    return sums


def add_parts(
    counts: Counts, sheets: Sequence[Sheet], parts: Mapping[str, Mapping[str, Sequence[str]]]
) -> None:
    """Add that members of a group are parts of another: Inner and Outer London, years of a span.

    The parts may stand in other tables than the whole; those that stand in none are taken
    together as one count that nobody may find.

    Raises
    ------
    DataError
        The parts that are there exceed their whole.
    """
    for dimension, wholes in parts.items():
        with_it = [sheet for sheet in sheets if dimension in sheet.keys]
        if not with_it:
            raise DataError(f'parts names the column "{dimension}", which no table has as a group')
        where: dict[tuple[frozenset[tuple[str, str]], str, str], tuple[int, Sheet, int]] = {}
        for sheet in with_it:
            for row in range(len(sheet.frame)):
                rest = frozenset(
                    (key, sheet.member(row, key)) for key in sheet.keys if key != dimension
                )
                member = sheet.member(row, dimension)
                for column in sheet.counts:
                    number = counts.number.get(Place(sheet.name, row, column))
                    if number is not None:
                        where.setdefault((rest, column, member), (number, sheet, row))
        for (rest, column, member), (number, sheet, row) in where.items():
            if member not in wholes:
                continue
            found = [where.get((rest, column, part)) for part in wholes[member]]
            there = [place[0] for place in found if place is not None]
            if not there:
                continue
            terms = [(number, 1), *((part, -1) for part in there)]
            why = f"{dimension}: {member} from its parts"
            if len(there) == len(found):
                if not _holds(counts, terms):
                    error = DataError(
                        f'table "{sheet.name}", row {row}: "{column}" of {dimension} {member} is '
                        "not the sum of its parts"
                    )
                    error.row, error.column = row, column
                    raise error
                counts.equate(terms, 0, why)
                continue
            value = _left(counts, terms, -1)
            lacking = [
                part for part, place in zip(wholes[member], found, strict=True) if place is None
            ]
            if value is not None and value < 0:
                raise DataError(
                    f'table "{sheet.name}", row {row}: the parts of {dimension} {member} exceed '
                    f'it in "{column}"'
                )
            place = Place(sheet.name, row, f"{column} of {' and '.join(lacking)}")
            rest_number = counts.add(place, State.NOWHERE, value)
            counts.renew([rest_number])
            counts.equate([*terms, (rest_number, -1)], 0, why)


def add_differences(counts: Counts, sheets: Iterable[Sheet], dimension: str = WINDOW) -> None:
    """Add that a longer window holds what a shorter one does: what lies between is a count too."""
    for sheet in sheets:
        if dimension not in sheet.keys:
            continue
        groups: dict[tuple[str, ...], list[int]] = {}
        for row in range(len(sheet.frame)):
            rest = tuple(sheet.member(row, key) for key in sheet.keys if key != dimension)
            groups.setdefault(rest, []).append(row)
        for rows in groups.values():
            for column in sheet.counts:
                _add_between(counts, sheet, rows, column, dimension)


def _add_between(
    counts: Counts, sheet: Sheet, rows: Sequence[int], column: str, dimension: str
) -> None:
    found = [
        (number, row)
        for row in rows
        if (number := counts.number.get(Place(sheet.name, row, column))) is not None
    ]
    values = [counts.value[number] for number, _ in found]
    if all(value is not None for value in values):
        found = [pair for _, pair in sorted(zip(values, found, strict=True))]
    for (shorter, first), (longer, second) in itertools.pairwise(found):
        value = _left(counts, [(longer, 1), (shorter, -1)], -1)
        name = f"{column} between {sheet.member(first, dimension)} and " + sheet.member(
            second, dimension
        )
        between = counts.add(Place(sheet.name, second, name), State.NOWHERE, value)
        counts.renew([between])
        counts.equate([(longer, 1), (shorter, -1), (between, -1)], 0, f"{dimension}: longer")
