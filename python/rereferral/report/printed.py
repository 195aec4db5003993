"""The report's tables ready to print: every cell is text, and every percentage from its counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pandas as pd

from rereferral.report.alternative import days_told, risk_by
from rereferral.report.words import (
    NONE,
    Symbol,
    count,
    is_missing,
    limits,
    method,
    number,
    rate,
    share,
    unbroken,
)

__all__ = [
    "YEAR",
    "Body",
    "Row",
    "Table",
    "arms",
    "authorities",
    "chain",
    "children",
    "claims",
    "completeness",
    "curve",
    "ledger",
    "log",
    "none_below",
    "official_by_authority",
    "reconciliation",
    "records",
    "short",
    "three_rates",
    "tidy",
    "upper",
]

_SPACE = "\N{NO-BREAK SPACE}"
_ALL_YEARS = "all years"

_HERE = "what is counted here"
_STEPS = {"null": "missing value"}

_DONE = {
    "small": "hidden: small",
    "beside": "hidden beside a small one",
    "with its counts": "hidden with its counts",
    "zeroed": "shown as 0",
    "left out": "left out",
}
_LONG = 15  # rows
_NAMED = 8  # authorities that a sentence names
YEAR = 365  # days of twelve months without a 29 February
_CURVE_DAYS = (30, 91, 182, 274, YEAR)


@dataclass(frozen=True)
class Row:
    """Cells of one line; the first is its heading."""

    cells: list[str]
    strong: bool = False


@dataclass(frozen=True)
class Body:
    """Lines of a table that belong together, under a heading of their own if there is one."""

    rows: list[Row]
    heading: str = ""


@dataclass(frozen=True)
class Table:
    """A table ready to print: every cell is text, and the first of a row its heading."""

    id: str
    caption: str
    heads: list[str]
    bodies: list[Body]
    text_columns: frozenset[int] = field(default_factory=frozenset)
    look: str = ""
    simulated: str = ""
    """Which of its columns are simulated where not all are."""

    @property
    def looks(self) -> str:
        """Its classes: a long table may break across printed pages, a short one not."""
        long = sum(len(body.rows) for body in self.bodies) > _LONG
        return " ".join(
            ["scroll", *([self.look] if self.look else []), *(["long"] if long else [])]
        )


def tidy(text: Any) -> str:
    """Text of a cell; a percent sign stays with its number."""
    return "" if is_missing(text) else unbroken(text)


def upper(text: Any) -> str:
    """Text of a cell that begins a line."""
    line = tidy(text)
    return line[:1].upper() + line[1:]


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table by column."""
    return [dict(zip(table.columns, row, strict=True)) for row in table.itertuples(index=False)]


def _one(rows: list[Row]) -> list[Body]:
    return [Body(rows)]


def _share(row: Mapping[str, Any]) -> str:
    """The rate of a row of a table of rates."""
    return share(row["linked"], row["n"], row["rate"])


def chain(table: pd.DataFrame, key: str, head: str, id: str, caption: str) -> Table:
    """A table of the chain; `key` is the column that names its rows, under the heading `head`."""
    rows = records(table)
    scoped = "lower_scope_95" in table
    heads = [
        head,
        "Assessed",
        "Below the threshold, closed",
        "Stepped down",
        "Not stepped down",
        "Share not stepped down",
        "Followed for 12 months",
        "Re-referred",
        "Share re-referred",
        "95 % limits",
        "99.8 % limits",
        *(["95 % limits, areas as clusters"] if scoped else []),
    ]
    printed = []
    for row in rows:
        # An average a year has the same rates as the total, and no whole counts to take them from.
        whole = rows[0] if row[key] == "average a year" else row
        cells = [
            tidy(row[key]),
            count(row["assessed"]),
            count(row["below_threshold"]),
            count(row["stepped_down"]),
            count(row["not_stepped_down"]),
            share(
                whole["not_stepped_down"],
                whole["below_threshold"],
                whole["share_not_stepped_down"],
            ),
            count(row["followed"]),
            count(row["rereferred"]),
            share(whole["rereferred"], whole["followed"], whole["rate"]),
            limits(row["lower_95"], row["upper_95"]),
            limits(row["lower_99_8"], row["upper_99_8"]),
        ]
        if scoped:
            cells.append(limits(row["lower_scope_95"], row["upper_scope_95"]))
        printed.append(Row(cells))
    return Table(id, caption, heads, _one(printed), look="wide")


