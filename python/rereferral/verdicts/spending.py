"""Early and late intervention spending: the published figures beside plain numbers of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from rereferral import published
from rereferral.spending import mapping
from rereferral.spending import published as outturn_2010_11
from rereferral.verdicts.lines import (
    ARITHMETIC,
    FOUND,
    RESTATED,
    Line,
    number_line,
    text_line,
    untested,
)
from rereferral.verdicts.ranges import (
    AGREES,
    NOT_BORNE_OUT,
    Number,
    Range,
    exact,
    exactly,
    rounded,
)
from rereferral.verdicts.too_little import REPORT

__all__ = ["SPENDING", "Councils", "Outturn", "claim_lines", "outturn_lines"]

SPENDING = "Spending"

_NO_OUTTURN = "Needs Section 251 outturn of England by line (--s251 FOLDER)."
_NO_COUNCILS = "Needs revenue outturn RO3 of 2015-16 and 2019-20 (--ro3 FOLDER)."
_FIRST, _LAST = "2010-11", "2019-20"
_FROM = "2015-16"
_SIDES = {"early": "Early intervention", "late": "Late intervention"}


@dataclass(frozen=True)
class Outturn:
    """England's spending as it was added up from the lines of the outturn.

    Attributes
    ----------
    early, late : mapping of str to number
        Net current expenditure by financial year, £ million in cash.
    """

    early: Mapping[str, Number] = field(default_factory=dict)
    late: Mapping[str, Number] = field(default_factory=dict)


@dataclass(frozen=True)
class Councils:
    """Authorities whose early intervention spending was cut, 2015-16 to 2019-20.

    Attributes
    ----------
    areas : int
        Authorities in both years.
    cut_in_cash : int
        How many of them spent less.
    cut_in_real_terms : tuple of int
        The same in real terms, by each of the deflators.
    deflators : tuple of numbers
        What prices may have risen by in between: the later level over the earlier.
    cut_most : tuple of str
        Names of those that cut by more than 70 % in real terms.
    change_percent : mapping of str to float
        The change in real terms of those that the report names, as far as they are in both years.
    """

    areas: int
    cut_in_cash: int
    cut_in_real_terms: tuple[int, ...]
    deflators: tuple[Number, ...]
    cut_most: tuple[str, ...]
    change_percent: Mapping[str, float] = field(default_factory=dict)

    @property
    def real(self) -> tuple[Number, Range]:
        """How many spent less in real terms by the first deflator, and by any of them."""
        counts = sorted(self.cut_in_real_terms)
        return self.cut_in_real_terms[0], Range(exact(counts[0]), exact(counts[-1]))

    @property
    def real_percent(self) -> tuple[Number, Range]:
        """The same, of all that are in both years, in per cent."""
        count, range_ = self.real
        each = exactly(Fraction(100, self.areas))
        return exact(count) * each.low, range_ * each

    @property
    def terms(self) -> str:
        """The deflators in words."""
        return " or ".join(f"{float(deflator):g}" for deflator in self.deflators)


# ---------------------------------------------------------------- the outturn


def outturn_lines(outturn: Outturn | None, councils: Councils | None) -> list[Line]:
    """Spending by year, and what was said of it and of councils."""
    figures = published.figures()["spending"]
    place = exact(figures["place"])
    lines = []
    ours: tuple[Number, Range] | None
    for side, name in _SIDES.items():
        for year, value in figures[side].items():
            if year == _FIRST:
                ours, kind, reason = _first_year(side)
            else:
                ours, kind, reason = _outturn_of(outturn, side, year)
            lines.append(
                number_line(SPENDING, name, year, (value, place), "£m", ours, kind, reason)
            )
    share = figures["early_share_2019_20"]
    ours, reason = None, _NO_OUTTURN
    if outturn is not None:
        reason = f"Needs the outturn of {_LAST}."
        if _LAST in outturn.early and _LAST in outturn.late:
            mine = _share(outturn.early[_LAST], outturn.late[_LAST])
            ours, reason = (mine, exactly(mine)), "Early over early and late."
    lines.append(
        number_line(
            SPENDING, "Early share of the two", _LAST, _percent(share), "percent", ours,
            RESTATED if ours is None else FOUND, reason,
        )
    )  # fmt: skip
    lines += _deflator_lines(figures)
    return lines + _council_lines(figures["councils"], councils)


def _first_year(side: str) -> tuple[tuple[Number, Range], str, str]:
    """Spending of 2010-11 from its parts, as published; each is rounded to its last digit."""
    lines = outturn_2010_11().table
    mapped = mapping()
    of_side = mapped[mapped["source"] == "published"].groupby("side")["description"].agg(set)
    # Late intervention is there whole and in parts; early in parts alone.
    parts = lines["description"].isin(of_side["early"])
    if side == "late":
        parts = ~(parts | lines["description"].isin(of_side["late"]))
    amounts = dict(zip(lines[parts]["description"], lines[parts]["net"], strict=True))
    value, range_ = exact(0), exactly(0)
    for amount in map(float, amounts.values()):
        digits = len(str(amount).partition(".")[2])
        value, range_ = value + exact(amount), range_ + rounded(amount, Fraction(1, 10**digits))
    words = " + ".join(f"{name} {amount:,}" for name, amount in amounts.items())
    return (value, range_), ARITHMETIC, f"{words}, as published."


def _outturn_of(
    outturn: Outturn | None, side: str, year: str
) -> tuple[tuple[Number, Range] | None, str, str]:
    if outturn is None:
        return None, RESTATED, _NO_OUTTURN
    amount = getattr(outturn, side).get(year)
    if amount is None:
        return None, RESTATED, f"Needs the outturn of {year}."
    return (exact(amount), exactly(amount)), FOUND, "The lines of the outturn, added up."


def _share(early: Number, late: Number) -> Fraction:
    return 100 * exact(early) / (exact(early) + exact(late))


def _percent(figure: Mapping[str, Any]) -> tuple[Fraction, Fraction]:
    return 100 * exact(figure["value"]), 100 * exact(figure["place"])


def _deflator_lines(figures: Mapping[str, Any]) -> list[Line]:
    """Which deflators give the report's £3.6 bn, and which both that and its £5.6 bn."""
    claims = published.figures()["too_little_too_late"]
    deflator = figures["deflator_2010_11"]
    ends = []
    for side in _SIDES:
        claim = claims[f"{side}_spending_2010_11"]
        cash = exactly(exact(figures[side][_FIRST]) / 1000)
        ends.append(cash / rounded(claim["value"], claim["place"]))
    early, late = ends
    printed_ = Range(exact(deflator["lowest"]), exact(deflator["highest"]))
    value = exactly(deflator["value"])
    return [
        text_line(
            SPENDING, "Deflators that give £3.6bn", _FIRST,
            f"{deflator['lowest']} to {deflator['highest']}", _ends(early), ARITHMETIC,
            AGREES if early.within(printed_) else NOT_BORNE_OUT,
            "Cash over what rounds to £3.6bn; the published ends hold all of these.",
        ),
        text_line(
            SPENDING, "A deflator that gives £3.6bn and £5.6bn", _FIRST, str(deflator["value"]),
            _ends(late), ARITHMETIC,
            AGREES if value.within(early) and value.within(late) else NOT_BORNE_OUT,
            f"{_ends(late)} give £5.6bn, and {_ends(early)} £3.6bn.",
        ),
    ]  # fmt: skip


