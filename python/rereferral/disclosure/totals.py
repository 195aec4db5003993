"""What the rows of one table come to in another: totals, parts, and sums of the same persons."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from rereferral.disclosure.counts import Counts, Place, State
from rereferral.disclosure.relations import (
    WINDOW,
    Key,
    Parts,
    Relations,
    Terms,
    equate_where_it_holds,
    holds,
    left,
)
from rereferral.disclosure.sheets import Sheet
from rereferral.errors import DataError

__all__ = [
    "View",
    "add_ends",
    "add_margins",
    "add_nested",
    "add_parts",
    "add_totals",
    "find_nested",
    "sums_of",
    "views_of",
    "with_total_rows",
]

DISTINCT = frozenset({"children", "rereferrals", "rereferred_children", "persons"})
"""Counts of what may be counted in several parts of a whole: no more than these together."""

DENOMINATORS = ("n", "followed")
"""What a ledger ends with, by the names that rates and curves have for it."""

_TOTALS = frozenset(
    {
        "all",
        "all areas",
        "all authorities",
        "all regions",
        "all years",
        "england",
        "grand total",
        "overall",
        "sum",
        "total",
    }
)
"""What the row below the others is called."""


@dataclasses.dataclass(frozen=True, eq=False)
class View:
    """The rows of a table that are of one window; all of a table without windows.

    Attributes
    ----------
    sheet : Sheet
        The table.
    window : str
        Which; ``""``: the table does not say.
    keys, by : tuple of str
        As of the table, without the window.
    rows : list of int
        Its rows, numbered as in the table.
    """

    sheet: Sheet
    window: str
    keys: tuple[str, ...]
    by: tuple[str, ...]
    rows: list[int]

    @property
    def title(self) -> str:
        """What it is called among `Relations`."""
        return f"{self.sheet.name} within {self.window}" if self.window else self.sheet.name


def views_of(sheet: Sheet) -> list[View]:
    """A table as one view, or as one for each window."""
    keys, by = (tuple(c for c in columns if c != WINDOW) for columns in (sheet.keys, sheet.by))
    if WINDOW not in sheet.by:
        return [View(sheet, "", keys, by, list(range(len(sheet.frame))))]
    windows = sheet.members[WINDOW]
    return [
        View(sheet, window, keys, by, [row for row, one in enumerate(windows) if one == window])
        for window in dict.fromkeys(windows)
    ]


def sums_of(total: View, fine: View, parts: Parts) -> dict[int, list[int]]:
    """For each row of a view the rows of another that it is the total of; none where it is not."""
    if not set(total.keys) <= set(fine.by):
        return {}
    same = set(total.keys) == set(fine.keys)
    if same and total.title >= fine.title:
        return {}  # once is enough
    return _rows_of(total, fine, {} if same else parts)


def add_totals(
    counts: Counts,
    views: tuple[View, View],
    rows: Mapping[int, Sequence[int]],
    found: Relations,
    new: bool,
    guessed: bool,
) -> None:
    """Add what rows of one table sum to in another one with fewer groups, or with the same.

    Of two windows that both tables name a column is the same in all rows, or in none.
    """
    total, fine = views
    why = f"{total.title} from {fine.title}"
    others = total.window and fine.window and total.window != fine.window
    at_once = guessed or bool(others)
    for column in total.sheet.counts:
        sums = _sums(counts, views, column, rows)
        if not sums:
            continue
        if column in DISTINCT and set(total.keys) != set(fine.keys):
            if (total.title, fine.title, column, 0) not in found.apart and not _add_distinct(
                counts, views, column, sums
            ):
                found.apart.add((total.title, fine.title, column, 0))
            continue
        named = {
            (total.title, fine.title, column, counts.places[terms[0][0]].row): terms
            for terms in sums
        }
        if new:
            _keep_apart(counts, named, found, at_once)
        for key, terms in named.items():
            if key not in found.apart:
                counts.equate(terms, 0, why)


def _keep_apart(counts: Counts, sums: Mapping[Key, Terms], found: Relations, at_once: bool) -> None:
    """Keep which sums do not hold; at once: none, if one of them does not."""
    wrong = {key for key, terms in sums.items() if not holds(counts, terms)}
    found.apart.update(sums if at_once and wrong else wrong)


def find_nested(
    counts: Counts,
    views: tuple[View, View],
    rows: Mapping[int, Sequence[int]],
    found: Relations,
) -> None:
    """Find columns that count more in one view than in another, of the same persons.

    They are of the same persons where another column is the same in both; and a total that is
    nowhere less than the sum of its parts has others, who are in no table.
    """
    total, fine = views
    sums = {
        column: _sums(counts, views, column, rows)
        for column in total.sheet.counts
        if column not in DISTINCT
    }
    _keep_nested(counts, (total.title, fine.title), sums, found, set(total.keys) != set(fine.keys))


def _keep_nested(
    counts: Counts,
    titles: tuple[str, str],
    sums: Mapping[str, Sequence[Terms]],
    found: Relations,
    is_total: bool,
) -> None:
    rest = {
        column: [left(counts, terms, -1) or 0 for terms in these]
        for column, these in sums.items()
        if these
    }
    same = any(not any(values) for values in rest.values())
    others = is_total and all(min(values) >= 0 for values in rest.values())
    if not (same or others):
        return
    for column, values in rest.items():
        if any(values) and (min(values) >= 0 or max(values) <= 0):
            found.nested[*titles, column] = 1 if min(values) >= 0 else -1


def add_nested(
    counts: Counts,
    views: tuple[View, View],
    rows: Mapping[int, Sequence[int]],
    found: Relations,
) -> None:
    """Add what one of two views counts and the other does not: nobody may find it either."""
    total, fine = views
    columns = [c for c in total.sheet.counts if (total.title, fine.title, c) in found.nested]
    for column in columns:
        for terms in _sums(counts, views, column, rows):
            key = (total.title, fine.title, column, counts.places[terms[0][0]].row)
            _add_more(counts, terms, key, found)


def _add_more(counts: Counts, terms: Terms, key: Key, found: Relations) -> None:
    """Add what the first of some counts has more than the others, or less."""
    if key not in found.apart:
        return  # the same in both
    sign = found.nested[key[:3]]
    one, other = key[:2] if sign > 0 else key[1::-1]
    name = f"{key[2]} in {one} alone, beside {other}"
    value = left(counts, terms, -sign)
    place = counts.places[terms[0][0]]._replace(column=name)
    number = counts.add(place, State.NOWHERE, value)
    counts.renew([number])
    counts.equate([*terms, (number, -sign)], 0, name)


def add_margins(
    counts: Counts,
    views: tuple[View, View],
    parts: Parts,
    found: Relations,
    new: bool,
    guessed: bool,
    one_release: bool,
) -> None:
    """Add that two tables of the same persons by different groups have equal sums."""
    one, other = views
    common = {*(set(one.keys) & set(other.by)), *(set(other.keys) & set(one.by))}
    if common in (set(one.keys), set(other.keys)):
        return
    groups = [_by_group(view, common, views, parts) for view in views]
    of_column: dict[str, dict[Key, Terms]] = {}
    for column in one.sheet.counts:
        if column in DISTINCT or column not in other.sheet.counts:
            continue
        sums = of_column.setdefault(column, {})
        for place, member in enumerate(m for m in groups[0] if m in groups[1]):
            cells = [
                (counts.number.get(Place(view.sheet.name, row, column)), sign)
                for view, rows, sign in zip(views, groups, (1, -1), strict=True)
                for row in rows[member]
            ]
            terms = [(number, sign) for number, sign in cells if number is not None]
            if len(terms) == len(cells):
                key = (one.title, other.title, f"sums of {column}", place)
                sums[key] = terms
    for sums in of_column.values() if new else ():
        _keep_apart(counts, sums, found, guessed)
    if new and one_release and not guessed:
        named = {f"sums of {column}": [*sums.values()] for column, sums in of_column.items()}
        _keep_nested(counts, (one.title, other.title), named, found, is_total=False)
    for key, terms in (pair for sums in of_column.values() for pair in sums.items()):
        if key not in found.apart:
            counts.equate(terms, 0, f"{one.title} and {other.title}")
        elif key[:3] in found.nested:
            _add_more(counts, terms, key, found)


def _by_group(
    view: View, common: set[str], views: tuple[View, View], parts: Parts
) -> dict[tuple[str, ...], list[int]]:
    """Rows by what both tables say of them, without those that stand beside their own parts."""
    summed = [key for key in view.keys if key not in common]
    # In a fixed order; a group that is summed in one of them is none of both.
    every = {key for one in views for key in one.keys if key not in common}
    match = sorted((set(views[0].by) & set(views[1].by)) - every)
    groups: dict[tuple[str, ...], list[int]] = {}
    for row in view.rows:
        if not any(_is_total(view.sheet, row, key, parts) for key in summed):
            groups.setdefault(tuple(view.sheet.member(row, key) for key in match), []).append(row)
    return groups


def _add_distinct(
    counts: Counts, views: tuple[View, View], column: str, sums: Sequence[Terms]
) -> bool:
    """Add that a whole is at most the sum of its parts, and none of them more than the whole.

    Where that is not so, the name means something else: nothing is added, and False returned.
    """
    total, fine = views
    lines: list[tuple[int, str, Terms]] = []
    for terms in sums:
        (whole, _), *parts = terms
        row = counts.places[whole].row
        rest = [(number, -factor) for number, factor in terms]
        lines.append((row, f"{column} in more than one row of {fine.title}", rest))
        for k, part in enumerate(parts):
            lines.append((row, f"{column} not in {fine.title}, {k}", [(whole, 1), part]))
    slack = [left(counts, found, -1) for _, _, found in lines]
    if any(value is not None and value < 0 for value in slack):
        return False
    for (row, name, found), value in zip(lines, slack, strict=True):
        number = counts.add(Place(total.sheet.name, row, name), State.SLACK, value)
        counts.renew([number])
        counts.equate([*found, (number, -1)], 0, name)
    return True


def _rows_of(total: View, fine: View, parts: Parts) -> dict[int, list[int]]:
    """For each row of a table of totals the rows of another that it holds."""
    summed = [key for key in fine.keys if key not in total.keys]
    # What both say of all their rows must be the same too: one area's table is not another's.
    match = [column for column in total.by if column in fine.by and column not in summed]
    holding: dict[tuple[str, ...], list[int]] = {}
    for row in fine.rows:
        if not any(_is_total(fine.sheet, row, key, parts) for key in summed):
            said = tuple(fine.sheet.member(row, key) for key in match)
            holding.setdefault(said, []).append(row)
    return {
        row: holding.get(tuple(total.sheet.member(row, key) for key in match), [])
        for row in total.rows
    }


def _is_total(sheet: Sheet, row: int, key: str, parts: Parts) -> bool:
    """Whether a row stands beside its own parts."""
    within = parts.get(key, {}).get(sheet.member(row, key))
    return within is not None and not set(within).isdisjoint(sheet.members[key])


def _sums(
    counts: Counts, views: tuple[View, View], column: str, rows: Mapping[int, Sequence[int]]
) -> list[Terms]:
    total, fine = views
    sums = []
    for row, within in rows.items():
        number = counts.number.get(Place(total.sheet.name, row, column))
        terms = [counts.number.get(Place(fine.sheet.name, part, column)) for part in within]
        if number is None or not terms or None in terms:
            continue
        sums.append([(number, 1), *((part, -1) for part in terms if part is not None)])
    return sums


def add_ends(
    counts: Counts, ledgers: Iterable[Sheet], views: Sequence[View], parts: Parts, found: Relations
) -> None:
    """Add that a ledger ends with the denominator: the sum of a table, wherever it is that."""
    for sheet in ledgers:
        tables = sheet.members.get("table", [""] * len(sheet.frame))
        for row in {name: row for row, name in enumerate(tables)}.values():
            end = counts.number.get(Place(sheet.name, row, "remaining"))
            if end is None:
                continue
            for view in views:
                for column in (c for c in DENOMINATORS if c in view.sheet.counts):
                    held = [
                        counts.number.get(Place(view.sheet.name, one, column))
                        for one in view.rows
                        if not any(_is_total(view.sheet, one, key, parts) for key in view.keys)
                    ]
                    terms = [(end, 1), *((number, -1) for number in held if number is not None)]
                    if len(terms) == len(held) + 1 > 1:
                        key = (sheet.name, view.title, f"end, {column}", row)
                        equate_where_it_holds(counts, terms, key, found, f"end of {sheet.name}")


def with_total_rows(counts: Counts, sheets: Sequence[Sheet], parts: Parts) -> Parts:
    """Parts as declared, and rows that are called a total and are the sum of the others.

    A table with counts of what may stand in several rows is left as it is.
    """
    found = {dimension: dict(wholes) for dimension, wholes in parts.items()}
    for sheet in sheets:
        for key in () if DISTINCT & set(sheet.counts) else sheet.keys:
            members = list(dict.fromkeys(sheet.members[key]))
            wholes = [member for member in members if member.casefold() in _TOTALS]
            rest = [member for member in members if member not in wholes]
            if len(wholes) != 1 or wholes[0] in found.get(key, {}):
                continue
            if _is_sum(counts, sheet, key, wholes[0]):
                found.setdefault(key, {})[wholes[0]] = rest
    return found


def _is_sum(counts: Counts, sheet: Sheet, key: str, whole: str) -> bool:
    """Whether all counts of a member of a group may be the sums of the others."""
    sums: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    for row in range(len(sheet.frame)):
        sign = 1 if sheet.member(row, key) == whole else -1
        rest = tuple(sheet.member(row, other) for other in sheet.keys if other != key)
        for column in sheet.counts:
            number = counts.number.get(Place(sheet.name, row, column))
            if number is not None:
                sums.setdefault((column, *rest), []).append((number, sign))
    return all(holds(counts, terms) for terms in sums.values() if len({s for _, s in terms}) == 2)


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
