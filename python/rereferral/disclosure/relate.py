"""Everything that the counts of a release add up to."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from rereferral.disclosure.counts import Counts
from rereferral.disclosure.equations import Declared, add_ledgers, add_rows, is_ledger
from rereferral.disclosure.relations import Parts, Relations
from rereferral.disclosure.sheets import Sheet
from rereferral.disclosure.totals import (
    add_ends,
    add_margins,
    add_nested,
    add_parts,
    add_totals,
    find_nested,
    sums_of,
    views_of,
)
from rereferral.disclosure.windows import add_windows, find_windows

__all__ = ["relate"]


def relate(
    counts: Counts,
    sheets: Sequence[Sheet],
    parts: Parts,
    declared: Declared,
    *,
    known: Relations | None = None,
    guessed: bool = False,
    one_release: Iterable[str] = (),
) -> Relations:
    """Add everything that counts of a release add up to.

    Within the rows of tables: `EQUATIONS`, those that are declared, and ledgers line by line. One
    column of an equation may be in no table: a complement, which nobody may find either. Between
    tables: rows and what they are the total of, two tables of the same persons by different groups,
    windows that hold one another, and parts that are declared.

    Parameters
    ----------
    counts : Counts
        Of all tables.
    sheets : sequence of Sheet
        The tables.
    parts : mapping
        Members of groups that stand beside their own parts, and are not summed with them.
    declared : Declared
        Equations that must hold; those of `EQUATIONS` are left out of tables where they do not.
    known : Relations, optional
        What was found from the counts themselves; by default it is found here.
    guessed : bool, default False
        Whether the counts are not known, but what was published of them: then columns of one name
        are taken for the same measure only where all of their sums may agree, else row by row.
    one_release : iterable of str
        Names of tables that are published together, so that a column of one name differs between
        them because it counts more, and not because the data changed.

    Returns
    -------
    Relations

    Raises
    ------
    DataError
        An equation that must hold does not, a part exceeds its whole, or is not the sum of its
        parts.
    """
    found = known or Relations()
    if known is None:
        find_windows(counts, sheets, found)
    add_rows(counts, sheets, declared, found)
    add_ledgers(counts, sheets, found)
    together = frozenset(one_release)
    new = known is None
    views = [view for sheet in sheets for view in views_of(sheet)]
    add_ends(counts, filter(is_ledger, sheets), views, parts, found)
    for total, fine in itertools.permutations(views, 2):
        if total.sheet is fine.sheet:
            continue
        rows = sums_of(total, fine, parts)
        add_totals(counts, (total, fine), rows, found, new, guessed)
        if new and not guessed and {total.sheet.name, fine.sheet.name} <= together:
            find_nested(counts, (total, fine), rows, found)
        add_nested(counts, (total, fine), rows, found)
    for one, other in itertools.combinations(views, 2):
        if one.sheet is not other.sheet:
            of_one = {one.sheet.name, other.sheet.name} <= together
            add_margins(counts, (one, other), parts, found, new, guessed, of_one)
    add_parts(counts, sheets, parts)
    add_windows(counts, sheets, found)
    return found
