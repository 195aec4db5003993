"""One published figure beside ours: its line, and how its numbers are printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from rereferral.verdicts.ranges import (
    NOT_BORNE_OUT,
    UNTESTED,
    Number,
    Range,
    exact,
    exactly,
    judge,
    round_half_up,
    rounded,
)

__all__ = [
    "ARITHMETIC",
    "COLUMNS",
    "FOUND",
    "KINDS",
    "PUT_IN",
    "RESTATED",
    "UNITS",
    "Line",
    "as_table",
    "number_line",
    "printed",
    "text_line",
    "untested",
]

FOUND = "found"
PUT_IN = "put in"
ARITHMETIC = "arithmetic"
RESTATED = "restated"
KINDS = {
    FOUND: "counted in the data given; nothing was fitted to it",
    PUT_IN: "the simulation was made so that it comes out",
    ARITHMETIC: "it follows from other published figures",
    RESTATED: "the published figure alone; nothing at hand is counted or computed beside it",
}

#: Units of figures, and how a number in them is printed.
UNITS: dict[str, Callable[[str], str]] = {
    "count": "{}".format,
    "percent": "{} %".format,
    "ratio": "{}".format,
    "year": lambda text: text.replace(",", ""),
    "£m": "£{}m".format,
    "£bn": "£{}bn".format,
}


def printed(number: Number, unit: str, place: Number) -> str:
    """A number in its unit, rounded half up to a place and with the digits of that place.

    Examples
    --------
    >>> printed(24.85, "percent", 0.1), printed(908_130, "count", 1), printed(3.6, "£bn", 0.1)
    ('24.9 %', '908,130', '£3.6bn')
    """
    value = round_half_up(number, place)
    return UNITS[unit](f"{float(value):,.{_decimals(place)}f}")


def _decimals(place: Number) -> int:
    digits, unit = 0, exact(place)
    while unit.denominator != 1:
        digits, unit = digits + 1, unit * 10
    return digits


@dataclass(frozen=True)
class Line:
    """One published figure, ours, and what may be said of it.

    Attributes
    ----------
    section : str
        The part of the table it stands in.
    figure, when : str
        What is counted, and of which year or area.
    published, ours : str
        As printed; `ours` is empty where there is none.
    kind, verdict : str
        Of `KINDS` and `VERDICTS`.
    reason : str
        One sentence.
    difference : str
        Ours less the published figure, both as printed; empty where one of them is no number.
    unit : str
        Of `UNITS`, or ``text``.
    published_value, ours_value : float or None
        The numbers; percentages 0 to 100, money in millions or billions of pounds.
    ours_low, ours_high : float or None
        What ours may be, given the rounding and suppression of what it is made from.
    """

    section: str
    figure: str
    when: str
    published: str
    ours: str
    kind: str
    verdict: str
    reason: str
    difference: str = ""
    unit: str = "text"
    published_value: float | None = None
    ours_value: float | None = None
    ours_low: float | None = None
    ours_high: float | None = None


COLUMNS = tuple(Line.__dataclass_fields__)


def as_table(lines: list[Line]) -> pd.DataFrame:
    """The lines as a table, one row each."""
    table = pd.DataFrame([vars(line) for line in lines], columns=list(COLUMNS))
    numbers = ["published_value", "ours_value", "ours_low", "ours_high"]
    return table.astype(dict.fromkeys(numbers, "float64"))


def number_line(
    section: str,
    figure: str,
    when: str,
    published: tuple[Number, Number],
    unit: str,
    ours: tuple[Number, Range] | None,
    kind: str,
    reason: str,
    *,
    wording: str = "",
    meant: Range | None = None,
    place: Number | None = None,
    verdict: str | None = None,
    otherwise: str = "",
) -> Line:
    """A line whose verdict follows from the numbers.

    Parameters
    ----------
    section, figure, when, unit, kind, reason : str
        As in `Line`.
    published : (number, number)
        The figure and the place it is rounded to; a place of 0: it is exact.
    ours : (number, Range) or None
        Our figure, and what it may be given what it is made from; None: it cannot be tested.
    wording : str
        The published figure as it is to be printed, where its number alone will not do.
    meant : Range, optional
        What the published figure may be, where that is not what rounds to it.
    place : number, optional
        The place that ours is printed to; that of the published figure by default.
    verdict : str, optional
        Where it follows from more than the numbers, the verdict.
    otherwise : str
        What the reason goes on with where the figure is not borne out.
    """
    value, step = published
    if meant is None:
        meant = rounded(value, step) if step else exactly(value)
    shown = step or 1
    words = wording or printed(value, unit, shown)
    if ours is None:
        return untested(section, figure, when, words, reason, kind, unit=unit, value=float(value))
    mine, range_ = ours
    fine = shown if place is None else place
    verdict = verdict or judge(meant, range_)
    if otherwise and verdict == NOT_BORNE_OUT:
        reason = f"{reason.rstrip('.')}: {otherwise}"
    difference = round_half_up(mine, fine) - exact(value)
    return Line(
        section,
        figure,
        when,
        words,
        printed(mine, unit, fine),
        kind,
        verdict,
        reason,
        f"{float(difference):+,.{max(_decimals(fine), _decimals(shown))}f}" if difference else "0",
        unit,
        float(value),
        float(mine),
        float(range_.low),
        None if range_.high is None else float(range_.high),
    )


def text_line(
    section: str,
    figure: str,
    when: str,
    published: str,
    ours: str,
    kind: str,
    verdict: str,
    reason: str,
) -> Line:
    """A line whose figures are words, or codes and years."""
    return Line(section, figure, when, published, ours, kind, verdict, reason)


def untested(
    section: str,
    figure: str,
    when: str,
    published: str,
    reason: str,
    kind: str = RESTATED,
    **values: Any,
) -> Line:
    """A line with nothing beside the published figure; the reason says what it needs."""
    value = values.pop("value", None)
    return Line(
        section,
        figure,
        when,
        published,
        "",
        kind,
        UNTESTED,
        reason,
        published_value=value,
        **values,
    )
