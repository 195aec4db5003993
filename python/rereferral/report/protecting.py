"""A report that may be published: its tables made safe together, and all that is made of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

import pandas as pd

from rereferral.disclosure.counts import LOW, rounded
from rereferral.disclosure.protect import protect
from rereferral.disclosure.release import Release, in_words
from rereferral.disclosure.sheets import METHOD
from rereferral.disclosure.shown import WHY
from rereferral.disclosure.suppress import NotSafe
from rereferral.errors import RuleError
from rereferral.report.counts import ALL_YEARS, averages
from rereferral.report.notes import LOG
from rereferral.report.official import claims, headline
from rereferral.report.pieces import Piece, equations, parts, pieces
from rereferral.report.words import Symbol
from rereferral.rules import Rule

__all__ = ["Protected", "protect_tables"]

_CURVES = _CURVE, _WHOLE_CURVE = "curve", f"curve ({ALL_YEARS})"
# What is left out first where not all can be shown; the chain itself is not in the list.
_DISPENSABLE = (
    "ledger",
    "completeness",
    "official_by_authority",
    "curve",
    "children",
    "three_rates",
    "reconciliation",
    "arms",
    "chain_by_year",
    "chain_by_region",
    "chain_by_authority",
)

Tables: TypeAlias = dict[str, pd.DataFrame]
Line: TypeAlias = tuple[str, str, str, str, str]
"""Of a log: table, row, column, what was done, and why."""


@dataclass(frozen=True, eq=False)
class Protected:
    """The tables of a report made safe.

    Attributes
    ----------
    tables : dict of str to DataFrame
        With the columns of the report's; null where something is hidden.
    shown : dict of str to DataFrame
        The same with a `Symbol` where something is hidden.
    release : Release
        Of the pieces that they were made safe as.
    notes : list of str
        By which rule, and how much is hidden.
    """

    tables: Tables
    shown: Tables
    release: Release
    notes: list[str]


def protect_tables(
    exact: Mapping[str, pd.DataFrame],
    simulated: bool,
    rule: Rule,
    earlier: Iterable[Release] = (),
) -> Protected:
    """Make the tables of a report safe together.

    Parameters
    ----------
    exact : mapping of str to DataFrame
        The tables of a report.
    simulated : bool
        Whether the children are simulated.
    rule : Rule
        By which.
    earlier : iterable of Release
        What was published before on the same children.

    Raises
    ------
    RuleError
        As `rereferral.protect` has it.
    RereferralError
        scipy is missing.
    """
    made_of = [piece for piece in pieces(exact) if len(piece.frame)]
    given = {piece.name: piece.frame for piece in made_of}
    if len(exact["curve"]) and not rule.zeroed:
        in_all = exact["curve"]["financial_year"] == ALL_YEARS
        given[_CURVE] = exact["curve"][~in_all]
        given[_WHOLE_CURVE] = exact["curve"][in_all].drop(columns="financial_year")
    area = "authority" if len(exact["chain_by_authority"]) > 1 else None
    of_table = {piece.name: piece.table for piece in made_of} | dict.fromkeys(_CURVES, "curve")

    def protected(without: Collection[str]) -> Release:
        some = {name: frame for name, frame in given.items() if of_table[name] not in without}
        columns = {column for frame in some.values() for column in frame.columns}
        return protect(
            some,
            rule,
            area=area,
            equations=equations(exact, some),
            parts={name: wholes for name, wholes in parts(exact).items() if name in columns},
            earlier=list(earlier),
        )

    release, left_out = _as_much_as_is_safe(protected, set(of_table.values()))
    made = {name: _Filled(table) for name, table in exact.items()}
    for piece in made_of:
        made[piece.table].fill(piece, release)
    tables = {name: filled.table() for name, filled in made.items()}
    tables["curve"], log_of_curves = _curve(exact["curve"], release)
    base = rule.base(area is not None)
    _average(tables["chain"], len(exact["chain_by_year"]), base)
    _ratios(tables["reconciliation"])
    if "official_by_authority" in tables:
        _differences(tables["official_by_authority"])
    tables["headline"] = headline(tables, simulated)
    tables["claims"] = claims(tables, simulated)
    shown = {
        name: table if name == "curve" else _shown(table, exact[name], made[name].symbols, rule)
        for name, table in tables.items()
    }
    log = _log(release, exact, made_of)
    more = [(table, "all", "all", "left out", WHY["left out"]) for table in left_out]
    more = [*log_of_curves, *more]
    log = pd.concat([log, pd.DataFrame(more, columns=log.columns)], ignore_index=True)
    tables[LOG] = shown[LOG] = log
    n_counts = sum(
        int(piece.frame[column].notna().sum())
        for piece in made_of
        if piece.table not in left_out
        for column in piece.cells
        if pd.api.types.is_integer_dtype(piece.frame[column].dtype)
    )
    notes = [f"Protected by the rule {rule}.", in_words(n_counts, log)]
    if left_out:
        notes.append(
            f"Not shown at all, because {'it' if len(left_out) == 1 else 'they'} could not be made "
            f"safe with the others: {', '.join(left_out)}."
        )
    return Protected(tables, shown, release, notes)


def _as_much_as_is_safe(
    protected: Callable[[Collection[str]], Release], tables: Collection[str]
) -> tuple[Release, list[str]]:
    """The release without the tables that must be left out, and which these are.

    Few closures in several years or areas may have no safe table of each: that none of the rows is
    0 tells too much.
    """
    order = [table for table in _DISPENSABLE if table in tables]
    try:
        return protected(()), []
    except NotSafe as error:
        why = error
    for number in range(1, len(order) + 1):
        try:
            release, left_out = protected(order[:number]), order[:number]
        except NotSafe:
            continue
        # The last one was needed; of those before it, each that may be shown after all is.
        for table in reversed(order[: number - 1]):
            fewer = [name for name in left_out if name != table]
            with suppress(NotSafe):
                release, left_out = protected(fewer), fewer
        return release, left_out
    raise RuleError(
        f"the counts are too small for any table of them to be safe ({why}); rule=None saves them "
        "as they are, for your own eyes"
    )


class _Filled:
    """A table of a report into which the cells of a release are put back."""

    def __init__(self, exact: pd.DataFrame) -> None:
        self._exact = exact.reset_index(drop=True)
        self._columns: dict[str, list[Any]] = {}
        self.symbols: dict[tuple[int, str], Symbol] = {}

    def fill(self, piece: Piece, release: Release) -> None:
        """Put the cells of a piece where they came from."""
        if piece.name not in release.tables:  # left out
            for column, row in ((column, row) for p in piece.cells.values() for row, column in p):
                self._column(column)[row] = None
                self.symbols[row, column] = Symbol(release.rule.symbol)
            return
        made, published = release.tables[piece.name], release.published[piece.name]
        for name, places in piece.cells.items():
            cells = zip(made[name].tolist(), published[name].tolist(), places, strict=True)
            for value, text, (row, column) in cells:
                self._column(column)[row] = value
                if text in (release.rule.symbol, LOW):
                    self.symbols[row, column] = Symbol(text)

    def _column(self, column: str) -> list[Any]:
        if column not in self._columns:
            self._columns[column] = self._exact[column].tolist()
        return self._columns[column]

    def table(self) -> pd.DataFrame:
        """The table: counts as Int64, what was computed from them as floats."""
        table = self._exact.copy()
        for column, cells in self._columns.items():
            if column == METHOD:
                table[column] = pd.Series(cells, dtype=object)
            elif pd.api.types.is_integer_dtype(self._exact[column].dtype):
                table[column] = pd.array(cells, "Int64")
            else:
                table[column] = [math.nan if pd.isna(cell) else float(cell) for cell in cells]
        return table


def _curve(exact: pd.DataFrame, release: Release) -> tuple[pd.DataFrame, list[Line]]:
    """The curves that are shown, and the log of those that are not though their counts are.

    Where the curve of one year is hidden, the curves of the others and of all would leave it.
    """
    if _WHOLE_CURVE not in release.tables:
        return exact.iloc[:0].reset_index(drop=True), []  # there is none, or the rule allows none
    in_all = release.tables[_WHOLE_CURVE].copy()
    in_all.insert(0, "financial_year", ALL_YEARS)
    by_year = release.tables[_CURVE].astype({"financial_year": object})
    shown = by_year["financial_year"].drop_duplicates().tolist()
    lines: list[Line] = []
    if len(in_all) and len(shown) < exact["financial_year"].nunique() - 1:
        why = "with its counts", WHY["beside"]
        lines = [("curve", str(year), "curve", *why) for year in shown]
        by_year = by_year.iloc[:0]
    parts = [part for part in (by_year, in_all) if len(part)]
    curve = pd.concat(parts, ignore_index=True) if parts else exact.iloc[:0]
    return curve.reset_index(drop=True), lines


def _average(chain: pd.DataFrame, n_years: int, base: int) -> None:
    """The average a year, of what is shown of all years, and rounded as that is."""
    counts = averages(chain.iloc[0], n_years)
    for column in chain.columns.difference(["label"]):
        value = counts.get(column, chain.loc[0, column])
        if column in counts and pd.notna(value):
            value = rounded(value, base)
        chain.loc[1, column] = value


def _ratios(table: pd.DataFrame) -> None:
    ours = table["ours"].astype("Float64")
    table["ratio"] = (ours / table["official"]).where(table["official"] > 0).astype(float)


def _differences(table: pd.DataFrame) -> None:
    for name in ("referrals", "re_referral_rate", "not_in_need"):
        table[f"{name}_difference"] = table[name] - table[f"{name}_official"]


def _shown(
    table: pd.DataFrame, exact: pd.DataFrame, symbols: Mapping[tuple[int, str], Symbol], rule: Rule
) -> pd.DataFrame:
    """A table with its symbols, and one where there was a number that is not there now."""
    shown = table.astype(object)
    for column in map(str, table.columns):
        if pd.api.types.is_numeric_dtype(exact[column].dtype):
            cells = [
                symbols.get((row, column))
                or (value if pd.notna(value) else None if pd.isna(was) else Symbol(rule.symbol))
                for row, (value, was) in enumerate(
                    zip(table[column].tolist(), exact[column].tolist(), strict=True)
                )
            ]
            shown[column] = pd.Series(cells, dtype=object)
    return shown


# What tells the rows of a table apart that is a single row in the release, or several.
_ROW = {
    "chain": "label",
    "children": "financial_year",
    "arms": "arm",
    "three_rates": "name",
    "ledger": "reason",
}


def _log(
    release: Release, exact: Mapping[str, pd.DataFrame], made_of: Iterable[Piece]
) -> pd.DataFrame:
    """The log of a release in the words of the report: its tables and their columns."""
    where = {piece.name: piece for piece in made_of}
    lines = []
    for line in release.log.itertuples(index=False):
        piece = where.get(str(line.table))
        if piece is None:
            lines.append(("curve", line.row, line.column, line.done, line.why))
            continue
        places = piece.cells.get(str(line.column))
        if places is None:
            continue  # stands there for the equations alone
        row, column = places[0]
        label = line.row
        if len(places) == 1 and piece.table in _ROW:
            label = exact[piece.table][_ROW[piece.table]].iloc[row]
        elif piece.table == "reconciliation":
            label = f"{label}, {exact['reconciliation']['measure'].iloc[row]}"
        lines.append((piece.table, label, column, line.done, line.why))
    return pd.DataFrame(lines, columns=release.log.columns)