def _ends(range_: Range) -> str:
    high = range_.low if range_.high is None else range_.high
    return f"{float(range_.low):.3f} to {float(high):.3f}"


def _council_lines(figures: Mapping[str, Any], councils: Councils | None) -> list[Line]:
    span = f"{_FROM} to {_LAST}"
    reason = _NO_COUNCILS
    found: list[tuple[Number, Range] | None] = [None] * 5
    if councils is not None:
        reason = (
            "Net current expenditure of authorities in both years (RO3); real terms with a "
            f"deflator of {councils.terms}."
        )
        counts = [councils.areas, councils.cut_in_cash, len(councils.cut_most)]
        both, cash, most = ((count, exactly(count)) for count in counts)
        found = [both, cash, councils.real, councils.real_percent, most]
    name = "Authorities that cut early intervention"
    wanted: list[tuple[str, tuple[Number, Number], str]] = [
        ("Authorities in both years", (figures["areas"], 0), "count"),
        (f"{name} in cash", (figures["cut_in_cash"], 0), "count"),
        (f"{name} in real terms", (figures["cut_in_real_terms"], 0), "count"),
        (f"{name} in real terms, %", _percent(figures["share_cut_in_real_terms"]), "percent"),
        (f"{name} by more than 70 %", (figures["cut_by_more_than_70_percent"], 0), "count"),
    ]
    return [
        number_line(
            SPENDING, figure, span, value, unit, ours, RESTATED if ours is None else FOUND, reason
        )
        for (figure, value, unit), ours in zip(wanted, found, strict=True)
    ]


