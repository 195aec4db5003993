"""The page: one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Protocol

import pandas as pd

from rereferral.errors import RereferralError
from rereferral.report.alternative import risk_by
from rereferral.report.drawing import Drawn
from rereferral.report.words import NONE, count, is_missing, limits, number, of, rate, unbroken

__all__ = ["Printable", "render"]

_SPACE = "\N{NO-BREAK SPACE}"
_ALL_YEARS = "all years"

# What a kind says of a figure, in the page's own words.
_KINDS = {
    "found": "counted in this table; nothing was fitted to it.",
    "put in": (
        "the simulation was made so that it comes out. It shows that the code counts right, not "
        "that the published figure is right."
    ),
    "arithmetic": "it follows from other figures.",
    "restated": "taken from published figures, not computed from this table.",
}
_LONG = 15  # rows
_NAMED = 8  # authorities that a sentence names
_CURVE_DAYS = (30, 91, 182, 274, 365)


class Printable(Protocol):
    """What the page needs of a report."""

    tables: dict[str, pd.DataFrame]
    options: dict[str, Any]
    definition: Any
    simulated: bool
    calibration: str | None
    notes: list[str]


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

    @property
    def looks(self) -> str:
        """Its classes: a long table may break across printed pages, a short one not."""
        long = sum(len(body.rows) for body in self.bodies) > _LONG
        return " ".join(
            ["scroll", *([self.look] if self.look else []), *(["long"] if long else [])]
        )


def _tidy(text: Any) -> str:
    """Text of a cell; a percent sign stays with its number."""
    return "" if is_missing(text) else unbroken(text)


_TOGETHER = re.compile(r"\b\d{4}-\d{2}(?:-\d{2})?\b|\b[Rr]e-referr\w+")


def _together(text: Any) -> Any:
    """Text for the page, in which no year, date or hyphened word is broken across lines."""
    from markupsafe import Markup, escape

    return Markup(_TOGETHER.sub(r'<span class="nb">\g<0></span>', str(escape(_tidy(text)))))


def _upper(text: Any) -> str:
    """Text of a cell that begins a line."""
    tidy = _tidy(text)
    return tidy[:1].upper() + tidy[1:]


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.itertuples(index=False)]


def _one(rows: list[Row]) -> list[Body]:
    return [Body(rows)]


# --------------------------------------------------------------------------- tables


def _share(row: Mapping[str, Any]) -> str:
    """The rate of a row: from the counts where it is their quotient, else the rate itself."""
    x, n, value = row["linked"], row["n"], row["rate"]
    if is_missing(value) or is_missing(n) or n == 0:
        return NONE
    return of(x, n) if abs(x / n - value) < 1e-9 else rate(value)


def _chain(table: pd.DataFrame, key: str, head: str, id: str, caption: str) -> Table:
    rows = _records(table)
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
            _tidy(row[key]),
            count(row["assessed"]),
            count(row["below_threshold"]),
            count(row["stepped_down"]),
            count(row["not_stepped_down"]),
            of(whole["not_stepped_down"], whole["below_threshold"]),
            count(row["followed"]),
            count(row["rereferred"]),
            of(whole["rereferred"], whole["followed"]),
            limits(row["lower_95"], row["upper_95"]),
            limits(row["lower_99_8"], row["upper_99_8"]),
        ]
        if scoped:
            cells.append(limits(row["lower_scope_95"], row["upper_scope_95"]))
        printed.append(Row(cells))
    return Table(id, caption, heads, _one(printed), look="wide")


def _authorities(table: pd.DataFrame) -> Table:
    named = table.assign(
        shown=table["authority_name"].where(table["authority_name"].notna(), table["authority"])
    )
    chain = _chain(
        named, "shown", "Authority", "t-authorities", "The chain by authority, within its region"
    )
    bodies: dict[str, list[Row]] = {}
    for region, row in zip(table["region"], chain.bodies[0].rows, strict=True):
        bodies.setdefault(_tidy(region) or "Region not known", []).append(row)
    listed = [
        Body(sorted(rows, key=lambda row: row.cells[0].casefold()), region)
        for region, rows in bodies.items()
    ]
    return Table(chain.id, chain.caption, chain.heads, listed, look="wide")


def _children(table: pd.DataFrame) -> Table:
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
            [_tidy(row["financial_year"]), *(count(row[name]) for name in names)],
            strong=row["financial_year"] == _ALL_YEARS,
        )
        for row in _records(table)
    ]
    return Table("t-children", "Closures, children and re-referrals", heads, _one(rows))


def _arms(table: pd.DataFrame) -> Table:
    rows = [
        Row(
            [
                _upper(row["arm"]),
                count(row["n"]),
                count(row["linked"]),
                _share(row),
                limits(row["lower_95"], row["upper_95"]),
                limits(row["lower_99_8"], row["upper_99_8"]),
            ]
        )
        for row in _records(table)
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
    return _tidy(value) if isinstance(value, str) else f"{number(value, 1)}{_SPACE}%"


def _three_rates(table: pd.DataFrame) -> Table:
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
                _tidy(row["name"]),
                _tidy(row["looks"]),
                _tidy(row["from"]),
                _tidy(row["to"]),
                _published(row["published"]),
                count(row["n"]),
                count(row["linked"]),
                _share(row),
                limits(row["lower_95"], row["upper_95"]),
                _tidy(row["method"]),
            ]
        )
        for row in _records(table)
    ]
    caption = "Three rates from the same table"
    return Table("t-rates", caption, heads, _one(rows), frozenset({1, 2, 3, 9}), "wide")


def _reconciliation(table: pd.DataFrame) -> Table:
    bodies = []
    for measure, group in table.groupby("measure", sort=False, observed=True):
        values = pd.concat([group["official"], group["ours"]]).dropna()
        whole = bool((values == values.round()).all())
        rows = [
            Row(
                [
                    _tidy(row["financial_year"]),
                    count(row["official"]) if whole else number(row["official"], 1),
                    count(row["ours"]) if whole else number(row["ours"], 1),
                    number(row["ratio"], 3),
                ]
            )
            for row in _records(group)
        ]
        bodies.append(Body(rows, _upper(measure)))
    heads = ["Financial year", "Official", "This report", "Ratio"]
    return Table("t-official", "Beside the official series", heads, bodies)


def _claims(table: pd.DataFrame) -> Table:
    rows = [
        Row(
            [
                _upper(row["figure"]),
                _tidy(row["published"]) or NONE,
                _tidy(row["ours"]) or NONE,
                _tidy(row["kind"]),
                _tidy(row["verdict"]),
                _tidy(row["sentence"]),
            ]
        )
        for row in _records(table)
    ]
    heads = ["Claim", "Published", "Here", "Kind", "Verdict", "Why"]
    return Table(
        "t-claims",
        "What was published, claim by claim",
        heads,
        _one(rows),
        frozenset(range(1, 6)),
        "prose",
    )


def _ledger(table: pd.DataFrame) -> Table:
    bodies = []
    for name, group in table.groupby("table", sort=False, observed=True):
        rows = [
            Row(
                [
                    _tidy(row["reason"]),
                    _tidy(row["step"]),
                    count(row["removed"]),
                    count(row["remaining"]),
                ]
            )
            for row in _records(group)
        ]
        bodies.append(Body(rows, _upper(name)))
    heads = ["Reason", "Step", "Left out", "Remaining"]
    caption = "From the rows given to the rows counted"
    return Table("t-ledger", caption, heads, bodies, frozenset({1}))


def _completeness(table: pd.DataFrame) -> Table:
    rows = [
        Row(
            [
                _tidy(row["authority_name"]) or _tidy(row["authority"]),
                _tidy(row["region"]),
                count(row["referrals"]),
                _tidy(row["first_full_month"]) or NONE,
                _tidy(row["last_full_month"]) or NONE,
                count(row["lookback_short"]),
                count(row["followup_short"]),
            ]
        )
        for row in _records(table)
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


def _short(table: pd.DataFrame, column: str, what: str) -> str:
    """How many events reach beyond the full months, and in which authorities."""
    short = table[table[column] > 0].sort_values(column, ascending=False, kind="stable")
    number = len(short)
    if not number:
        return f"No {what} in any authority."
    named = short["authority_name"].where(short["authority_name"].notna(), short["authority"])
    listed = ", ".join(str(name) for name in named[:_NAMED])
    where = f"{count(number)} authorit{'y' if number == 1 else 'ies'}"
    events = f"{count(short[column].sum())} {what} in {where}"
    return f"{events}: {listed}." if number <= _NAMED else f"{events}, most in {listed}."


def _curve(table: pd.DataFrame) -> Table:
    groups = [
        (str(label), group)
        for label, group in table.groupby("financial_year", sort=False, observed=True)
    ]
    last = max([int(group["day"].max()) for _, group in groups if len(group)], default=0)
    days = [day for day in _CURVE_DAYS if day <= last] or [last]
    rows = [
        Row(
            [
                _tidy(label),
                count(group["at_risk"].iloc[0]) if len(group) else NONE,
                *(rate(risk_by(group, day)) for day in days),
            ],
            strong=label == _ALL_YEARS,
        )
        for label, group in groups
    ]
    heads = ["Year of closure", "Closures followed", *(f"By day {day}" for day in days)]
    return Table("t-time", "Share re-referred by days since closure", heads, _one(rows))


# --------------------------------------------------------------------------- page


@dataclass(frozen=True)
class Figure:
    """One line of the headline."""

    name: str
    published: str
    ours: str
    kind: str
    note: str


def _headline(table: pd.DataFrame) -> list[Figure]:
    return [
        Figure(
            _upper(row["figure"]),
            _tidy(row["published"]) or NONE,
            headline_value(row["ours"], row["unit"]),
            _tidy(row["kind"]),
            _tidy(row["note"]),
        )
        for row in _records(table)
    ]


def headline_value(ours: Any, unit: str) -> str:
    """A figure of the headline as it is printed, on the page and on the terminal."""
    if unit != "percent":
        return count(ours)
    return NONE if is_missing(ours) else f"{number(ours, 1)}{_SPACE}%"


def _methods(table: pd.DataFrame) -> str:
    """How the limits were made, in a sentence."""
    methods = sorted({str(method) for method in table["method"] if not is_missing(method)})
    deff = table["deff"].dropna()
    text = f"Limits: {', '.join(methods)}." if methods else ""
    if len(deff) and float(deff.max()) > 1:
        text += (
            " They are widened because children come more than once, by a design effect of up to "
            f"{number(deff.max(), 2)}."
        )
    return _tidy(text)


_SMALL = "Small counts are not suppressed"


def _after(notes: Iterable[str], start: str) -> str:
    """What a note says after its first words, which the page sets apart; "" where there is none."""
    found = next((note for note in notes if note.startswith(start)), start)
    return _upper(found.removeprefix(start).lstrip(":. "))


def _image(data: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(data).decode('ascii')}"


def _size(svg: bytes) -> tuple[int, int]:
    """Width and height of an SVG in whole points, so that the page keeps its place."""
    head = svg[: svg.index(b">", svg.index(b"<svg"))].decode("utf-8")
    box = head.split('viewBox="', 1)[1].split('"', 1)[0].split()
    return round(float(box[2])), round(float(box[3]))


def _plain(value: Any) -> str:
    """An option's value in words."""
    if value is None:
        return "not given"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {_plain(item)}" for key, item in value.items()) or "none"
    if isinstance(value, (list, tuple, range)):
        return ", ".join(_plain(item) for item in value) or "none"
    return str(value)


