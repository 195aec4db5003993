"""*Too little, too late*: its counts beside official ones, and by arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pandas as pd

from rereferral import published
from rereferral.estimate import england, estimate_total
from rereferral.verdicts.lines import (
    ARITHMETIC,
    FOUND,
    RESTATED,
    Line,
    number_line,
    printed,
    untested,
)
from rereferral.verdicts.open_data import MISSING, Count, OpenData, total
from rereferral.verdicts.ranges import Range, at_least, exact, exactly, rounded

__all__ = [
    "BELOW",
    "KEPT",
    "REPORT",
    "RE_REFERRED",
    "RE_REFERRED_A_YEAR",
    "YEARS",
    "Official",
    "chain_lines",
    "help_lines",
    "sample_lines",
]

REPORT = "Too little, too late"
YEARS = "2015-16 to 2019-20"
# Figures that the page holds beside a table too.
KEPT = "Closures without early help"
BELOW = "Closures below the threshold, held against official"
RE_REFERRED = "Re-referrals within 12 months"
RE_REFERRED_A_YEAR = "Re-referrals a year"
_FIVE = range(2016, 2021)
_TO_TEN = 10
_ANSWERED = 59
_MILLION = 1_000_000
_EARLY_HELP = "Needs what authorities answered on early help, which is not at hand."


@dataclass(frozen=True)
class Official:
    """What the Department for Education counted in the report's five years.

    Attributes
    ----------
    not_in_need, no_further_action : Count
        Referrals assessed as not in need, and those without further action.
    found : bool
        Whether they were added up from the authorities; else from England's printed figures.
    """

    not_in_need: Count
    no_further_action: Count
    found: bool = False

    @classmethod
    def of(cls, data: OpenData) -> Official:
        """From the tables at hand, or else the printed series."""
        table = data.referrals
        sums = []
        for column in ("Not_in_Need", "No_Further_Action"):
            held = [] if table is None else [table.england(year, column) for year in _FIVE]
            known = [count for count in held if count is not None]
            if len(known) < len(_FIVE):
                return cls.printed()
            sums.append(total(known))
        return cls(sums[0], sums[1], found=True)

    @classmethod
    def printed(cls) -> Official:
        """From England's printed figures, each rounded to 10."""
        series = published.official_series().loc[list(_FIVE)]
        sums = [
            total(
                Count(exact(int(n)), rounded(int(n), _TO_TEN), "England's printed figures")
                for n in series[name]
            )
            for name in ("not_in_need", "no_further_action")
        ]
        return cls(sums[0], sums[1])

    @property
    def either(self) -> Count:
        """Closed before or after an assessment."""
        return total([self.not_in_need, self.no_further_action])


def _figure(figures: dict[str, Any], key: str) -> tuple[tuple[Fraction, Fraction], Range]:
    """A published figure with its place, and what it may have been; rates as percentages."""
    found = figures[key]
    scale = 100 if found["value"] < 1 else 1
    value, place = exact(found["value"]) * scale, exact(found["place"]) * scale
    meant = at_least(value) if found.get("at_least") else rounded(value, place)
    return (value, place), meant


