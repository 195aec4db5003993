"""What the rows of one table come to in another: totals, parts, and sums of the same persons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rereferral.disclosure.counts import Counts, Place, State
from rereferral.disclosure.relations import WINDOW, Parts, Relations, Terms, holds, left
from rereferral.disclosure.sheets import Sheet
from rereferral.errors import DataError

__all__ = ["add_margins", "add_nested", "add_parts", "add_totals", "find_nested", "sums_of"]

DISTINCT = frozenset({"children", "rereferrals", "rereferred_children", "persons"})
"""Counts of what may be counted in several parts of a whole: no more than these together."""


def sums_of(total: Sheet, fine: Sheet, parts: Parts) -> list[tuple[dict[int, list[int]], str]]:
    """For each row of a table of totals the rows of another that it holds, and of which window.

    Nobody adds windows up. Where one of the tables has them, the other is of one of them, which its
    counts tell.
    """
    keys, by = set(total.keys), set(fine.by)
    windowed = [sheet for sheet in (total, fine) if WINDOW in sheet.keys]
    if len(windowed) == 1:
        keys -= {WINDOW}
        if keys == set(fine.keys) - {WINDOW} and WINDOW in fine.keys:
            return []  # the same rows the other way round
        if keys <= by:
            lengths = dict.fromkeys(windowed[0].members[WINDOW])
            return [(_rows_of(total, fine, parts, length), length) for length in lengths]
        return []
    if not keys <= by:
        return []
    if keys == set(fine.keys):
        # Both are of the same rows: once is enough.
        return [(_rows_of(total, fine, {}), "")] if total.name < fine.name else []
    return [(_rows_of(total, fine, parts), "")]


def add_totals(
    counts: Counts,
    sheets: tuple[Sheet, Sheet],
    rows: Mapping[int, Sequence[int]],
    window: str,
    found: Relations,
    new: bool,
    guessed: bool,
) -> None:
    """Add what rows of one table sum to in another one with fewer groups, or with the same."""
    total, fine = sheets
    why = f"{total.name} from {fine.name}"
    for column in total.counts:
        sums = _sums(counts, sheets, column, rows) if column in fine.counts else []
        if not sums:
            continue
        name = f"{column} within {window}" if window else column
        if column in DISTINCT and set(total.keys) - {WINDOW} != set(fine.keys) - {WINDOW}:
            if (total.name, fine.name, name, 0) not in found.apart and not _add_distinct(
                counts, sheets, column, sums
            ):
                found.apart.add((total.name, fine.name, name, 0))
            continue
        keys = [(total.name, fine.name, name, counts.places[terms[0][0]].row) for terms in sums]
        if new:
            wrong = [not holds(counts, terms) for terms in sums]
            if (guessed or window) and any(wrong):
                wrong = [True] * len(wrong)
            found.apart.update(key for key, is_wrong in zip(keys, wrong, strict=True) if is_wrong)
        for key, terms in zip(keys, sums, strict=True):
            if key not in found.apart:
                counts.equate(terms, 0, why)


def find_nested(
    counts: Counts, sheets: tuple[Sheet, Sheet], parts: Parts, found: Relations
) -> None:
    """Find columns that count more in one table than in another, of the same persons."""
    total, fine = sheets
    for rows, window in sums_of(total, fine, parts):
        sums = {
            column: _sums(counts, sheets, column, rows)
            for column in total.counts
            if column in fine.counts and column not in DISTINCT
        }
        rest = {
            column: [left(counts, terms, -1) or 0 for terms in these]
            for column, these in sums.items()
            if these
        }
        if window or not any(not any(values) for values in rest.values()):
            continue
        for column, values in rest.items():
            if any(values) and (min(values) >= 0 or max(values) <= 0):
                found.nested[total.name, fine.name, column] = 1 if min(values) >= 0 else -1


def add_nested(counts: Counts, sheets: tuple[Sheet, Sheet], parts: Parts, found: Relations) -> None:
    """Add what one of two tables counts and the other does not: nobody may find it either."""
    total, fine = sheets
    columns = [c for c in total.counts if (total.name, fine.name, c) in found.nested]
    if not columns:
        return
    for rows, _ in sums_of(total, fine, parts):
        for column in columns:
            sign = found.nested[total.name, fine.name, column]
            for terms in _sums(counts, sheets, column, rows):
                place = counts.places[terms[0][0]]
                key = (total.name, fine.name, column, place.row)
                if key not in found.apart:
                    continue  # the same in both
                name = f"{column} in {(total, fine)[sign < 0].name} alone, beside {fine.name}"
                value = left(counts, terms, -sign)
                number = counts.add(place._replace(column=name), State.NOWHERE, value)
                counts.renew([number])
                counts.equate([*terms, (number, -sign)], 0, name)


def add_margins(
    counts: Counts,
    sheets: tuple[Sheet, Sheet],
    all_sheets: Iterable[Sheet],
    parts: Parts,
    found: Relations,
    new: bool,
    guessed: bool,
) -> None:
    """Add that two tables of the same persons by different groups have equal sums.

    Where another table has these sums, both are its parts already.
    """
    one, other = sheets
    common = {*(set(one.keys) & set(other.by)), *(set(other.keys) & set(one.by))}
    if common in (set(one.keys), set(other.keys)) or (WINDOW in one.keys) != (WINDOW in other.keys):
        return
    if WINDOW in one.keys and WINDOW not in common:
        return
    there = {c for s in all_sheets if set(s.keys) == common for c in s.counts}
    groups = [_by_group(sheet, common, sheets, parts) for sheet in sheets]
    for column in (c for c in one.counts if c in other.counts and c not in (there | DISTINCT)):
        sums: dict[tuple[str, str, str, int], Terms] = {}
        for place, member in enumerate(m for m in groups[0] if m in groups[1]):
            cells = [
                (counts.number.get(Place(sheet.name, row, column)), sign)
                for sheet, rows, sign in zip(sheets, groups, (1, -1), strict=True)
                for row in rows[member]
            ]
            terms = [(number, sign) for number, sign in cells if number is not None]
            if len(terms) == len(cells):
                sums[one.name, other.name, f"sums of {column}", place] = terms
        wrong = {key for key, terms in sums.items() if new and not holds(counts, terms)}
        found.apart.update(sums if guessed and wrong else wrong)
        for key, terms in sums.items():
            if key not in found.apart:
                counts.equate(terms, 0, f"{one.name} and {other.name}")


def _by_group(
    sheet: Sheet, common: set[str], sheets: tuple[Sheet, Sheet], parts: Parts
) -> dict[tuple[str, ...], list[int]]:
    """Rows by what both tables say of them, without those that stand beside their own parts."""
    summed = [key for key in sheet.keys if key not in common]
    # In a fixed order; a group that is summed in one of them is none of both.
    every = {key for one in sheets for key in one.keys if key not in common}
    match = sorted((set(sheets[0].by) & set(sheets[1].by)) - every)
    groups: dict[tuple[str, ...], list[int]] = {}
    for row in range(len(sheet.frame)):
        if not any(_is_total(sheet, row, key, parts) for key in summed):
            groups.setdefault(tuple(sheet.member(row, key) for key in match), []).append(row)
    return groups


def _add_distinct(
    counts: Counts, sheets: tuple[Sheet, Sheet], column: str, sums: Sequence[Terms]
) -> bool:
    """Add that a whole is at most the sum of its parts, and none of them more than the whole.

    Where that is not so, the name means something else: nothing is added, and False returned.
    """
    total, fine = sheets
    lines: list[tuple[int, str, Terms]] = []
    for terms in sums:
        (whole, _), *parts = terms
        row = counts.places[whole].row
        rest = [(number, -factor) for number, factor in terms]
        lines.append((row, f"{column} in more than one row of {fine.name}", rest))
        for k, part in enumerate(parts):
            lines.append((row, f"{column} not in {fine.name}, {k}", [(whole, 1), part]))
    slack = [left(counts, found, -1) for _, _, found in lines]
    if any(value is not None and value < 0 for value in slack):
        return False
    for (row, name, found), value in zip(lines, slack, strict=True):
        number = counts.add(Place(total.name, row, name), State.SLACK, value)
        counts.renew([number])
        counts.equate([*found, (number, -1)], 0, name)
    return True


def _rows_of(
    total: Sheet, fine: Sheet, parts: Parts, window: str | None = None
) -> dict[int, list[int]]:
    """For each row of a table of totals the rows of another that it holds, of one window."""
    summed = [key for key in fine.keys if key not in (*total.keys, WINDOW)]
    # What both say of all their rows must be the same too: one area's table is not another's.
    match = [column for column in total.by if column in fine.by and column not in summed]
    if window is None and WINDOW in fine.keys and WINDOW not in total.keys:
        summed.append(WINDOW)
    holds: dict[tuple[str, ...], list[int]] = {}
    for row in range(len(fine.frame)):
        if any(_is_total(fine, row, key, parts) for key in summed) or _is_other(fine, row, window):
            continue
        holds.setdefault(tuple(fine.member(row, key) for key in match), []).append(row)
    return {
        row: holds.get(tuple(total.member(row, key) for key in match), [])
        for row in range(len(total.frame))
        if not _is_other(total, row, window)
    }


def _is_other(sheet: Sheet, row: int, window: str | None) -> bool:
    """Whether a row is of another window."""
    return window is not None and WINDOW in sheet.members and sheet.member(row, WINDOW) != window


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
                if not holds(counts, terms):
                    error = DataError(
                        f'table "{sheet.name}", row {row}: "{column}" of {dimension} {member} is '
                        "not the sum of its parts"
                    )
                    error.row, error.column = row, column
                    raise error
                counts.equate(terms, 0, why)
                continue
            value = left(counts, terms, -1)
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