def load() -> None:
    """Say so in one sentence if Jinja2 is not there.

    Raises
    ------
    RereferralError
        Jinja2 cannot be imported.
    """
    try:
        import jinja2  # noqa: F401
    except ImportError:
        raise RereferralError(
            'the page needs Jinja2; install it with: pip install "rereferral[report]"'
        ) from None


def render(
    report: Printable,
    drawn: Mapping[str, Drawn],
    manifest: Mapping[str, Any],
) -> str:
    """Write the page of a report.

    Parameters
    ----------
    report : Report
        Its tables, options, definition and notes.
    drawn : mapping of str to Drawn
        The figures, of `rereferral.report.drawing.draw`.
    manifest : mapping
        What the report was made from: ``inputs``, ``versions``, ``options``, ``simulation``.

    Returns
    -------
    str
        HTML that refers to nothing outside itself.

    Raises
    ------
    RereferralError
        Jinja2 cannot be imported.
    """
    load()
    from jinja2 import BaseLoader, Environment, StrictUndefined
    from markupsafe import Markup

    folder = resources.files("rereferral.report")
    environment = Environment(
        loader=BaseLoader(),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["count"] = count
    environment.filters["plain"] = _plain
    environment.filters["tidy"] = _together
    tables = report.tables
    total = tables["chain"].iloc[0]
    headline = _headline(tables["headline"])
    kinds = {figure.kind for figure in headline} | set(tables["claims"]["kind"])
    template = environment.from_string(folder.joinpath("page.html").read_text("utf-8"))
    return template.render(
        css=Markup(folder.joinpath("page.css").read_text("utf-8")),
        simulated=report.simulated,
        calibration=report.calibration,
        simulation=manifest["simulation"],
        period=_tidy(total["label"]),
        areas=len(tables["chain_by_authority"]),
        headline=headline,
        kinds=[(kind, words) for kind, words in _KINDS.items() if kind in kinds],
        total={
            "below": count(total["below_threshold"]),
            "kept": count(total["not_stepped_down"]),
            "kept_share": of(total["not_stepped_down"], total["below_threshold"]),
            "followed": count(total["followed"]),
            "again": count(total["rereferred"]),
            "again_share": of(total["rereferred"], total["followed"]),
        },
        banner=_after(report.notes, "SIMULATED"),
        disclosure=_after(report.notes, _SMALL),
        notes=[note for note in report.notes if not note.startswith(("SIMULATED", _SMALL))],
        figures={
            name: {
                "title": figure.title,
                "alt": figure.alt,
                "wide": _image(figure.svg),
                "narrow": _image(figure.narrow),
                "size": _size(figure.svg),
                "narrow_size": _size(figure.narrow),
            }
            for name, figure in drawn.items()
        },
        chain=_chain(
            tables["chain"], "label", "Period", "t-chain", "The chain: total and average a year"
        ),
        by_year=_chain(
            tables["chain_by_year"],
            "financial_year",
            "Year of closure",
            "t-years",
            "The chain by financial year of closure",
        ),
        by_region=_chain(
            tables["chain_by_region"], "region", "Region", "t-regions", "The chain by region"
        ),
        by_authority=_authorities(tables["chain_by_authority"]),
        methods=_methods(tables["chain_by_authority"]),
        arms=_arms(tables["arms"]) if "arms" in tables else None,
        children=_children(tables["children"]),
        three_rates=_three_rates(tables["three_rates"]),
        rate_notes=[
            (_tidy(row["name"]), _tidy(row["note"])) for row in _records(tables["three_rates"])
        ],
        reconciliation=_reconciliation(tables["reconciliation"]),
        claims=_claims(tables["claims"]),
        ledger=_ledger(tables["ledger"]),
        completeness=_completeness(tables["completeness"]),
        short=[
            _short(tables["completeness"], "lookback_short", "referrals with a short look-back"),
            _short(tables["completeness"], "followup_short", "closures with a short follow-up"),
        ],
        curve=_curve(tables["curve"]),
        definition=str(report.definition),
        options=manifest["options"],
        inputs=manifest["inputs"],
        versions=manifest["versions"],
    )