def authorities(table: pd.DataFrame) -> Table:
    """The table ``chain_by_authority``, by region and name."""
    named = table.assign(
        shown=table["authority_name"].where(table["authority_name"].notna(), table["authority"])
    )
    flat = chain(
        named, "shown", "Authority", "t-authorities", "The chain by authority, within its region"
    )
    bodies: dict[str, list[Row]] = {}
    for region, row in zip(table["region"], flat.bodies[0].rows, strict=True):
        bodies.setdefault(tidy(region) or "Region not known", []).append(row)
    listed = [
        Body(sorted(rows, key=lambda row: row.cells[0].casefold()), region)
        for region, rows in bodies.items()
    ]
    return Table(flat.id, flat.caption, flat.heads, listed, look="wide")


def none_below(table: pd.DataFrame) -> str:
    """Which authorities have no rate because no closure was below the threshold; "" if none."""
    empty = table[table["below_threshold"].eq(0).fillna(False).astype(bool)]
    number = len(empty)
    if not number:
        return ""
    if number == len(table):
        return "No closure was below the threshold in any authority, so none has a rate."
    named = empty["authority_name"].where(empty["authority_name"].notna(), empty["authority"])
    listed = ", ".join(str(name) for name in named[:_NAMED])
    more = f" and {number - _NAMED} more" if number > _NAMED else ""
    return f"Without a rate, because no closure was below the threshold: {listed}{more}."


def children(table: pd.DataFrame) -> Table:
    """The table ``children``."""
    heads = [
        "Year of closure",
        "Closures",
        "Distinct children",
        "Closures re-referred",
        "Distinct re-referrals",
        "Distinct children re-referred",
    ]
    names = ["closures", "children", "rereferred_closures", "rereferrals", "rereferred_children"]
    rows = [
        Row(
            [tidy(row["financial_year"]), *(count(row[name]) for name in names)],
            strong=row["financial_year"] == _ALL_YEARS,
        )
        for row in records(table)
    ]
    return Table("t-children", "Closures, children and re-referrals", heads, _one(rows))


def arms(table: pd.DataFrame) -> Table | None:
    """The table ``arms``; None where nobody is in either."""
    if not len(table):
        return None
    rows = [
        Row(
            [
                upper(row["arm"]),
                count(row["n"]),
                count(row["linked"]),
                _share(row),
                limits(row["lower_95"], row["upper_95"]),
                limits(row["lower_99_8"], row["upper_99_8"]),
            ]
        )
        for row in records(table)
    ]
    heads = [
        "On the closure day",
        "Followed for 12 months",
        "Re-referred",
        "Share re-referred",
        "95 % limits",
        "99.8 % limits",
    ]
    return Table("t-arms", "Stepped down and not stepped down", heads, _one(rows))


def _published(value: Any) -> str:
    """A published figure: text as it is, a number as a percentage."""
    if is_missing(value):
        return NONE
    return tidy(value) if isinstance(value, str) else f"{number(value, 1)}{_SPACE}%"


