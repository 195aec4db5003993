"""Three rates within 12 months, and the report's two shares, from one table of episodes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rereferral import published
from rereferral.definitions import ACTION_FOR_CHILDREN, DFE, GOLDACRE
from rereferral.errors import DataError
from rereferral.folders import MANIFEST, UNPROTECTED, kind_of
from rereferral.rates import wilson
from rereferral.report.official import YEARS, is_england
from rereferral.report.report import Report
from rereferral.symbols import numbers
from rereferral.verdicts.lines import (
    FOUND,
    PUT_IN,
    RESTATED,
    Line,
    number_line,
    text_line,
    untested,
)
from rereferral.verdicts.official import share
from rereferral.verdicts.open_data import MISSING, Count, OpenData, total
from rereferral.verdicts.ranges import AGREES, NOT_BORNE_OUT, Range, exact, judge_limits, rounded
from rereferral.verdicts.too_little import REPORT
from rereferral.verdicts.too_little import YEARS as SPAN

__all__ = ["RATES", "Counted", "rate_lines", "share_lines"]

RATES = "Three rates within 12 months"

_FIVE = range(2016, 2021)
_TENTH = Fraction(1, 10)
_NO_TABLE = "Needs a table of episodes, or a report made from one (--report)."
_PART = "The published figure is of England; the table is of a part of it."
_PUT_IN = "SIMULATED and fitted to this figure: it shows that the code counts right."
# The tables of a report that are read, and the columns of each that hold numbers.
_TABLES = {
    "chain": (
        "below_threshold",
        "not_stepped_down",
        "followed",
        "rereferred",
        "lower_95",
        "upper_95",
        "lower_scope_95",
        "upper_scope_95",
    ),
    "chain_by_year": (),
    "chain_by_authority": (),
    "three_rates": ("n", "rate", "lower_95", "upper_95"),
    "reconciliation": ("ours",),
}
_LOOKED_BACK = ("re-referrals within 12 months (look-back)", "referrals")


@dataclass(frozen=True, eq=False)
class Counted:
    """What a report counted, made here or saved before.

    Attributes
    ----------
    tables : mapping of str to pandas.DataFrame
        Of a `rereferral.Report`.
    simulated : bool
        Whether its children are simulated.
    source : str
        What it was counted in.
    exact : bool
        Whether no small count of it is hidden.
    """

    tables: Mapping[str, pd.DataFrame]
    simulated: bool
    source: str
    exact: bool

    @classmethod
    def of(cls, report: Report, source: str = "the report given") -> Counted:
        """What a report at hand counted."""
        return cls(report.tables, report.simulated, source, report.release is None)

    @classmethod
    def read(cls, folder: Path) -> Counted:
        """What the report in a folder counted.

        Raises
        ------
        DataError
            No report was saved there, or a table of it cannot be read.
        """
        try:
            manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        except (OSError, ValueError):
            manifest = None
        if not isinstance(manifest, dict) or manifest.get("kind") != kind_of("report"):
            raise DataError(f"{folder} holds no report: it has no {MANIFEST} of one")
        tables = {}
        exact = False
        for name, columns in _TABLES.items():
            path = folder / "tables" / f"{name}.csv"
            if not path.is_file():
                path = path.with_name(f"{UNPROTECTED}{path.name}")
                exact = True
            if not path.is_file():
                raise DataError(f"{folder} has no tables/{name}.csv")
            table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
            for column in columns:
                if column in table.columns:
                    try:
                        table[column] = numbers(table[column], column)[0]
                    except DataError as error:
                        raise DataError(f"{path}: {error}") from None
            tables[name] = table
        simulated = manifest.get("simulated") is True
        return cls(tables, simulated, f"the report in {folder}", exact)

    @property
    def kind(self) -> str:
        """Of its figures."""
        return PUT_IN if self.simulated else FOUND

    @property
    def england(self) -> bool:
        """Whether it can be held against England."""
        return is_england(self.tables)

    @property
    def five_years(self) -> bool:
        """Whether it is of the years of the published counts."""
        return list(self.tables["chain_by_year"]["financial_year"]) == YEARS

    @property
    def other_years(self) -> str:
        """Its years, where they are not those of the published counts."""
        years = [str(year) for year in self.tables["chain_by_year"]["financial_year"]]
        if self.five_years or not years:
            return ""
        return f" (closures of {years[0] if len(years) == 1 else f'{years[0]} to {years[-1]}'})"


def _rate(figure: Mapping[str, Any]) -> tuple[Fraction, Fraction]:
    return 100 * exact(figure["value"]), 100 * exact(figure["place"])


def _line(
    counted: Counted | None,
    where: tuple[str, str, str],
    figure: Mapping[str, Any],
    found: tuple[float, float, float] | None,
    how: str,
    place: Fraction = _TENTH,
) -> Line:
    """A rate of a table, from 0 to 1 with its limits, beside a published one."""
    section, name, when = where
    value, step = _rate(figure)
    reason, ours, verdict = _NO_TABLE, None, None
    kind = RESTATED
    if counted is not None:
        reason = how = f"{how}{counted.other_years}"
        if not counted.england:
            reason = _PART
        elif found is not None and not np.isnan(found).any():
            mine, low, high = (100 * exact(float(number)) for number in found)
            ours, kind = (mine, Range(low, high)), counted.kind
            verdict = judge_limits(rounded(value, step), low, high)
            limits = f"95 % limits {float(low):.1f} to {float(high):.1f} %"
            reason = f"{how}, {limits}." + (f" {_PUT_IN}" if counted.simulated else "")
        else:
            reason = "The report has no such rate: nobody was followed, or it was not asked for."
    return number_line(
        section, name, when, (value, step), "percent", ours, kind, reason, place=place,
        verdict=verdict,
    )  # fmt: skip


def share_lines(counted: Counted | None) -> list[Line]:
    """85 % closed without early help, and 25 % of them referred again."""
    figures = published.figures()["too_little_too_late"]
    kept = again = None
    how = "areas as clusters"
    if counted is not None:
        chain = counted.tables["chain"].iloc[0]
        x, n = chain["not_stepped_down"], chain["below_threshold"]
        if n > 0 and not pd.isna(x):
            lower, upper = wilson(int(x), int(n))
            kept = (float(x / n), float(lower), float(upper))
        x, n = chain["rereferred"], chain["followed"]
        ends = [chain.get(f"{side}_scope_95", np.nan) for side in ("lower", "upper")]
        if pd.isna(ends[0]):
            ends = [chain["lower_95"], chain["upper_95"]]
            how = "widened for children who come more than once"
        if n > 0 and not pd.isna(x):
            again = (float(x / n), float(ends[0]), float(ends[1]))
    first = (REPORT, "Closed below the threshold without early help", SPAN)
    second = (REPORT, "Of these re-referred within 12 months", SPAN)
    return [
        _line(counted, first, figures["not_stepped_down_rate"], kept, "Counted in one table"),
        _line(counted, second, figures["re_referred_rate"], again,
              f"Counted in one table with complete follow-up ({how})"),
    ]  # fmt: skip


def rate_lines(counted: Counted | None, data: OpenData) -> list[Line]:
    """The official look-back rate, the risk after any closure, and the report's rate."""
    figures = published.figures()["rates_within_12_months"]
    five = counted if counted is None or counted.five_years else None
    found = {} if counted is None else _rates_of(counted)
    one, pooled = figures["dfe_look_back_2020"], figures["dfe_look_back_2016_2020"]
    looked_back = _line(
        five, (RATES, "Looking back from every referral, one table", SPAN), pooled,
        found.get(DFE.name), "Every referral of the five years, 12 months back" + _alone(five),
    )  # fmt: skip
    lines = [
        _official(one, [2020], data),
        _official(pooled, list(_FIVE), data),
        looked_back,
    ]
    for key, span in (("goldacre_12_months", "12 months"), ("goldacre_6_years", "6 years")):
        lines.append(
            _line(
                counted, (RATES, "After the closure of any episode, one table", span), figures[key],
                found.get(f"{GOLDACRE.name}, {span}"), "Kaplan-Meier from any closure",
            )
        )  # fmt: skip
    lines.append(
        _line(
            counted, (RATES, "After a closure without early help, one table", "12 months"),
            figures["action_for_children"], found.get(ACTION_FOR_CHILDREN.name),
            "Only closures with all 12 months observed",
        )
    )  # fmt: skip
    return [*lines, _order(counted, found)]