def chain_lines(official: Official) -> list[Line]:
    """The closures and re-referrals of five years, on official counts and by arithmetic."""
    figures = published.figures()["too_little_too_late"]
    beside = published.figures()["official_statistics"]
    (kept, _), kept_range = _figure(figures, "not_stepped_down_rate")
    (again, _), again_range = _figure(figures, "re_referred_rate")
    closures, closures_range = _figure(figures, "not_stepped_down")
    below, _ = _figure(figures, "below_threshold")
    re_referred, re_referred_range = _figure(figures, "re_referred")
    per_cent = exactly(Fraction(1, 100))
    kept_share, again_share = kept_range * per_cent, again_range * per_cent
    need, either = official.not_in_need, official.either
    on_official = need.value * kept / 100, need.range * kept_share
    in_words = f"{int(need.value):,}"
    summed = FOUND if official.found else ARITHMETIC
    how = "Added up from the authorities" if official.found else "Added up from England's figures"
    widest = closures_range * again_share
    needed = 100 * re_referred[0] / (closures_range.high or closures[0])
    by_printed = closures[0] * again / 100
    lines: list[tuple[str, str, Any, str, Any, str, str, dict[str, Any]]] = [
        (
            KEPT, YEARS, closures, "count", on_official, ARITHMETIC,
            f"{float(kept):g} % of the {in_words} referrals assessed as not in need (official).",
            {"wording": "1.26 million", "place": 1,
             "otherwise": "a wider definition must be behind the published figure."},
        ),
        (
            "Closures without early help, held against every closure", YEARS, closures, "count",
            (either.value, either.range), summed,
            "All referrals assessed as not in need or closed without further action (official), "
            "whether or not early help followed.",
            {"wording": "1.26 million", "place": 1},
        ),
        (
            "Closures below the threshold, not printed", YEARS, below, "count",
            (100 * closures[0] / kept, exactly(100 * closures[0] / kept)), ARITHMETIC,
            f"1.26 million / {float(kept / 100):g}, as printed.",
            {"wording": "1.482 million", "place": 1},
        ),
        (
            BELOW, YEARS, below, "count",
            (need.value, need.range), summed,
            "Referrals assessed as not in need (official).",
            {"wording": "1.482 million", "place": 1},
        ),
        (
            "Assessed not in need, official", YEARS,
            _figure(beside, "not_in_need_2016_2020")[0], "count", (need.value, need.range), summed,
            f"{how}, five years, with what suppression and rounding leave open.", {"place": 1},
        ),
        (
            "The same and no further action, official", YEARS,
            _figure(beside, "closed_before_or_after_assessment_2016_2020")[0], "count",
            (either.value, either.range), summed,
            f"{how}, five years, with what suppression and rounding leave open.", {"place": 1},
        ),
        (
            "Published to official closures", YEARS,
            _figure(beside, "published_to_official")[0], "ratio",
            (below[0] / need.value, exactly(below[0]) / need.range), ARITHMETIC,
            f"1.482 million / {in_words}.", {},
        ),
        (
            RE_REFERRED, YEARS, re_referred, "count",
            (by_printed, widest), ARITHMETIC,
            f"{float(again / 100):g} × 1.26 million; rounding leaves room up to "
            f"{float(widest.high or 0):,.0f}, so that 320,000 takes a rate of "
            f"{printed(needed, 'percent', Fraction(1, 10))} or more.",
            {"wording": "at least 320,000", "meant": re_referred_range, "place": 1},
        ),
        (
            "Re-referrals within 12 months, on official counts", YEARS, re_referred, "count",
            (on_official[0] * again / 100, on_official[1] * again_share), ARITHMETIC,
            f"{float(again / 100):g} × {float(kept / 100):g} × {in_words}.",
            {"wording": "at least 320,000", "meant": re_referred_range, "place": 1},
        ),
        (
            "Re-referrals by the printed rates, not printed", YEARS,
            _figure(figures, "re_referred_by_arithmetic")[0], "count",
            (by_printed, exactly(by_printed)), ARITHMETIC,
            f"{float(again / 100):g} × 1.26 million, as printed.", {},
        ),
        (
            "Rate by the printed counts, not printed", YEARS,
            _figure(figures, "re_referred_rate_by_arithmetic")[0], "percent",
            (100 * re_referred[0] / closures[0], exactly(100 * re_referred[0] / closures[0])),
            ARITHMETIC, "320,000 / 1.26 million, as printed.", {},
        ),
        (
            RE_REFERRED_A_YEAR, YEARS, _figure(figures, "re_referred_a_year")[0], "count",
            (re_referred[0] / len(_FIVE),
             rounded(*re_referred) / exactly(len(_FIVE))), ARITHMETIC,
            "A fifth of 320,000; these are closures that a referral followed, not children: a "
            "child with two of them counts twice.", {"place": 1},
        ),
    ]  # fmt: skip
    return [
        number_line(REPORT, figure, when, value, unit, ours, kind, reason, **more)
        for figure, when, value, unit, ours, kind, reason, more in lines
    ]


# ---------------------------------------------------------------- could 59 authorities explain it?