def three_rates(table: pd.DataFrame) -> Table:
    """The table ``three_rates``, without its notes."""
    heads = [
        "Rate",
        "Looks",
        "From",
        "To",
        "Published",
        "Counted here",
        "With a referral",
        "Rate here",
        "95 % limits",
        "Method",
    ]
    rows = [
        Row(
            [
                tidy(row["name"]),
                tidy(row["looks"]),
                tidy(row["from"]),
                tidy(row["to"]),
                _published(row["published"]),
                count(row["n"]),
                count(row["linked"]),
                _share(row),
                limits(row["lower_95"], row["upper_95"]),
                upper(method(row["method"])),
            ]
        )
        for row in records(table)
    ]
    caption = "Three rates from the same table"
    return Table("t-rates", caption, heads, _one(rows), frozenset({1, 2, 3, 9}), "wide", _HERE)


def reconciliation(table: pd.DataFrame) -> Table | None:
    """The table ``reconciliation``, by measure; None where nothing official stands in it."""
    if not table["official"].notna().any():
        return None
    bodies = []
    for measure, group in table.groupby("measure", sort=False, observed=True):
        rows = [
            Row(
                [
                    tidy(row["financial_year"]),
                    count(row["official"]),
                    count(row["ours"]),
                    number(row["ratio"], 3),
                ]
            )
            for row in records(group)
        ]
        bodies.append(Body(rows, upper(measure)))
    heads = ["Financial year", "Official", "This report", "Ratio"]
    caption = "Beside the official series"
    return Table("t-official", caption, heads, bodies, simulated="this report's column")


def claims(table: pd.DataFrame) -> Table:
    """The table ``claims``."""
    rows = [
        Row(
            [
                upper(row["figure"]),
                tidy(row["published"]) or NONE,
                tidy(row["ours"]) or NONE,
                tidy(row["kind"]),
                tidy(row["verdict"]),
                tidy(row["sentence"]),
            ]
        )
        for row in records(table)
    ]
    heads = ["Claim", "Published", "Held against", "Kind", "Verdict", "Why"]
    return Table(
        "t-claims",
        "What was published, claim by claim",
        heads,
        _one(rows),
        frozenset(range(1, 6)),
        "prose",
        _HERE,
    )


def ledger(table: pd.DataFrame) -> Table:
    """The table ``ledger``."""
    bodies = []
    for name, group in table.groupby("table", sort=False, observed=True):
        rows = [
            Row(
                [
                    tidy(row["reason"]),
                    _STEPS.get(row["step"], tidy(row["step"])),
                    count(row["removed"]),
                    count(row["remaining"]),
                ]
            )
            for row in records(group)
        ]
        bodies.append(Body(rows, upper(name)))
    heads = ["Reason", "Step", "Left out", "Remaining"]
    caption = "From the rows given to the rows counted"
    return Table("t-ledger", caption, heads, bodies, frozenset({1}))


def completeness(table: pd.DataFrame) -> Table:
    """The table ``completeness``."""
    rows = [
        Row(
            [
                tidy(row["authority_name"]) or tidy(row["authority"]),
                tidy(row["region"]),
                count(row["referrals"]),
                tidy(row["first_full_month"]) or NONE,
                tidy(row["last_full_month"]) or NONE,
                count(row["lookback_short"]),
                count(row["followup_short"]),
            ]
        )
        for row in records(table)
    ]
    heads = [
        "Authority",
        "Region",
        "Referrals",
        "First full month",
        "Last full month",
        "Referrals with a short look-back",
        "Closures with a short follow-up",
    ]
    caption = "Look-back and follow-up by authority"
    return Table("t-complete", caption, heads, _one(rows), frozenset({1}), "wide")


def short(table: pd.DataFrame, column: str, what: str) -> str:
    """How many events reach beyond the full months, and in which authorities.

    Where some counts are hidden (null), the sentence tells of the others, and that it does.
    """
    hidden = int(table[column].isna().sum())
    known = table[table[column].notna()]
    some = known[known[column] > 0].sort_values(column, ascending=False, kind="stable")
    number = len(some)
    more = ""
    if hidden:
        more = f" A small number, not shown, in {count(hidden)} {'more' if number else ''}".rstrip()
        more += " authority." if hidden == 1 else " authorities."
    if not number:
        return more.strip() or f"No {what} in any authority."
    named = some["authority_name"].where(some["authority_name"].notna(), some["authority"])
    listed = ", ".join(str(name) for name in named[:_NAMED])
    where = f"{count(number)} authorit{'y' if number == 1 else 'ies'}"
    events = f"{count(some[column].sum())} {what} in {where}"
    listing = f"{listed}." if number <= _NAMED else f"most in {listed}."
    return f"{events}{': ' if number <= _NAMED else ', '}{listing}{more}"