# ---------------------------------------------------------------- what the report says


def claim_lines(outturn: Outturn | None, councils: Councils | None) -> list[Line]:
    """Spending as the report has it, in billions and shares, and what it says of councils."""
    claims = published.figures()["too_little_too_late"]
    return [
        *_cut_lines(claims, councils),
        *(_billions(claims, outturn, side, year) for side in _SIDES for year in (_FIRST, _LAST)),
        *(_claimed_share(claims, outturn, year) for year in (_FIRST, _LAST)),
    ]


def _amount(outturn: Outturn | None, side: str, year: str) -> tuple[Number | None, str, str]:
    """Our amount in £ million, its kind, and why it is missing."""
    if year == _FIRST:
        return published.figures()["spending"][side][year], ARITHMETIC, ""
    if outturn is None:
        return None, RESTATED, _NO_OUTTURN
    return getattr(outturn, side).get(year), FOUND, f"Needs the outturn of {year}."


def _billions(claims: Mapping[str, Any], outturn: Outturn | None, side: str, year: str) -> Line:
    figure = claims[f"{side}_spending_{year.replace('-', '_')}"]
    amount, kind, reason = _amount(outturn, side, year)
    ours = None
    if amount is None:
        kind = RESTATED
    else:
        level = exact(1)
        reason = f"£{float(amount):,.1f}m in cash, as Section 251 outturn has it."
        if year == _FIRST:
            level = exact(published.figures()["spending"]["deflator_2010_11"]["value"])
            reason = (
                f"£{float(amount):,}m in cash / {float(level)}, one deflator for early and late."
            )
        mine = exact(amount) / level / 1000
        ours = mine, exactly(mine)
    name = f"{_SIDES[side]} spending{', real terms' if year == _FIRST else ''}"
    return number_line(
        REPORT, name, year, (figure["value"], figure["place"]), "£bn", ours, kind, reason,
        place=Fraction(1, 100),
    )  # fmt: skip


def _claimed_share(claims: Mapping[str, Any], outturn: Outturn | None, year: str) -> Line:
    figure = claims[f"early_share_{year.replace('-', '_')}"]
    early, kind, reason = _amount(outturn, "early", year)
    late = _amount(outturn, "late", year)[0]
    ours = None
    if early is None or late is None:
        kind = RESTATED
    else:
        mine = _share(early, late)
        ours = mine, exactly(mine)
        reason = f"{float(early):,.1f} / ({float(early):,.1f} + {float(late):,.1f})."
    return number_line(
        REPORT, "Early share of early and late spending", year, _percent(figure), "percent", ours,
        kind, reason, place=Fraction(1, 100),
    )  # fmt: skip


def _cut_lines(claims: Mapping[str, Any], councils: Councils | None) -> list[Line]:
    span = f"{_FROM} to {_LAST}"
    share, most = claims["authorities_that_cut"], claims["authorities_that_cut_most"]
    name = "Authorities that cut early intervention"
    named = ", ".join(most["names"])
    if councils is None:
        return [
            untested(REPORT, name, span, "nine in ten", _NO_COUNCILS, unit="percent",
                     value=100 * share["value"]),
            untested(REPORT, f"{name} by more than 70 %", span, named, _NO_COUNCILS),
        ]  # fmt: skip
    found = ", ".join(councils.cut_most) or "none"
    changes = (f"{name} {change:+.1f} %" for name, change in councils.change_percent.items())
    named_changes = ": " + ", ".join(changes) if councils.change_percent else ""
    agrees = set(councils.cut_most) == set(most["names"])
    return [
        number_line(
            REPORT, name, span, _percent(share), "percent", councils.real_percent, FOUND,
            f"{councils.real[0]} of {councils.areas} in real terms (RO3, a deflator of "
            f"{councils.terms}), {councils.cut_in_cash} in cash.",
            wording="nine in ten", place=1,
            otherwise="the report counted other lines, or its own answers, which are not public.",
        ),
        text_line(
            REPORT, f"{name} by more than 70 %", span, named, found, FOUND,
            AGREES if agrees else NOT_BORNE_OUT,
            f"Net current expenditure in real terms (RO3){named_changes}.",
        ),
    ]  # fmt: skip
