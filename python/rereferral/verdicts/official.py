"""The Department for Education's series: England by year, regions, authorities."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from rereferral import published
from rereferral.rounding import percents
from rereferral.verdicts.lines import (
    ARITHMETIC,
    FOUND,
    RESTATED,
    Line,
    number_line,
    text_line,
    untested,
)
from rereferral.verdicts.open_data import MISSING, Count, OpenData, Table, total
from rereferral.verdicts.ranges import (
    AGREES,
    NOT_BORNE_OUT,
    UNTESTED,
    Range,
    exact,
    exactly,
    judge,
    rounded,
)

__all__ = ["AUTHORITIES", "REGIONS", "SERIES", "authorities", "regions", "series"]

SERIES = "Official series"
REGIONS = "Regions"
AUTHORITIES = "Authorities"

_TENTH = Fraction(1, 10)
_TO_TEN = 10
_2020 = 2020
# Name in the series, the figure in words, the table and column it is counted from.
_COUNTS = {
    "referrals": ("Referrals", "referrals", "Referrals"),
    "re_referrals": ("Re-referrals within 12 months", "referrals", "Re_referrals"),
    "no_further_action": ("No further action", "referrals", "No_Further_Action"),
    "not_in_need": ("Assessed not in need", "referrals", "Not_in_Need"),
    "assessments_completed": ("Assessments completed", "assessments", "Assessments_completed"),
}
_PERCENTS = {
    "re_referrals_percent": ("Re-referrals, % of referrals", "re_referrals"),
    "not_in_need_percent": ("Assessed not in need, % of referrals", "not_in_need"),
}
_ORDER = (
    "referrals",
    "re_referrals",
    "re_referrals_percent",
    "no_further_action",
    "not_in_need",
    "not_in_need_percent",
    "assessments_completed",
)


def share(part: Count, whole: Count) -> tuple[Fraction, Range]:
    """A percentage of two counts, and what it may be."""
    hundred = exactly(100)
    return 100 * part.value / whole.value, part.range / whole.range * hundred


# ---------------------------------------------------------------- England by year


def series(data: OpenData) -> list[Line]:
    """Every cell of the series, 2013 to 2025, measure by measure."""
    table = published.official_series()
    lines = []
    for name in _ORDER:
        for year, value in table[name].items():
            if name in _PERCENTS:
                lines.append(_percent_line(data, table, name, int(str(year))))
            else:
                lines.append(_count_line(data, name, int(str(year)), value))
    children = int(table.loc[_2020, "children_re_referred"])
    lines.append(
        untested(
            SERIES,
            "Children re-referred within 12 months",
            str(_2020),
            f"{children:,}",
            "Distinct children do not follow from counts of referrals; it needs their records.",
            unit="count",
            value=children,
        )
    )
    return lines


def _count_line(data: OpenData, name: str, year: int, value: Any) -> Line:
    figure, kind, column = _COUNTS[name]
    table: Table | None = getattr(data, kind)
    if pd.isna(value):
        reason = "No figure of England is published for this year."
        return untested(SERIES, figure, str(year), "–", reason)
    ours, reason = None, MISSING[kind]
    if table is not None:
        found = table.england(year, column) if year in table.years else None
        reason = table.needs(year)
        if found is not None:
            ours, reason = (found.value, found.range), f"{found.how}."
        elif year in table.years:
            reason = "Needs the count of every authority or of every region, and some are missing."
    return number_line(
        SERIES, figure, str(year), (int(value), _TO_TEN), "count", ours,
        RESTATED if ours is None else FOUND, reason, place=1,
    )  # fmt: skip


def _percent_line(data: OpenData, series_: pd.DataFrame, name: str, year: int) -> Line:
    figure, part = _PERCENTS[name]
    table, kind = data.referrals, FOUND
    counts: list[Count | None] = [None, None]
    if table is not None and year in table.years:
        counts = [table.england(year, _COUNTS[of][2]) for of in (part, "referrals")]
    reason = "From the counts of England as they are made above, not from the printed ones."
    known = [count for count in counts if count is not None]
    if len(known) < len(counts):
        printed = [int(series_.loc[year, of]) for of in (part, "referrals")]
        known = [Count(exact(n), rounded(n, _TO_TEN), "") for n in printed]
        kind = ARITHMETIC
        reason = "From the two printed counts, which are rounded to 10 and cannot be tested here."
    return number_line(
        SERIES,
        figure,
        str(year),
        (float(series_.loc[year, name]), _TENTH),
        "percent",
        share(*known),
        kind,
        reason,
    )


# ---------------------------------------------------------------- regions


def regions(data: OpenData) -> list[Line]:
    """The re-referral rates of the nine regions in 2020."""
    table = published.regional_series()
    lines = []
    for row in table[table["year"] == _2020].itertuples():
        ours, reason = None, MISSING["referrals"]
        if data.referrals is not None:
            reason = data.referrals.needs(_2020)
            counts = [
                data.referrals.region(_2020, str(row.region), column)
                for column in ("Re_referrals", "Referrals")
            ]
            if counts[0] is not None and counts[1] is not None:
                ours, reason = share(counts[0], counts[1]), f"{counts[0].how}."
        lines.append(
            number_line(
                REGIONS,
                "Re-referrals, % of referrals",
                f"{row.region}, {_2020}",
                (float(str(row.re_referrals_percent)), _TENTH),
                "percent",
                ours,
                RESTATED if ours is None else FOUND,
                reason,
            )
        )
    return lines


# ---------------------------------------------------------------- authorities


def authorities(data: OpenData) -> list[Line]:
    """What was published of single authorities, and of their number and codes."""
    figures = published.figures()["official_statistics"]
    table = data.referrals
    return [
        *_extremes(figures, table),
        *_sizes(figures, table),
        *_numbers(figures, table),
        *_code_changes(figures, table),
        *_look_backs(figures, table),
        _split(figures["first_year_after_split"], table),
    ]


def _rates(table: Table, year: int) -> pd.DataFrame:
    """Authorities with a rate in a year: code, name and the rate rounded half up to a tenth."""
    rows = table.authorities(year).dropna(subset=["Re_referrals", "Referrals"])
    rows = rows[rows["Referrals"] > 0]
    counts = [rows[name].to_numpy(np.int64) for name in ("Re_referrals", "Referrals")]
    return pd.DataFrame(
        {
            "authority": rows["new_la_code"].to_numpy(),
            "name": rows["la_name"].to_numpy(),
            "rate": percents(*counts),
        }
    )


def _extremes(figures: dict[str, Any], table: Table | None) -> list[Line]:
    lines = []
    held = table is not None and _2020 in table.years
    rates = _rates(table, _2020) if table is not None and held else None
    for key, which in (("lowest", "Lowest"), ("median", "Median"), ("highest", "Highest")):
        figure = figures[f"{key}_rate_{_2020}"]
        value = 100 * exact(figure["value"]), 100 * exact(figure["place"])
        where = figure.get("authority_name", "")
        ours, verdict = None, None
        reason = MISSING["referrals"] if table is None else table.needs(_2020)
        if rates is not None and len(rates):
            if key == "median":
                mine = exact(float(rates["rate"].median()))
                reason = f"Of the rates of {len(rates)} authorities, each rounded to a tenth first."
            else:
                at = rates["rate"].idxmin() if key == "lowest" else rates["rate"].idxmax()
                mine = exact(float(rates.loc[at, "rate"]))
                reason = f"Of {len(rates)} authorities whose counts are published."
                if rates.loc[at, "authority"] != figure["authority"]:
                    verdict = NOT_BORNE_OUT
                    reason = f"It is the rate of {rates.loc[at, 'name']}, not of {where}."
            ours = mine, exactly(mine)
        when = f"{where}, {_2020}" if where else str(_2020)
        lines.append(
            number_line(
                AUTHORITIES, f"{which} re-referral rate of an authority", when, value, "percent",
                ours, RESTATED if ours is None else FOUND, reason, verdict=verdict,
            )
        )  # fmt: skip
    return lines


def _sizes(figures: dict[str, Any], table: Table | None) -> list[Line]:
    lines = []
    for key, which in (("fewest", "Fewest"), ("most", "Most")):
        figure = figures[f"{key}_referrals"]
        ours, verdict, when = None, None, f"{figure['authority_name']}, year not stated"
        reason = MISSING["referrals"]
        if table is not None:
            ours, verdict, reason = _size(table, figure, key == "fewest")
        lines.append(
            number_line(
                AUTHORITIES, f"{which} referrals of an authority in a year", when,
                (figure["value"], figure.get("place", 0)), "count", ours,
                RESTATED if ours is None else FOUND, reason, place=1, verdict=verdict,
            )
        )  # fmt: skip
    figure = figures["children_referred_a_year"]
    years = range(2016, 2021)
    ours, reason = None, MISSING["referrals"]
    if table is not None:
        counts = [table.england(year, "Referrals_child") for year in years]
        known = [count for count in counts if count is not None]
        reason = table.needs(years[-1])
        if len(known) == len(years):
            all_years = total(known)
            five = exactly(len(years))
            ours = all_years.value / len(years), all_years.range / five
            reason = "The average of 2016 to 2020; England's children are those of the authorities."
    lines.append(
        number_line(
            AUTHORITIES, "Children referred in a year, England", "year not stated",
            (figure["value"], figure["place"]), "count", ours,
            RESTATED if ours is None else FOUND, reason, wording="about 570,000", place=1,
        )
    )  # fmt: skip
    return lines


def _size(
    table: Table, figure: dict[str, Any], least: bool
) -> tuple[tuple[Fraction, Range] | None, str | None, str]:
    """The count of a named authority nearest to the published one, in the years of the table."""
    meant = rounded(figure["value"], figure["place"]) if "place" in figure else None
    published_ = exactly(figure["value"]) if meant is None else meant
    held, extreme = [], []
    for year in table.years:
        rows = table.authorities(year)
        mine = rows[rows["new_la_code"] == figure["authority"]]["Referrals"].dropna()
        if len(mine):
            held.append((int(mine.iloc[0]), year))
            others = rows["Referrals"].dropna()
            extreme.append(int(mine.iloc[0]) == (others.min() if least else others.max()))
    name = figure["authority_name"]
    if not held:
        return None, None, f"Needs {name}, which is not in the table."
    near = min(range(len(held)), key=lambda at: (abs(held[at][0] - figure["value"]), -held[at][1]))
    value, year = held[near]
    ours = exact(value), exactly(value)
    verdict = judge(published_, ours[1])
    if verdict == AGREES and not extreme[near]:
        return ours, NOT_BORNE_OUT, f"{name} in {year}, when another authority has that place."
    reason = f"{name} in {year}, the nearest of {table.years[0]} to {table.years[-1]}"
    gone = set(published.official_series().index) - {year for _, year in held}
    if verdict != AGREES and gone:
        years = " and ".join(str(year) for year in sorted(gone))
        return ours, UNTESTED, f"{reason}; {years} {'is' if len(gone) == 1 else 'are'} not at hand."
    return ours, verdict, f"{reason}."


def _numbers(figures: dict[str, Any], table: Table | None) -> list[Line]:
    lines = []
    for part in figures["number_of_authorities"]:
        first, last = part["first"], part["last"]
        when = str(first) if first == last else f"{first} to {last}"
        ours, verdict, reason = None, None, MISSING["referrals"]
        if table is not None:
            counts = [len(table.authorities(year)) for year in range(first, last + 1)]
            reason = table.needs(last)
            if all(counts):
                ours = exact(counts[0]), exactly(counts[0])
                reason = "The authorities that the table lists."
                if len(set(counts)) > 1:
                    verdict = NOT_BORNE_OUT
                    reason = f"The table lists {min(counts)} to {max(counts)} in these years."
        lines.append(
            number_line(
                AUTHORITIES, "Number of authorities", when, (part["value"], 0), "count", ours,
                RESTATED if ours is None else FOUND, reason, verdict=verdict,
            )
        )  # fmt: skip
    return lines


def _code_changes(figures: dict[str, Any], table: Table | None) -> list[Line]:
    lines = []
    for change in figures["code_changes"]:
        figure = f"{' + '.join(change['from'])} to {' + '.join(change['to'])}"
        year = change["year"]
        if table is None or not {year - 1, year} <= set(table.years):
            reason = MISSING["referrals"] if table is None else table.needs(year)
            lines.append(untested(AUTHORITIES, figure, "first year", str(year), reason))
            continue
        seen = {
            code: [at for at in table.years if (table.authorities(at)["new_la_code"] == code).any()]
            for code in [*change["from"], *change["to"]]
        }
        first = {seen[code][0] if seen[code] else None for code in change["to"]}
        last = {seen[code][-1] if seen[code] else None for code in change["from"]}
        agrees = first == {year} and last == {year - 1}
        shown = ", ".join(sorted({str(at) if at else "never" for at in first}))
        gone = ", ".join(sorted({str(at) if at else "never" for at in last}))
        lines.append(
            text_line(
                AUTHORITIES, figure, "first year", str(year), shown, FOUND,
                AGREES if agrees else NOT_BORNE_OUT, f"The codes before were last there in {gone}.",
            )
        )  # fmt: skip
    return lines


def _look_backs(figures: dict[str, Any], table: Table | None) -> list[Line]:
    lines = []
    for figure in figures["short_look_back"]:
        year, ours, reason = figure["year"], None, MISSING["referrals"]
        if table is not None:
            reason = table.needs(year)
            if year in table.years:
                mine = _rate(table, year, figure["authority"])
                reason = f"{figure['authority_name']}'s counts of {year} are not published."
                if mine is not None:
                    ours, reason = (mine, exactly(mine)), "From the authority's own two counts."
        lines.append(
            number_line(
                AUTHORITIES, "Re-referral rate beside a short look-back",
                f"{figure['authority_name']}, {year}",
                (100 * exact(figure["value"]), 100 * exact(figure["place"])), "percent", ours,
                RESTATED if ours is None else FOUND, reason,
            )
        )  # fmt: skip
    return lines


def _rate(table: Table, year: int, code: str) -> Fraction | None:
    rates = _rates(table, year)
    mine = rates[rates["authority"] == code]["rate"]
    return exact(float(mine.iloc[0])) if len(mine) else None


def _split(figure: dict[str, Any], table: Table | None) -> Line:
    name = f"Re-referral rate of the successors of {figure['authority_name']}"
    year, wording = figure["year"], "low at first, as Cumbria's"
    if table is None:
        return untested(AUTHORITIES, name, str(year), wording, MISSING["referrals"])
    before = _rate(table, year - 1, figure["authority"])
    first = [_rate(table, year, code) for code in figure["successors"]]
    then = [_rate(table, year + 1, code) for code in figure["successors"]]
    known = [rate for rate in (before, *first, *then) if rate is not None]
    if before is None or len(known) < 1 + 2 * len(first):
        reason = f"Needs the rates of {year - 1} to {year + 1}, and some are not published."
        return untested(AUTHORITIES, name, str(year), wording, reason)
    falls = all(rate is not None and rate < before for rate in first)
    rises = all(
        now is not None and later is not None and now < later
        for now, later in zip(first, then, strict=True)
    )
    early, late = (
        " and ".join(f"{float(rate):.1f}" for rate in rates if rate is not None)
        for rates in (first, then)
    )
    return text_line(
        AUTHORITIES, name, str(year), wording, f"{early} %", FOUND,
        AGREES if falls and rises else NOT_BORNE_OUT,
        f"{float(before):.1f} % in {year - 1}, before the split, and {late} % in {year + 1}.",
    )  # fmt: skip