def curve(table: pd.DataFrame) -> Table | None:
    """The table ``curve`` at some days; None where nobody was followed."""
    if not len(table):
        return None
    groups = [
        (str(label), group)
        for label, group in table.groupby("financial_year", sort=False, observed=True)
    ]
    days = days_told([group for _, group in groups], _CURVE_DAYS)
    rows = [
        Row(
            [
                tidy(label),
                count(group["at_risk"].iloc[0]) if len(group) else NONE,
                *(rate(risk_by(group, day)) for day in days),
            ],
            strong=label == _ALL_YEARS,
        )
        for label, group in groups
    ]
    heads = ["Year of closure", "Closures followed", *(f"By day {day}" for day in days)]
    return Table("t-time", "Share re-referred by days since closure", heads, _one(rows))


def official_by_authority(table: pd.DataFrame) -> Table:
    """The table ``official_by_authority``, by name of the authority."""
    bodies = []
    for name, group in table.groupby("authority_name", sort=False, observed=True):
        rows = []
        for row in records(group):
            cells = [tidy(row["financial_year"])]
            for measure in ("referrals", "re_referral_rate", "not_in_need"):
                ours, theirs = row[measure], row[f"{measure}_official"]
                if measure == "re_referral_rate":
                    cells += [rate(theirs), rate(ours), _points(theirs, ours)]
                else:
                    cells += [count(theirs), count(ours), _signed(theirs, ours)]
            rows.append(Row([*cells, upper(row["official_missing"])]))
        bodies.append(Body(rows, tidy(name)))
    bodies.sort(key=lambda body: body.heading.casefold())
    heads = ["Financial year"]
    for what in ("Referrals", "Re-referral rate", "Assessed, not in need"):
        unit = " in points" if what == "Re-referral rate" else ""
        heads += [f"{what}, official", f"{what}, here", f"Difference{unit}"]
    return Table(
        "t-official-areas",
        "Official figures and those of this report, by authority and year",
        [*heads, "Not published"],
        bodies,
        frozenset({len(heads)}),
        "wide",
        "the columns “here”, and the differences",
    )


def log(table: pd.DataFrame) -> Table | None:
    """The table ``disclosure_log``, how often each thing was done in each table; None: nothing."""
    if not len(table):
        return None
    rows = []
    for (name, done), group in table.groupby(["table", "done"], sort=False):
        why = str(group["why"].iloc[0])
        rows.append(Row([str(name), _DONE.get(str(done), str(done)), count(len(group)), why]))
    heads = ["Table", "What was done", "Figures", "Why"]
    return Table("t-log", "What was hidden or rounded", heads, _one(rows), frozenset({1, 3}))


def _signed(theirs: Any, ours: Any) -> str:
    """Ours less theirs, with its sign."""
    if isinstance(ours, Symbol):
        return ours
    if is_missing(theirs) or is_missing(ours):
        return NONE
    difference = int(ours) - int(theirs)
    return f"{difference:+,}" if difference else "0"


def _points(theirs: Any, ours: Any) -> str:
    """Ours less theirs in percentage points, of the rates as they are printed."""
    if isinstance(ours, Symbol):
        return ours
    if is_missing(theirs) or is_missing(ours):
        return NONE
    ends = [Decimal(rate(value).removesuffix(f"{_SPACE}%")) for value in (ours, theirs)]
    return f"{ends[0] - ends[1]:+.1f}"