def _rates_of(counted: Counted) -> dict[str, tuple[float, float, float]]:
    table = counted.tables["three_rates"]
    return {
        str(row["name"]): (float(row["rate"]), float(row["lower_95"]), float(row["upper_95"]))
        for _, row in table.iterrows()
        if row["n"] > 0
    }


def _alone(counted: Counted | None) -> str:
    """The look-back rate of the last year by itself, as the rest of a sentence."""
    if counted is None:
        return ""
    table = counted.tables["reconciliation"]
    table = table[table["financial_year"] == YEARS[-1]].set_index("measure")["ours"]
    counts = [table.get(measure) for measure in _LOOKED_BACK]
    if any(pd.isna(count) for count in counts) or not counts[1]:
        return ""
    return f" ({100 * counts[0] / counts[1]:.1f} % in {YEARS[-1]} alone)"


def _official(figure: Mapping[str, Any], years: list[int], data: OpenData) -> Line:
    """The official rate from the counts of England."""
    table, ours, reason = data.referrals, None, MISSING["referrals"]
    if table is not None:
        reason = table.needs(years[-1])
        sums: list[Count] = []
        for column in ("Re_referrals", "Referrals"):
            known = [count for year in years if (count := table.england(year, column)) is not None]
            if len(known) == len(years):
                sums.append(total(known))
        if len(sums) == 2:
            ours = share(*sums)
            reason = f"{int(sums[0].value):,} of {int(sums[1].value):,}, added up for England."
    when = str(years[0]) if len(years) == 1 else SPAN
    return number_line(
        RATES, "Looking back from every referral, official", when, _rate(figure), "percent", ours,
        RESTATED if ours is None else FOUND, reason,
    )  # fmt: skip


def _order(counted: Counted | None, found: Mapping[str, tuple[float, float, float]]) -> Line:
    name, wording = "Which of the three is the lowest", "looking back"
    wanted = {
        "looking back": DFE.name,
        "after any closure": f"{GOLDACRE.name}, 12 months",
        "after a closure without early help": ACTION_FOR_CHILDREN.name,
    }
    rates = {words: found[key][0] for words, key in wanted.items() if key in found}
    rates = {words: rate for words, rate in rates.items() if not np.isnan(rate)}
    if counted is None or len(rates) < len(wanted):
        reason = _NO_TABLE if counted is None else "The report does not have all three rates."
        return untested(RATES, name, "", wording, reason)
    lowest = min(rates, key=lambda words: rates[words])
    return text_line(
        RATES, name, "one table", wording, lowest, counted.kind,
        AGREES if lowest == wording else NOT_BORNE_OUT,
        "Looking back the length of the first episode comes before the gap, so fewer gaps fit "
        "into 12 months.",
    )  # fmt: skip