def sample_lines() -> list[Line]:
    """The 59 authorities with the highest official share, scaled to England, over the truth.

    If answering went with the rate, an estimate from those who answered is too high; of samples of
    59 this one is about the highest. Only authorities with a count in each year are taken; those
    that merged in these years are one.
    """
    figure = published.figures()["official_statistics"]["published_to_official"]
    frame = _merged(england(_FIVE))
    truth = Official.printed().not_in_need.value
    known = frame.dropna(subset=["not_in_need"])
    years = known.groupby("authority")["financial_year"].nunique()
    known = known[known["authority"].isin(years.index[years == len(_FIVE)])]
    lines = []
    for size in ("referrals", "assessments", "children", "authorities"):
        alike = size == "authorities"
        by = "referrals" if alike else size
        sums = known.groupby("authority")[["not_in_need", by]].sum()
        share = (sums["not_in_need"] / sums[by]).sort_values()
        chosen = known[known["authority"].isin(share.index[-_ANSWERED:])]
        found = estimate_total(
            chosen, frame, count="not_in_need", scale=size, year="financial_year"
        )
        ratio = exact(float(found.main["estimate"].iloc[0])) / truth
        reason = f"From the {_ANSWERED} authorities with the highest official share of {by}."
        if alike:
            reason = (
                "Every authority taken as alike, whatever its size; those who answered would have "
                f"to be the very {_ANSWERED} with the highest share of referrals."
            )
        lines.append(
            number_line(
                REPORT, "Published to official, from the highest 59", f"scaled by {size}",
                (figure["value"], figure["place"]), "ratio", (ratio, exactly(ratio)), FOUND, reason,
                otherwise="who answered cannot explain the published count; a wider definition "
                "must.",
            )
        )  # fmt: skip
    return lines


def _merged(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with each authority under the code that it had in the last of the years."""
    changes = published.figures()["official_statistics"]["code_changes"]
    codes = {
        before: change["to"][0]
        for change in changes
        if change["year"] in _FIVE
        for before in change["from"]
    }
    frame = frame.assign(authority=frame["authority"].replace(codes))
    numbers = ["referrals", "assessments", "children", "not_in_need"]
    by_area = frame.groupby(["authority", "financial_year"])[numbers]
    # A sum with a count that was not published is not known either.
    return by_area.agg(lambda column: column.sum(skipna=False)).reset_index()


# ---------------------------------------------------------------- early help


def help_lines(data: OpenData) -> list[Line]:
    """Children who received early help, and their share of all children."""
    figures = published.figures()["too_little_too_late"]
    lines = []
    for label, year in (("2015-16", 2015), ("2019-20", 2019)):
        key = label.replace("-", "_")
        count, _ = _figure(figures, f"early_help_{key}")
        share, _ = _figure(figures, f"early_help_share_{key}")
        name = "Children receiving targeted early help"
        lines.append(
            untested(REPORT, name, label, f"{int(count[0]):,}", _EARLY_HELP, unit="count",
                     value=float(count[0]))
        )  # fmt: skip
        children = None if data.children is None else data.children.get(year)
        ours, kind, reason = None, RESTATED, MISSING["population"]
        if children is not None:
            ours = 100 * count[0] / children, rounded(*count) / exactly(children) * exactly(100)
            kind = ARITHMETIC
            reason = f"{int(count[0]):,} / {children:,} children aged 0 to 17 in mid-{year}."
        elif data.children is not None:
            reason = f"Needs the children of mid-{year}, which the estimates given do not hold."
        lines.append(
            number_line(REPORT, f"{name}, % of all", label, share, "percent", ours, kind, reason)
        )
    reach = "Reach of early help, % of children"
    two = "There are two wordings in print, around 1 in 6 children and 10 %."
    for key, which, wording, more in (
        ("highest_reach", "highest authority", "around 1 in 6", f" {two}"),
        ("highest_reach_other_wording", "highest, other wording", "10 %", f" {two}"),
        ("lowest_reach", "lowest authority", "2 %", ""),
    ):
        value = 100 * figures[f"{key}_2019_20"]["value"]
        lines.append(
            untested(REPORT, reach, f"2019-20, {which}", wording, _EARLY_HELP + more,
                     unit="percent", value=value)
        )  # fmt: skip
    return lines
