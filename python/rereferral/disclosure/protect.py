"""`rereferral.protect`: tables of one release, made safe together."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rereferral.disclosure.attack import Released
from rereferral.disclosure.counts import Counts, Place, State, true_counts
from rereferral.disclosure.curves import Curves, coarser, is_curve, totals_of
from rereferral.disclosure.derived import add_shares
from rereferral.disclosure.equations import Declared, declared_of, lacking_of
from rereferral.disclosure.relate import relate
from rereferral.disclosure.relations import WINDOW, Parts, Relations
from rereferral.disclosure.release import Release
from rereferral.disclosure.sheets import Sheet, read_sheets, tell_each_other
from rereferral.disclosure.shown import WHY, Shown, shares_from_counts
from rereferral.disclosure.suppress import NotSafe, hide_beside
from rereferral.disclosure.totals import with_total_rows
from rereferral.errors import DataError, RuleError
from rereferral.rules import DFE, Rule, checked
from rereferral.small_tables import small_table

__all__ = ["protect"]

_AREA = "authority"


def protect(
    tables: Mapping[str, Any],
    rule: Rule | str = DFE,
    *,
    area: str | None = _AREA,
    by: Mapping[str, Sequence[str]] | None = None,
    counts: Mapping[str, Sequence[str]] | None = None,
    parts: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    equations: Iterable[str] | Mapping[str, Iterable[str]] = (),
    earlier: Release | Sequence[Release] = (),
) -> Release:
    """Make the tables of a release safe to publish together.

    Small counts are hidden, with every rate and limit that follows from them; then as few others
    as it takes so that nobody can find a small count from all tables together: not by sums and
    differences, not by complements, not from earlier releases, not by rounding.

    Parameters
    ----------
    tables : mapping of str to table
        All tables of the release by name, as `Links.rates` and `Links.curve` give them, or others
        with counts. A column of the same name is the same measure in each.
    rule : Rule or str, default `rereferral.rules.DFE`
        What is small and how it is hidden: one of `rereferral.rules` or its name, or your own.
    area : str or None, default "authority"
        The column of areas. Tables without it are of several areas together, and rounded as the
        rule rounds totals; None: all counts are treated as those of one area.
    by : mapping, optional
        Group columns by table, where they are not all columns of text.
    counts : mapping, optional
        Count columns by table, where they are not all other columns of whole numbers.
    parts : mapping, optional
        Members of groups that are sums of others:
        ``{"region": {"London": ["Inner London", "Outer London"]}}``,
        ``{"financial_year": {"2015-16 to 2016-17": ["2015-16", "2016-17"]}}``. They may stand in
        one table or in several, and in earlier releases.
    equations : iterable of str, or mapping of str to these, optional
        What holds within each row, beside ``n = linked + not_linked`` and the chain of a report:
        ``"n = girls + boys + not_stated"``, ``"closed <= referred"``. One name may be in no table.
        A mapping has equations of single tables, by the name of the table.
    earlier : Release or sequence of Release, optional
        What was published before on the same persons.

    Returns
    -------
    Release

    Raises
    ------
    DataError
        A count is negative or no whole number, a part exceeds its whole, an equation that was
        given does not hold, or rows cannot be told apart.
    RuleError
        Curves are to be protected by a rule that shows small counts as 0; a small count follows
        from what was published before, or cannot be hidden; or the release
        does not withstand its attack, which reads it again from what is published.
    RereferralError
        scipy is missing.

    Notes
    -----
    A row is held against the rows of another table that share its groups, and taken for their sum
    where it is; where it is not, the notes say so. Two tables of the same persons by different
    groups have equal sums. A longer window holds a shorter one, in one table or in several. A row
    called a total is the sum of the others where it is. Ledgers are taken line by line.

    Each small count can still have ``rule.values`` values for whoever knows all the rest and which
    counts are hidden for which reason. Hiding is exact for each small count in turn, so that no
    hidden count can be shown again; fewer in all cannot be ruled out. Shares are computed from
    exact counts and rounded once; in rows of rounded counts the limits are computed from what is
    shown. What is not looked into: limits with areas as clusters, design effects, and numbers in
    text.

    Curves come at points three months apart, those of several areas a week, with more events
    between any two than a small count has; a group of which a count is hidden has no curve. Where
    nothing is rounded, the curve of a whole has no point that one of its parts has not, and beside
    windows of the same persons only its ends. Where counts are rounded, so are risks.

    References
    ----------
    M. Fischetti and J. J. Salazar, Solving the cell suppression problem on tabular data with
    linear constraints, Management Science 47 (2001), 1008-1027.

    Examples
    --------
    >>> import pandas as pd
    >>> import rereferral as rr
    >>> rates = pd.DataFrame({"authority": ["A", "B", "C"], "n": [40, 38, 55],
    ...                       "linked": [12, 3, 21]})
    >>> release = rr.protect({"by_authority": rates})
    >>> release.published["by_authority"]
      authority   n linked
    0         A  40     12
    1         B  38      c
    2         C  55     21
    >>> release.attack()
    Attack: 1 small count was looked for, none found: it could still be 3 values or more.
    """
    if not isinstance(tables, Mapping):
        raise RuleError(
            f'tables is a {type(tables).__name__}; give them by name: {{"areas": table}}'
        )
    if not tables:
        raise RuleError("there is no table to protect")
    rule = checked(rule)
    before = [earlier] if isinstance(earlier, Release) else list(earlier)
    for one in before:
        if not isinstance(one, Release):
            raise RuleError(
                f"earlier has a {type(one).__name__}; give what rereferral.protect gave before"
            )
    declared: Declared = declared_of(equations)
    spans: Parts = dict(parts or {})
    given = {name: small_table(table, f'table "{name}"') for name, table in tables.items()}
    if isinstance(equations, Mapping) and (unknown := set(equations) - set(given)):
        raise DataError(f'equations names the table "{min(unknown)}", which is not given')
    curves = {name: table for name, table in given.items() if is_curve(table)}
    if curves and rule.zeroed:
        raise RuleError(
            f'table "{min(curves)}": curves are not safe by the rule {rule.name}, which shows '
            "small counts as 0: their points would tell them; leave curves out"
        )
    sheets = read_sheets(
        _with_totals(given, curves),
        by=dict(by or {}),
        counts=counts or {},
        area=area,
        always=spans,
    )
    sheets = tell_each_other(sheets)
    _refuse_misspelt(sheets, area, spans, () if isinstance(equations, Mapping) else declared)
    old, kinds, theirs = _earlier(before, rule)
    declared += theirs
    everything = Counts(rule)
    for sheet in sheets:
        true_counts(everything, sheet)
    n_counts = len(everything)
    for sheet in old:
        true_counts(everything, sheet, kinds)
    both = [*sheets, *old]
    spans = with_total_rows(everything, both, spans)
    relations = relate(
        everything, both, spans, declared, one_release=[sheet.name for sheet in sheets]
    )
    shares = {sheet.name: shares_from_counts(everything, sheet) for sheet in both}
    if not rule.zeroed:
        for sheet in both:
            shown = _of_shown_rows(everything, sheet, shares[sheet.name])
            add_shares(everything, sheet, shown, rule.decimals + 2)
    secrets = [number for number in range(len(everything)) if everything.is_secret(number)]
    hide_beside(everything, secrets)
    made = {sheet.name: Shown(everything, sheet, shares[sheet.name]) for sheet in both}
    kinds = {
        place: everything.state[number]
        for number, place in enumerate(everything.places)
        if everything.state[number] in (State.SMALL, State.BESIDE)
    }
    released = Released(
        [dataclasses.replace(sheet, frame=made[sheet.name].published) for sheet in both],
        kinds,
        {
            place: value
            for place, value, state in zip(
                everything.places, everything.value, everything.state, strict=True
            )
            if state == State.KNOWN and value is not None
        },
        relations,
        spans,
        declared,
        {
            (name, column): set(cells)
            for name, columns in shares.items()
            for column, cells in columns.items()
        },
        both,
        [everything.places[number] for number in secrets],
    )
    published = {name: each.published for name, each in made.items()}
    shown_tables = {name: each.table for name, each in made.items()}
    lines = [line for sheet in sheets for line in made[sheet.name].log if sheet.name not in curves]
    beside = {sheet.name: _windows_beside(sheet, both, relations) for sheet in sheets}
    told = {
        sheet.name: Curves(
            curves[sheet.name],
            sheet.total,
            _hidden_groups(sheet, made[sheet.name]),
            beside[sheet.name],
        )
        for sheet in sheets
        if sheet.name in curves
    }
    for name, (drawn, left_out) in coarser(told, rule).items():
        shown_tables[name], published[name] = drawn, drawn.astype(object)
        lines += [(name, ", ".join(key), "curve", "with its counts") for key in left_out]
        if beside[name] and rule.base(told[name].total) == 1:
            lines.append((name, "all", "curve", "ends alone"))
    log = pd.DataFrame(lines, columns=["table", "row", "column", "done"])
    log["why"] = log["done"].map(WHY).astype(object)
    release = Release(
        {name: shown_tables[name] for name in given},
        {name: published[name] for name in given},
        log,
        rule,
        released,
        n_counts,
    )
    release.notes += _doubts(sheets, relations)
    if area is not None and all(sheet.total for sheet in both):
        release.notes.append(
            f'No table has the column "{area}": all counts are taken for those of several areas '
            "together. Where they are of one area, give area=None."
        )
    if not release.attack().passed:
        raise NotSafe(f"the release does not withstand its attack: {release.attack().words()}")
    return release


def _with_totals(
    tables: dict[str, pd.DataFrame], curves: dict[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """The tables, with what curves tell of how many there were in their place."""
    columns = {column for table in tables.values() for column in table.columns}
    of_report = "rereferred" in columns
    names = ("rereferred", "followed") if of_report else ("linked", "n")
    return {
        name: totals_of(table, name, names) if name in curves else table
        for name, table in tables.items()
    }


def _windows_beside(curve: Sheet, sheets: Iterable[Sheet], relations: Relations) -> bool:
    """Whether the release tells how many had the event within other windows than a curve's.

    Between a window's end and a point of the curve lie so few days that nobody may subtract them.
    """
    return any(WINDOW in sheet.by and curve.counts[-1] in sheet.counts for sheet in sheets) or any(
        curve.name in (total, fine) for total, fine, _ in relations.nested
    )


def _refuse_misspelt(
    sheets: Sequence[Sheet],
    area: str | None,
    parts: Mapping[str, Mapping[str, Sequence[str]]],
    declared: Declared,
) -> None:
    """Refuse names that no table has: what they were to say would not be known."""
    columns = {str(column) for sheet in sheets for column in sheet.frame.columns}
    if area not in (None, _AREA) and area not in columns:
        raise DataError(f'area names the column "{area}", which no table has')
    for dimension, wholes in parts.items():
        there = {m for sheet in sheets for m in sheet.members.get(dimension, ())}
        for whole, members in wholes.items():
            if there and there.isdisjoint([whole, *members]):
                raise DataError(f'parts names "{whole}" of {dimension}, which no table has')
    for text, _ in declared:
        lacking = [lacking_of(text, set(sheet.counts)) for sheet in sheets]
        if min(map(len, lacking)) > 1:
            names = " and ".join(f'"{name}"' for name in min(lacking, key=len))
            raise DataError(f'"{text}" fits no table: none has a count {names}')


def _doubts(sheets: Sequence[Sheet], relations: Relations) -> list[str]:
    """What was not taken to add up, in words."""
    names = {sheet.name for sheet in sheets}
    columns = {column for sheet in sheets for column in sheet.counts}
    # In how many rows they do not would tell something of each.
    which = [
        f'{column} of "{fine}" to "{total}"'
        for total, fine, column in sorted({key[:3] for key in relations.apart})
        if {total, fine} <= names and column in columns
        if (total, fine, column) not in relations.nested
    ]
    return [f"Not taken to add up everywhere: {'; '.join(which)}."] if which else []


def _hidden_groups(sheet: Sheet, shown: Shown) -> set[tuple[str, ...]]:
    """The groups of a table of curves of which a count is hidden."""
    lost = shown.table[list(sheet.counts)].isna().any(axis=1)
    return {
        tuple(sheet.member(row, column) for column in sheet.by)
        for row in np.flatnonzero(lost.to_numpy()).tolist()
    }


def _earlier(
    releases: Iterable[Release], rule: Rule
) -> tuple[list[Sheet], dict[Place, int], Declared]:
    """The tables of earlier releases under names of their own, what was hidden, and what holds."""
    sheets: list[Sheet] = []
    kinds: dict[Place, int] = {}
    declared: list[tuple[str, str | None]] = []
    for place, release in enumerate(releases, start=1):
        if release.rule != rule:
            raise RuleError(
                f"an earlier release was protected by the rule {release.rule.name}, this one is to "
                f"be by {rule.name}: they cannot be made safe together"
            )
        released = release._released
        names = {sheet.name: f"earlier {place}: {sheet.name}" for sheet in released.true}
        sheets += [dataclasses.replace(s, name=names[s.name]) for s in released.true]
        kinds |= {
            where._replace(table=names[where.table]): state
            for where, state in released.kinds.items()
        }
        declared += [
            (text, table if table is None else names.get(table, table))
            for text, table in released.equations
        ]
    return sheets, kinds, tuple(dict.fromkeys(declared))


def _of_shown_rows(
    counts: Counts, sheet: Sheet, shares: dict[str, dict[int, int]]
) -> dict[str, dict[int, int]]:
    """Shares of rows in which no count that they are made of is hidden."""
    return {
        column: {
            row: share
            for row, share in cells.items()
            if all(
                counts.state[counts.number[Place(sheet.name, row, name)]] == State.SHOWN
                for name in sheet.derived[column]
            )
        }
        for column, cells in shares.items()
    }
