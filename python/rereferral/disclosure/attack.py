"""The attack on a release: which values every hidden count could have, from what is published."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from rereferral.disclosure.audit import Range, ranges
from rereferral.disclosure.counts import LOW, Counts, Place, State, shown_counts
from rereferral.disclosure.derived import (
    add_limits,
    add_medians,
    add_shares,
    decimals_of,
    is_share,
    shares_of,
)
from rereferral.disclosure.equations import Declared, declared_of
from rereferral.disclosure.relate import relate
from rereferral.disclosure.relations import Relations
from rereferral.disclosure.sheets import (
    GROUPS,
    HIDES,
    WORDS,
    Sheet,
    is_derived,
    is_group,
    read_sheets,
    row_label,
    tell_each_other,
)
from rereferral.disclosure.system import System
from rereferral.disclosure.totals import with_total_rows
from rereferral.errors import DataError
from rereferral.rules import DFE, Rule, checked
from rereferral.small_tables import small_table

__all__ = ["Attack", "Released", "attack", "attack_release"]


class Attack:
    """What an attack found out. Made by `rereferral.attack`.

    Attributes
    ----------
    table : DataFrame
        A row for each count that nobody may find: ``table``, ``row``, ``column``, ``least`` and
        ``most`` (what it could be), ``values`` (how many values were shown to be possible, no more
        than the rule wants), ``found`` (whether these are too few).
    rule : Rule
        What was to be met.
    apart : list of (str, str, str)
        Table of totals, table and column that do not add up, and were not taken to.
    """

    def __init__(
        self, table: pd.DataFrame, rule: Rule, apart: Iterable[tuple[str, str, str]] = ()
    ) -> None:
        self.table = table
        self.rule = rule
        self.apart = list(apart)

    @property
    def passed(self) -> bool:
        """Whether no count was found."""
        return not self.table["found"].any()

    def words(self) -> str:
        """How many counts were looked for, how many of them were found, and what did not add up."""
        found = self._found_in_words()
        if not self.apart:
            return found
        which = "; ".join(f'{c} of "{fine}" to "{total}"' for total, fine, c in self.apart)
        return f"{found} Not taken to add up, since it cannot: {which}."

    def _found_in_words(self) -> str:
        n, found = len(self.table), int(self.table["found"].sum())
        if n == 0:
            return "There is no small count to look for."
        looked = "1 small count was" if n == 1 else f"{n:,} small counts were"
        if found == 0:
            each = "it" if n == 1 else "each"
            return (
                f"{looked} looked for, none found: {each} could still be "
                f"{self.rule.values} values or more."
            )
        first = self.table[self.table["found"]].iloc[0]
        span = (
            f"is {first['least']}"
            if first["least"] == first["most"]
            else f"lies between {first['least']} and {first['most']}"
        )
        return (
            f"{looked} looked for, {found:,} found, such as {first['column']} of {first['row']} in "
            f'table "{first["table"]}": it {span}.'
        )

    def __repr__(self) -> str:
        return f"Attack: {self.words()}"


def attack(
    tables: Mapping[str, Any],
    rule: Rule | str = DFE,
    *,
    area: str | None = "authority",
    by: Mapping[str, Sequence[str]] | None = None,
    counts: Mapping[str, Sequence[str]] | None = None,
    parts: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    equations: Iterable[str] | Mapping[str, Iterable[str]] = (),
    log: pd.DataFrame | None = None,
) -> Attack:
    """Try to find the counts that published tables hide.

    Whoever attacks knows the rule, that counts are whole numbers, how they were rounded, and all
    that the tables say: what they add up to, and what rates, limits and medians tell.

    Parameters
    ----------
    tables : mapping of str to table
        As published: numbers, and the rule's symbol where a count or what follows from it is
        hidden; square brackets about symbols do not matter.
    rule : Rule or str, default `rereferral.rules.DFE`
        By which they were protected: a rule, or the name of a published one.
    area : str or None, default "authority"
        The column of areas; tables without it are of several areas together.
    by, counts : mapping, optional
        Group and count columns by table. By default counts are columns of whole numbers, be they
        text or not, and columns with the rule's symbol; groups are columns of other text.
    parts : mapping, optional
        Members of groups that are sums of others, as `rereferral.protect` has it.
    equations : iterable of str, or mapping of str to these, optional
        What holds within each row, as `rereferral.protect` has it.
    log : DataFrame, optional
        The log of the release, which says of hidden counts that are not small. Without it all that
        are hidden are taken to be small.

    Returns
    -------
    Attack

    Raises
    ------
    DataError
        A cell is neither a number nor a symbol, or what is published contradicts itself.
    RereferralError
        scipy is missing.

    Examples
    --------
    Two hidden counts and their total, the other one shown:

    >>> import pandas as pd
    >>> import rereferral as rr
    >>> naive = {
    ...     "authorities": pd.DataFrame(
    ...         {"region": "R", "authority": ["A", "B", "C"], "n": ["100", "c", "c"]}),
    ...     "region": pd.DataFrame({"region": ["R"], "n": ["102"]})}
    >>> rr.attack(naive)
    Attack: 2 small counts were looked for, 2 found, such as n of B in table "authorities": it is 1.
    """
    rule = checked(rule)
    guessed_by, guessed_counts = _guessed(tables, rule, area)
    sheets = read_sheets(
        tables,
        by=guessed_by | dict(by or {}),
        counts=guessed_counts | dict(counts or {}),
        area=area,
        always=parts or {},
        published=True,
    )
    sheets = tell_each_other(sheets)
    all_counts = Counts(rule)
    for sheet in sheets:
        shown_counts(all_counts, sheet, {} if log is None else _beside(sheet, log))
    wholes = with_total_rows(all_counts, sheets, parts or {})
    found_out = relate(all_counts, sheets, wholes, declared_of(equations), guessed=True)
    names = {sheet.name for sheet in sheets}
    columns = {column for sheet in sheets for column in sheet.counts}
    apart = sorted({key[:3] for key in found_out.apart if key[1] in names and key[2] in columns})
    wanted = [
        number
        for number, state in enumerate(all_counts.state)
        if state in (State.SMALL, State.BESIDE, State.NOWHERE)
    ]
    for sheet in sheets:
        for column, sources in sheet.derived.items():
            if is_share(str(column), sources):
                decimals = decimals_of(sheet.frame[column])
                shown = shares_of(sheet, range(len(sheet.frame)), decimals)
                add_shares(all_counts, sheet, {str(column): shown[str(column)]}, decimals)
        add_medians(all_counts, sheet)
        add_limits(all_counts, sheet)
    found = ranges(System(all_counts), wanted, rule.values)
    low, high = rule.small
    # Of a complement only what was found says whether it is small.
    judged = {
        number: span
        for number, span in found.items()
        if all_counts.state[number] == State.SMALL
        or (len(span.values) < rule.values and low <= span.least and span.most <= high)
    }
    return _told(all_counts, sheets, judged, apart)


def _beside(sheet: Sheet, log: pd.DataFrame) -> dict[Place, int]:
    """The counts of a table of which the log says that they are not small."""
    mine = log[(log["table"] == sheet.name) & (log["done"] == "beside")]
    rows = {row_label(sheet, row): row for row in range(len(sheet.frame))}
    return {
        Place(sheet.name, rows[line.row], line.column): State.BESIDE
        for line in mine.itertuples()
        if line.row in rows
    }


def _guessed(
    tables: Mapping[str, Any], rule: Rule, area: str | None
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Group and count columns of tables as published, in which numbers may be text."""
    by: dict[str, list[str]] = {}
    counts: dict[str, list[str]] = {}
    for name, table in tables.items():
        frame = small_table(table, f'table "{name}"')
        by[name], counts[name] = [], []
        for column in map(str, frame.columns.difference([*WORDS], sort=False)):
            text = frame[column].astype(str).str.strip("[] ").str.replace(",", "")
            told = text[~text.isin([rule.symbol, LOW, "x", "z", "nan", "<NA>", ""])]
            numbers = told.str.fullmatch(r"-?\d+(\.\d+)?")
            odd = told[~numbers]
            if column != area and numbers.any() and odd.str.fullmatch(HIDES).all() and len(odd):
                raise DataError(
                    f'table "{name}", column "{column}", row {odd.index[0]}: {odd.iloc[0]!r} is '
                    f"neither a number nor the symbol of the rule, {rule.symbol}; a rule of your "
                    "own may have another: rereferral.rules.Rule(..., symbol=...)"
                )
            hidden = (text == rule.symbol).any() and (numbers.any() or not len(told))
            group = is_group(frame[column], column) and (column in GROUPS or not numbers.all())
            if column == area or (group and not hidden):
                by[name].append(column)
            elif not is_derived(column) and not told.str.contains(".", regex=False).any():
                counts[name].append(column)
    return by, counts


