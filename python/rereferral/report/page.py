"""The page: one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Protocol

import pandas as pd

from rereferral.disclosure.release import Release
from rereferral.errors import RereferralError
from rereferral.report import printed
from rereferral.report.drawing import Drawn
from rereferral.report.notes import EXACT, LOG
from rereferral.report.official_areas import DEFINITIONS
from rereferral.report.words import NONE, Symbol, count, is_missing, method, number, share

__all__ = ["Printable", "headline_value", "load", "render"]

_SPACE = "\N{NO-BREAK SPACE}"

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


class Printable(Protocol):
    """What the page needs of a report."""

    tables: dict[str, pd.DataFrame]
    shown: dict[str, pd.DataFrame]
    options: dict[str, Any]
    definition: Any
    simulated: bool
    calibration: str | None
    notes: list[str]
    protected: list[str]
    release: Release | None


_TOGETHER = re.compile(r"\b\d{4}-\d{2}(?:-\d{2})?\b|\b[Rr]e-referr\w+")


def _together(text: Any) -> Any:
    """Text for the page, in which no year, date or hyphened word is broken across lines."""
    from markupsafe import Markup, escape

    return Markup(_TOGETHER.sub(r'<span class="nb">\g<0></span>', str(escape(printed.tidy(text)))))


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
            printed.upper(row["figure"]),
            printed.tidy(row["published"]) or NONE,
            headline_value(row["ours"], row["unit"]),
            printed.tidy(row["kind"]),
            printed.tidy(row["note"]),
        )
        for row in printed.records(table)
    ]


def headline_value(ours: Any, unit: str) -> str:
    """A figure of the headline as it is printed, on the page and on the terminal."""
    if unit != "percent" or isinstance(ours, Symbol):
        return count(ours)
    return NONE if is_missing(ours) else f"{number(ours, 1)}{_SPACE}%"


def _methods(table: pd.DataFrame) -> str:
    """How the limits were made, in a sentence."""
    methods = sorted({method(text) for text in table["method"] if not is_missing(text)})
    deff = table["deff"].dropna()
    if not (table["followed"] > 0).any():
        text = "No limits: nobody was followed for 12 months."
    elif len(methods) == 1:
        text = f"Limits: {methods[0]}."
    else:
        text = f"Limits, not alike in all authorities: {'; '.join(methods)}."
    if len(deff) and float(deff.max()) > 1:
        text += f" The design effect that widens them is at most {number(deff.max(), 2)}."
    return printed.tidy(text)


def _lead(total: pd.Series) -> str:
    """The chain in two sentences, or as many as there is something to say."""
    below, followed = total["below_threshold"], total["followed"]
    rates = total[["share_not_stepped_down", "rate"]]
    if any(isinstance(value, Symbol) for value in (below, followed, *rates)):
        return "The numbers of this table are too small to be shown."
    if not below:
        return "No closure of this table was below the threshold after an assessment."
    kept = share(total["not_stepped_down"], below, total["share_not_stepped_down"])
    text = (
        f"Of {count(below)} closures after an assessment below the threshold, {kept} were not "
        "stepped down to early help."
    )
    if not total["not_stepped_down"]:
        return text
    if not followed:
        return f"{text} Not one of these could be followed for 12 months."
    again = share(total["rereferred"], followed, total["rate"])
    return (
        f"{text} Of the {count(followed)} of these that could be followed for 12 months, {again} "
        "were referred again."
    )


def _after(notes: Iterable[str], start: str) -> str:
    """What a note says after its first words, which the page sets apart; "" where there is none."""
    found = next((note for note in notes if note.startswith(start)), start)
    return printed.upper(found.removeprefix(start).lstrip(":. "))


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
    tables, shown = report.tables, report.shown
    total = shown["chain"].iloc[0]
    headline = _headline(shown["headline"])
    hidden = report.protected
    kinds = {figure.kind for figure in headline} | set(tables["claims"]["kind"])
    template = environment.from_string(folder.joinpath("page.html").read_text("utf-8"))
    return template.render(
        css=Markup(folder.joinpath("page.css").read_text("utf-8")),
        simulated=report.simulated,
        calibration=report.calibration,
        simulation=manifest["simulation"],
        period=printed.tidy(total["label"]),
        areas=len(tables["chain_by_authority"]),
        headline=headline,
        kinds=[(kind, words) for kind, words in _KINDS.items() if kind in kinds],
        lead=_lead(total),
        none_below=printed.none_below(tables["chain_by_authority"]),
        banner=_after(report.notes, "SIMULATED"),
        disclosure=" ".join(hidden),
        rule_source="" if report.release is None else report.release.rule.source,
        symbol=None if report.release is None else report.release.rule.symbol,
        exact=_after(report.notes, EXACT),
        log=printed.log(tables[LOG]) if LOG in tables else None,
        notes=[
            note
            for note in report.notes
            if not note.startswith(("SIMULATED", EXACT)) and note not in hidden
        ],
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
        chain=printed.chain(
            shown["chain"], "label", "Period", "t-chain", "The chain: total and average a year"
        ),
        by_year=printed.chain(
            shown["chain_by_year"],
            "financial_year",
            "Year of closure",
            "t-years",
            "The chain by financial year of closure",
        ),
        by_region=printed.chain(
            shown["chain_by_region"], "region", "Region", "t-regions", "The chain by region"
        ),
        by_authority=printed.authorities(shown["chain_by_authority"]),
        methods=_methods(tables["chain_by_authority"]),
        arms=printed.arms(shown["arms"]) if "arms" in shown else None,
        children=printed.children(shown["children"]),
        three_rates=printed.three_rates(shown["three_rates"]),
        rate_notes=[
            (printed.tidy(row["name"]), printed.tidy(row["note"]))
            for row in printed.records(shown["three_rates"])
        ],
        reconciliation=printed.reconciliation(shown["reconciliation"]),
        official_areas=(
            printed.official_by_authority(shown["official_by_authority"])
            if "official_by_authority" in shown
            else None
        ),
        official_definitions=DEFINITIONS,
        claims=printed.claims(shown["claims"]),
        ledger=printed.ledger(shown["ledger"]),
        completeness=printed.completeness(shown["completeness"]),
        short=[
            printed.short(
                tables["completeness"], "lookback_short", "referrals with a short look-back"
            ),
            printed.short(
                tables["completeness"], "followup_short", "closures with a short follow-up"
            ),
        ],
        curve=printed.curve(tables["curve"]),
        leap=bool((tables["curve"]["day"] > printed.YEAR).any()),
        definition=str(report.definition),
        options=manifest["options"],
        inputs=manifest["inputs"],
        versions=manifest["versions"],
    )