class Released:
    """What is known of a release apart from its cells.

    Attributes
    ----------
    sheets : list of Sheet
        Its tables as published, symbols and all, those of earlier releases too.
    kinds : dict of Place to int
        What the log says of hidden counts.
    known : dict of Place to int
        Counts that are in no table and known to all.
    relations : Relations
        Which of the equations that could hold between the tables do.
    parts, equations
        As declared.
    quotients : dict of (str, str) to set of int
        By table and column the rows in which a share is one count over another.
    true : list of Sheet
        The same tables as they were given: for a later release, which must not undo this one.
    secrets : list of Place
        The counts that nobody may find.
    """

    def __init__(
        self,
        sheets: Sequence[Sheet],
        kinds: dict[Place, int],
        known: dict[Place, int],
        relations: Relations,
        parts: Mapping[str, Mapping[str, Sequence[str]]],
        equations: Declared,
        quotients: Mapping[tuple[str, str], Collection[int]],
        true: Sequence[Sheet],
        secrets: Sequence[Place],
    ) -> None:
        self.sheets = list(sheets)
        self.kinds = kinds
        self.known = known
        self.relations = relations
        self.quotients = dict(quotients)
        self.parts = parts
        self.equations = equations
        self.true = list(true)
        self.secrets = list(secrets)


def attack_release(released: Released, rule: Rule) -> Attack:
    """Attack what was published, read again from its cells, with the log in hand."""
    counts = Counts(rule)
    for sheet in released.sheets:
        shown_counts(counts, sheet, released.kinds)
    relate(counts, released.sheets, released.parts, released.equations, known=released.relations)
    for place, value in released.known.items():
        number = counts.number[place]
        counts.low[number] = counts.high[number] = value
    for sheet in released.sheets if not rule.zeroed else ():
        decimals = rule.decimals + 2
        shares = shares_of(sheet, range(len(sheet.frame)), decimals)
        # Every other rate, as a Kaplan-Meier risk, is no quotient of the counts beside it.
        told = {
            column: {
                row: share
                for row, share in cells.items()
                if row in released.quotients.get((sheet.name, column), ())
            }
            for column, cells in shares.items()
        }
        add_shares(counts, sheet, told, decimals)
    numbers = [counts.number[place] for place in released.secrets]
    return _told(counts, released.sheets, ranges(System(counts), numbers, rule.values))


def _told(
    counts: Counts,
    sheets: Iterable[Sheet],
    found: Mapping[int, Range],
    apart: Iterable[tuple[str, str, str]] = (),
) -> Attack:
    by_name = {sheet.name: sheet for sheet in sheets}
    lines = []
    for number in sorted(found):
        table, row, column = counts.places[number]
        span = found[number]
        label = row_label(by_name[table], row)
        few = len(span.values) < counts.rule.values
        lines.append((table, label, column, span.least, span.most, len(span.values), few))
    columns = ["table", "row", "column", "least", "most", "values", "found"]
    return Attack(pd.DataFrame(lines, columns=columns), counts.rule, apart)
